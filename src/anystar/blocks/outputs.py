"""What a run writes beside the labels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from anystar.arrays import LengthUnit
from anystar.blocks.kept_objects import KeptObjects
from anystar.blocks.overview import Surveyor, draw
from anystar.blocks.tasks import Run
from anystar.objects.table import Table
from anystar.outputs import Outputs
from anystar.report.meshes import MeshKind, write_meshes
from anystar.report.table import TableWriter
from anystar.runtime.atomic import staged

__all__ = ["write_outputs"]

_GROUP_ROWS = 100_000
"""Objects that are written to the table at once."""


def write_outputs(
    outputs: Outputs,
    run: Run,
    keep: KeptObjects,
    surveyor: Surveyor | None,
    provenance: Callable[[], str],
    *,
    name: str,
    mesh_format: MeshKind,
    length_unit: LengthUnit,
) -> None:
    """Write what lies beside the labels, block by block; ``provenance`` is called when the rest is written.

    ``name`` is that of the volume, above the overview image; ``length_unit`` is that of its lengths.
    """
    if outputs.meshes is not None:
        bodies = keep.polyhedra()
        size = run.plan.voxel_size
        write_meshes(
            outputs.meshes,
            bodies,
            keep.labels,
            run.rays,
            spacing=size.spacing,
            length_unit=length_unit if size.unit == "um" else "um",
            kind=mesh_format,
        )
    if outputs.overview is not None and surveyor is not None:
        draw(outputs.overview, surveyor, f"{name}: {len(keep.volume_vox)} objects", length_unit)
    if outputs.table is not None:
        parts = (replace(part, length_unit=length_unit) for part in keep.parts())
        with TableWriter(outputs.table) as writer:
            for group in _gathered(parts):
                writer.add(group)
            writer.provenance = provenance()
    if outputs.provenance is not None:
        with staged(outputs.provenance) as (temporary,):
            temporary.write_text(provenance(), encoding="utf-8")


def _gathered(parts: Iterable[Table]) -> Iterator[Table]:
    """Join small parts, so that a group of rows is worth its overhead."""
    waiting: list[Table] = []
    for part in parts:
        waiting.append(part)
        if sum(map(len, waiting)) >= _GROUP_ROWS:
            yield Table.concat(waiting)
            waiting = []
    if waiting:
        yield Table.concat(waiting)
