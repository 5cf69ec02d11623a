"""Volumes that are segmented block by block: when that is needed, and how it is told."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from anystar.cli.progress import progress_bar
from anystar.cli.relevance import in_words, predicates, refuse_unusable
from anystar.errors import InputError

if TYPE_CHECKING:
    from anystar.blocks import Outcome
    from anystar.cli.plan import Job
    from anystar.io import LazyImage

__all__ = ["block_options", "segment_in_blocks", "wants_blocks"]

_BLOCK = 256
"""Voxels along an axis of what is read at once to see whether all are the same."""


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
    """Return whether to work in blocks; what cannot work is refused here, before the model is loaded.

    Raises
    ------
    ValueError
        If it must be in blocks, and the labels do not go to OME-Zarr; if the mask or a condition is no use.
    """
    from anystar.blocks.memory import available_memory, whole_volume_bytes
    from anystar.io.address import locate

    if given["workers"] and not given["dask"]:
        raise InputError("--workers is for --dask; give both, or neither")
    refuse_unusable(image, given)
    why = next((f"--{o}" for o in ("memory", "dask", "resume") if given[o]), "")
    if not why:
        need, free = whole_volume_bytes(image.shape, image.dtype.itemsize), available_memory()
        if need <= free:
            return False
        why = f"{job.image} needs about {need / 1e9:.1f} GB at once and {free / 1e9:.1f} GB are free, which"
    if locate(job.outputs.labels).module != "ome_zarr":
        raise InputError(f"{why} means blocks, which go to OME-Zarr; end the output's name in .zarr")
    return True


def segment_in_blocks(job: Job, image: LazyImage, model: Any, given: dict[str, Any]) -> int:
    """Segment in blocks, write the outputs, say what was found, and return how many objects.

    Raises
    ------
    ValueError
        If there is something that cannot be used; after all is written, if the image is constant.
    """
    from anystar import io
    from anystar.blocks import Extras, segment_blocks
    from anystar.blocks.detectors import NamedModel
    from anystar.cli.whole import constant, notes_of, record_of, refuse_other_unit, tell
    from anystar.errors import AlreadyDone
    from anystar.objects import filters
    from anystar.predict.model import DEFAULT_MODEL

    start = time.perf_counter()
    refuse_other_unit(job, image, given)
    wanted = predicates(given)
    sent = NamedModel(
        name=given["model"] or DEFAULT_MODEL, device_name=given["device"], tta=model.tta, fast=model.fast
    )
    outputs = job.outputs

    def remarks(outcome: Outcome) -> tuple[str, ...]:
        return notes_of(image, outcome, outcome.num_objects, outcome.num_dropped)

    def record(outcome: Outcome) -> str:
        counts, seconds = (outcome.num_objects, outcome.num_dropped), time.perf_counter() - start
        return record_of(job, image, model, given, outcome, *counts, remarks(outcome), seconds)

    with contextlib.ExitStack() as stack:
        stack.enter_context(image)
        mask = (
            None if given["mask"] is None else stack.enter_context(io.open_image(given["mask"], sized=False))
        )
        progress = stack.enter_context(progress_bar(job.name))
        try:
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
                    record=outputs.record,
                ),
                relevant=(lambda table: filters.relevant(table, wanted)) if wanted else None,
                filters=in_words(given),
                record=record,
                resume=given["resume"],
                overwrite=given["overwrite"],
                progress=progress,
            )
        except AlreadyDone as before:
            click.echo(f"{job.image}: {before}")
            return before.num_objects
        notes = remarks(outcome)
        found = outcome.num_objects + outcome.num_dropped
        value = None if found else _only_value(image)
    seconds = time.perf_counter() - start
    tell(job, image, outcome, outcome.volume_vox, outcome.num_dropped, notes, seconds)
    work = ", ".join(f"{kind} {value:.1f} s" for kind, value in outcome.timings.items())
    click.echo(f"  work: {work}")
    if value is not None:
        raise constant(job, value)
    return outcome.num_objects


def _only_value(image: LazyImage) -> Any:
    """Return the value of all voxels, None if they differ; reads no further than to the first that does."""
    from anystar.io.pyramid import blocks

    value = image.read((slice(1),) * 3).item()
    z, y, x = (max(n, _BLOCK // n * n) for n in image.chunks)
    same = all((image.read(box) == value).all() for box in blocks(image.shape, (z, y, x)))
    return value if same else None
