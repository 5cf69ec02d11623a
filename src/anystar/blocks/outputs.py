"""What a run writes beside the labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from anystar.blocks.kept_objects import KeptObjects
from anystar.blocks.overview import Surveyor, draw
from anystar.blocks.table import write_table
from anystar.blocks.tasks import Run
from anystar.report.meshes import MeshKind, write_meshes
from anystar.runtime.atomic import staged

__all__ = ["BlockOutputs", "write_outputs"]


@dataclass(frozen=True, kw_only=True)
class BlockOutputs:
    """What is written beside the labels; each file appears whole or not at all."""

    table: Path | None = None
    """A table of the objects, ``.csv`` or ``.parquet``."""
    distances: bool = False
    """Whether the table contains their polyhedra."""
    overview: Path | None = None
    """Slices and a projection with outlines, ``.png``."""
    title: str = ""
    """Name of the volume above the overview image."""
    meshes: Path | None = None
    """Surfaces: a file, or a folder of files, see :func:`anystar.report.meshes.write_meshes`."""
    mesh_kind: MeshKind = "ply"
    """Format of the files in a folder."""
    provenance: Path | None = None
    """The provenance of the result, ``.toml``."""

    @property
    def files(self) -> tuple[Path, ...]:
        """What is written."""
        return tuple(p for p in (self.table, self.overview, self.meshes, self.provenance) if p is not None)


def write_outputs(
    outputs: BlockOutputs,
    run: Run,
    keep: KeptObjects,
    surveyor: Surveyor | None,
    provenance: Callable[[], str],
) -> None:
    """Write the outputs, block by block; ``provenance`` is called when the rest is written."""
    if outputs.meshes is not None:
        bodies = keep.polyhedra()
        spacing = run.plan.voxel_size.spacing
        write_meshes(outputs.meshes, bodies, keep.labels, run.rays, spacing=spacing, kind=outputs.mesh_kind)
    if outputs.overview is not None and surveyor is not None:
        draw(outputs.overview, surveyor, f"{outputs.title}: {len(keep.volume_vox)} objects")
    if outputs.table is not None:
        write_table(outputs.table, keep.parts(), provenance)
    if outputs.provenance is not None:
        with staged(outputs.provenance) as (temporary,):
            temporary.write_text(provenance(), encoding="utf-8")
