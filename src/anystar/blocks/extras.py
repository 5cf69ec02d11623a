"""What a run writes beside the labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from anystar.blocks.keep import Keep
from anystar.blocks.overview import Surveyor, draw
from anystar.blocks.stages import Run
from anystar.blocks.table import write_table
from anystar.report.meshes import MeshKind, write_meshes
from anystar.runtime.atomic import staged

__all__ = ["Extras", "write_extras"]


@dataclass(frozen=True, kw_only=True)
class Extras:
    """What is written beside the labels; each file appears whole or not at all."""

    table: Path | None = None
    """A table of the objects, ``.csv`` or ``.parquet``."""
    distances: bool = False
    """Whether the table has their polyhedra."""
    overview: Path | None = None
    """Slices and a projection with outlines, ``.png``."""
    title: str = ""
    """Name of the volume above the overview image."""
    meshes: Path | None = None
    """Surfaces: a file, or a folder of files, see :func:`anystar.report.meshes.write_meshes`."""
    mesh_kind: MeshKind = "ply"
    """Of the files in a folder."""
    record: Path | None = None
    """What was asked and found, ``.toml``."""

    @property
    def files(self) -> tuple[Path, ...]:
        """What is written."""
        return tuple(p for p in (self.table, self.overview, self.meshes, self.record) if p is not None)


def write_extras(
    extras: Extras, run: Run, keep: Keep, surveyor: Surveyor | None, record: Callable[[], str]
) -> None:
    """Write what is wanted, block by block; ``record`` is asked for when the rest is written."""
    if extras.meshes is not None:
        bodies = keep.polyhedra()
        spacing = run.plan.voxel_size.spacing
        write_meshes(extras.meshes, bodies, keep.labels, run.rays, spacing=spacing, kind=extras.mesh_kind)
    if extras.overview is not None and surveyor is not None:
        draw(extras.overview, surveyor, f"{extras.title}: {len(keep.volume_vox)} objects")
    if extras.table is not None:
        write_table(extras.table, keep.parts(), record)
    if extras.record is not None:
        with staged(extras.record) as (temporary,):
            temporary.write_text(record(), encoding="utf-8")
