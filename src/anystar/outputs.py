"""The files that are written for one image; never over an input, or over what exists without consent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from anystar.errors import InputError
from anystar.io.address import locate, remote_address
from anystar.report.table import TABLE_SUFFIXES, sidecar

__all__ = ["ENDINGS", "Outputs", "refuse_ending", "refuse_outputs", "target_of"]


ENDINGS = {"table": TABLE_SUFFIXES, "overview": (".png",), "rois": (".zip",), "provenance": (".toml",)}
"""How files beside the labels may end, by output; the first is the usual one."""


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

    def refuse_endings(self) -> None:
        """Raise ``InputError`` if a file beside the labels ends as its format must not."""
        for name, endings in ENDINGS.items():
            refuse_ending(name, getattr(self, name), *endings)

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


def refuse_ending(name: str, path: Path | None, *endings: str) -> None:
    """Raise ``InputError`` unless a file that an argument names ends as it must; None is not given."""
    if path is not None and path.suffix.lower() not in endings:
        raise InputError(f"{name} must end in {' or '.join(endings)}, got {path}; change the name")


def refuse_outputs(
    outputs: Iterable[tuple[str, Path]], *, inputs: Iterable[Path | None] = (), overwrite: bool
) -> None:
    """Raise ``InputError`` if an output is an input or another output, or exists and may not be replaced.

    Parameters
    ----------
    outputs : iterable of (str, Path)
        What each is, for the message, and what is written on the disk.
    inputs : iterable of Path, optional
        Everything that is read, with the provenance beside a table; None for what was not given.
    overwrite : bool
        Whether outputs that exist may be replaced.
    """
    given = [path for path in inputs if path is not None]
    files = [target_of(path) for path in given] + [p for p in map(sidecar, given) if p is not None]
    sources = {file.resolve() for file in files}
    sources.update([folder for source in sources for folder in source.parents])
    taken: dict[Path, str] = {}
    for what, path in outputs:
        if stated := remote_address(path):
            raise InputError(
                f"{stated} is an address, to which nothing is written; give {what} a file or folder"
            )
        place = path.resolve()
        if place in taken:
            raise InputError(f"{taken[place]} and {what} would both become {path}; rename one of them")
        if place in sources:
            raise InputError(f"{path} is an input and would be overwritten; choose another output")
        if path.exists() and not overwrite:
            raise InputError(f"{path} exists already; add overwrite=True, or choose another name")
        taken[place] = what
