"""The files that are written for one image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from anystar.io.address import locate
from anystar.report.table import sidecar

__all__ = ["Outputs", "target_of"]


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """Files of one image, or folders for several."""

    labels: Path
    """The label image: a file in a format of :data:`anystar.io.SUFFIXES`."""
    table: Path | None = None
    """The table of objects, ``.csv`` or ``.parquet``."""
    overview: Path | None = None
    """The overview image, ``.png``."""
    meshes: Path | None = None
    """Surfaces: a file ``.obj``, ``.ply`` or ``.stl``, or a folder with a file per object."""
    rois: Path | None = None
    """ROIs for Fiji, ``.zip``."""
    provenance: Path | None = None
    """How the result was made, ``.toml``."""

    @property
    def named(self) -> dict[str, Path]:
        """Everything that is written for one image, as it is called on the disk, by what it is."""
        made = {
            "labels": target_of(self.labels),
            "table": self.table,
            "provenance beside the table": self.table and sidecar(self.table),
            "overview image": self.overview,
            "meshes": self.meshes,
            "ROIs": self.rois,
            "provenance": self.provenance,
        }
        return {what: path for what, path in made.items() if path is not None}

    @property
    def files(self) -> tuple[Path, ...]:
        """The same without the names, the labels first."""
        return tuple(self.named.values())

    @property
    def beside(self) -> tuple[Path, ...]:
        """Files beside the labels, without the provenance of a CSV table."""
        return tuple(p for p in (self.table, self.overview, self.meshes, self.provenance) if p is not None)

    @property
    def in_store(self) -> bool:
        """Whether the labels go to a folder, OME-Zarr."""
        return locate(self.labels).module == "ome_zarr"


def target_of(path: Path) -> Path:
    """Return the file or folder that a name stands for."""
    address = locate(path)
    return address.file / address.inner if address.module == "ome_zarr" else address.file
