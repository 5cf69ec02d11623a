"""What a run writes beside the labels."""

from __future__ import annotations

from collections.abc import Callable

from anystar.blocks.kept_objects import KeptObjects
from anystar.blocks.overview import Surveyor, draw
from anystar.blocks.table import write_table
from anystar.blocks.tasks import Run
from anystar.outputs import Outputs
from anystar.report.meshes import MeshKind, write_meshes
from anystar.runtime.atomic import staged

__all__ = ["write_outputs"]


def write_outputs(
    outputs: Outputs,
    run: Run,
    keep: KeptObjects,
    surveyor: Surveyor | None,
    provenance: Callable[[], str],
    *,
    name: str,
    mesh_format: MeshKind,
) -> None:
    """Write what lies beside the labels, block by block; ``provenance`` is called when the rest is written.

    ``name`` is that of the volume, above the overview image.
    """
    if outputs.meshes is not None:
        bodies = keep.polyhedra()
        spacing = run.plan.voxel_size.spacing
        write_meshes(outputs.meshes, bodies, keep.labels, run.rays, spacing=spacing, kind=mesh_format)
    if outputs.overview is not None and surveyor is not None:
        draw(outputs.overview, surveyor, f"{name}: {len(keep.volume_vox)} objects")
    if outputs.table is not None:
        write_table(outputs.table, keep.parts(), provenance)
    if outputs.provenance is not None:
        with staged(outputs.provenance) as (temporary,):
            temporary.write_text(provenance(), encoding="utf-8")
