"""Volumes that are segmented block by block: when that is needed, and how it is told."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from anystar.atomic import staged
from anystar.cli.progress import progress_bar
from anystar.cli.record import make_record
from anystar.cli.relevance import predicates

if TYPE_CHECKING:
    from anystar.blocks import Outcome
    from anystar.cli.plan import Job
    from anystar.io import LazyImage

__all__ = ["block_options", "segment_in_blocks", "wants_blocks"]


class _Memory(click.ParamType):
    """An amount of memory, in bytes."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the bytes or fail."""
        from anystar.blocks.memory import parse_memory

        try:
            return value if isinstance(value, int) else parse_memory(value)
        except ValueError as error:
            raise click.UsageError(f"--{error}", ctx) from None


def block_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of blockwise segmentation to a command."""
    options = [
        click.option(
            "--memory",
            type=_Memory(),
            metavar="SIZE",
            help="Work in blocks, within this much memory for each process, 4GB say. Without it, blocks are "
            "used for what does not fit into memory, with 70% of what is free.",
        ),
        click.option(
            "--dask",
            metavar="WHERE",
            help="Work in blocks on Dask workers: local, slurm, or the address of a scheduler.",
        ),
        click.option(
            "--workers",
            type=click.IntRange(min=1),
            metavar="N",
            help="How many workers to start for --dask local or slurm.",
        ),
        click.option("--resume", is_flag=True, help="Go on with a run in blocks that was interrupted."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def wants_blocks(job: Job, image: LazyImage, given: dict[str, Any]) -> bool:
    """Return whether to work in blocks.

    Raises
    ------
    ValueError
        If it must be in blocks, and the labels do not go to OME-Zarr.
    """
    from anystar.blocks.memory import available_memory, whole_volume_bytes
    from anystar.io.address import locate

    if given["workers"] and not given["dask"]:
        raise ValueError("--workers is for --dask; give both, or neither")
    why = next((f"--{o}" for o in ("memory", "dask", "resume") if given[o]), "")
    if not why:
        need, free = whole_volume_bytes(image.shape, image.dtype.itemsize), available_memory()
        if need <= free:
            return False
        why = f"{job.image} needs about {need / 1e9:.1f} GB at once and {free / 1e9:.1f} GB are free, which"
    if locate(job.outputs.labels).module != "ome_zarr":
        raise ValueError(f"{why} means blocks, which go to OME-Zarr; end the output's name in .zarr")
    return True


def segment_in_blocks(job: Job, image: LazyImage, model: Any, given: dict[str, Any]) -> int:
    """Segment in blocks, write the outputs, say what was found, and return how many objects."""
    from anystar import filters, io
    from anystar.blocks import Extras, segment_blocks
    from anystar.blocks.detectors import NamedModel
    from anystar.cli.whole import describe_size, refuse_other_unit, spacing_notes
    from anystar.predict.model import DEFAULT_MODEL

    start = time.perf_counter()
    refuse_other_unit(job, image, given)
    wanted = predicates(given)
    sent = NamedModel(
        name=given["model"] or DEFAULT_MODEL, device_name=given["device"], tta=model.tta, fast=model.fast
    )
    outputs = job.outputs

    def record(outcome: Outcome) -> str:
        return _record(job, image, model, given, outcome, time.perf_counter() - start)

    with contextlib.ExitStack() as stack:
        stack.enter_context(image)
        mask = None if given["mask"] is None else stack.enter_context(io.open_image(given["mask"]))
        progress = stack.enter_context(progress_bar(job.name))
        outcome = segment_blocks(
            image,
            outputs.labels,
            model=model,
            detector=sent if given["dask"] else None,
            diameter=given["diameter"],
            prob_thresh=given["prob_thresh"],
            nms_thresh=given["nms_thresh"],
            memory=given["memory"],
            cluster=given["dask"],
            workers=given["workers"],
            mask=mask,
            extras=Extras(
                table=outputs.table,
                distances=given["distances"],
                picture=outputs.picture,
                title=job.name,
                meshes=outputs.meshes,
                mesh_kind=given["mesh_format"],
            ),
            relevant=(lambda table: filters.relevant(table, wanted)) if wanted else None,
            record=record,
            resume=given["resume"],
            overwrite=given["overwrite"],
            progress=progress,
        )
        if outputs.record is not None:
            with staged(outputs.record) as (temporary,):
                temporary.write_text(record(outcome), encoding="utf-8")
    seconds = time.perf_counter() - start
    left_out = f" ({outcome.num_dropped} irrelevant ones dropped)" if outcome.num_dropped else ""
    size = describe_size(outcome.volume_vox, image, outcome.voxel_size)
    click.echo(f"{job.image}: {outcome.num_objects} objects{left_out}{size}, {seconds:.1f} s")
    hint = [] if outcome.num_objects else ["nothing was found; try --diameter, or a lower --prob-thresh"]
    for note in (*spacing_notes(image, outcome.voxel_size), *outcome.notes, *hint):
        click.echo(f"  note: {note}")
    work = ", ".join(f"{kind} {value:.1f} s" for kind, value in outcome.timings.items())
    click.echo(f"  work: {work}")
    for path in outputs.files:
        click.echo(f"  wrote {path}")
    return outcome.num_objects


def _record(
    job: Job, image: LazyImage, model: Any, given: dict[str, Any], outcome: Outcome, seconds: float
) -> str:
    from anystar.cli.whole import describe_voxels, parameters_of

    finest = 1.0 if image.spacing is None else min(image.spacing)
    diameter = outcome.diameter_vox
    metric = diameter is not None and image.spacing is not None and image.unit == "um"
    return make_record(
        parameters_of(job, given, model, outcome),
        image=image,
        model=model,
        estimate={
            "diameter_vox": diameter,
            "diameter_um": diameter * finest if metric and diameter else None,
            "diameter_was": "given" if given["diameter"] else "estimated",
            **describe_voxels(image, outcome.voxel_size),
        },
        result={
            "objects": outcome.num_objects,
            "dropped": outcome.num_dropped,
            "notes": outcome.notes,
            "seconds": {**outcome.timings, "total": seconds},
        },
    )
