"""``anystar segment``: images in, labels, tables and pictures out."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from anystar.cli.blockwise import block_options, segment_in_blocks, wants_blocks
from anystar.cli.group import BAD_INPUT, complain, one_line
from anystar.cli.record import from_record_option
from anystar.cli.relevance import filter_options
from anystar.cli.segment_options import image_options, object_options, output_options
from anystar.errors import InputError

if TYPE_CHECKING:
    from anystar.arrays import Volume
    from anystar.cli.plan import Job
    from anystar.io import LazyImage

__all__ = ["segment"]

MIN_SIZE = 4
"""Fewest voxels along an axis: thinner than this is a sheet, not a volume."""
_BESIDE = ("table", "picture", "meshes", "record")
"""Outputs beside the labels."""


@click.command(no_args_is_help=True)
@click.argument("inputs", metavar="INPUT...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="OUTPUT",
    type=click.Path(path_type=Path),
    help="Where the labels go: a file (its ending says the format), or a folder.",
)
@image_options
@object_options
@filter_options
@output_options
@block_options
@from_record_option
@click.pass_context
def segment(ctx: click.Context, /, **given: Any) -> None:
    """Find the objects in 3D images and number them.

    INPUT is one or more images (TIFF, OME-TIFF, NIfTI, NRRD, HDF5 as file.h5:/dataset, OME-Zarr, NumPy) or a
    folder of them. The labels lie exactly on the image: 0 is background, and every object has a number of its
    own. The voxel size is read from the file. What does not fit into memory is segmented in blocks, with the
    same result; its labels go to OME-Zarr.

    \b
    Examples:
      anystar segment embryo.tif -o embryo_labels.tif --table embryo.csv --picture embryo.png
      anystar segment brain.nii.gz -o brain_labels.nii.gz --diameter 12
      anystar segment images/ -o labels/ --table tables/ --spacing 2 0.5 0.5
      anystar segment embryo.tif -o nuclei.tif --bright --drop-border --keep "sphericity > 0.6"
      anystar segment brain.zarr -o brain.zarr/labels/cells --table cells.parquet --memory 8GB
      anystar segment --from-record embryo.csv -o again.tif
    """
    from anystar.cli.plan import Outputs, plan_jobs
    from anystar.cli.relevance import predicates

    predicates(given)  # a condition that cannot be read is said at once
    _refuse_idle(ctx, given)
    _apply_thresholds(given)
    _leave_out_old_outputs(ctx, given)
    wanted = {name: given[name] for name in _BESIDE}
    jobs = plan_jobs(
        given["inputs"],
        Outputs(labels=given["output"], **wanted),
        channel=given["channel"],
        time=given["time"],
        spacing=given["spacing"],
        series=given["series"],
        axes=given["axes"],
        also_read=[given[name] for name in ("mask", "thresholds", "from_record")],
        overwrite=given["overwrite"] or given["resume"],
    )
    _segment_all(ctx, jobs, given)


_BELONGS = {
    "distances": ("table", "keep", "drop"),
    "mesh_format": ("meshes",),
    "mask_overlap": ("mask",),
}
"""Options that say something about one of others."""


def _refuse_idle(ctx: click.Context, given: dict[str, Any]) -> None:
    """Raise ``ValueError`` if an option was typed that would do nothing."""
    for name, others in _BELONGS.items():
        typed = ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if typed and not any(given[other] for other in others):
            option = f"--{name.replace('_', '-')}"
            raise InputError(f"{option} belongs to --{others[0]}; give both, or leave it out")


def _leave_out_old_outputs(ctx: click.Context, given: dict[str, Any]) -> None:
    """Forget the record's outputs beside the labels if ``-o`` is new: they belong to the old labels."""
    if ctx.get_parameter_source("output") is ParameterSource.COMMANDLINE:
        for name in _BESIDE:
            if ctx.get_parameter_source(name) is ParameterSource.DEFAULT_MAP:
                given[name] = None


def _apply_thresholds(given: dict[str, Any]) -> None:
    """Fill in what a file of thresholds says and no option does."""
    given["diameter_unit"] = None
    if given["thresholds"] is None:
        return
    from anystar.config import load_toml
    from anystar.predict.thresholds import Thresholds

    found = load_toml(Thresholds, given["thresholds"])
    if given["model"] and found.model and Path(given["model"]).resolve() != Path(found.model).resolve():
        raise InputError(
            f"{given['thresholds']} was tuned for the model {found.model}, not for {given['model']}; "
            "leave out --model, or tune for that one"
        )
    if given["diameter"] is None and found.diameter is not None:
        given["diameter"], given["diameter_unit"] = found.diameter, found.unit
    for name in ("model", "prob_thresh", "nms_thresh"):
        if given[name] is None:
            given[name] = getattr(found, name)


def _segment_all(ctx: click.Context, jobs: list[Job], given: dict[str, Any]) -> None:
    """Segment one image after the other; with several, one that cannot be used does not stop the rest."""
    import anystar
    from anystar.cli.whole import segment_whole

    start, total, model = time.perf_counter(), 0, None
    remarks: list[str] = []
    for job in jobs:
        image = None
        with _survive(job, remarks, several=len(jobs) > 1):
            image, volume = _read(job, given)
        if image is None:
            continue
        # Loaded late, so that a bad image is known at once; a bad model stops everything.
        if model is None:
            model = anystar.load_model(given["model"], device=given["device"])
            if given["tta"] or given["fast"]:
                model = replace(model, tta=given["tta"], fast=given["fast"])
        with _survive(job, remarks, several=len(jobs) > 1):
            if volume is None:
                total += segment_in_blocks(job, image, model, given)
                continue
            total += segment_whole(job, image, volume, model, given)
    if len(jobs) > 1:
        failed = f", {len(remarks)} of them failed or empty (see above)" if remarks else ""
        seconds = time.perf_counter() - start
        click.echo(f"{len(jobs)} images{failed}: {total} objects in {seconds:.1f} s, in {given['output']}")
    if remarks:
        ctx.exit(BAD_INPUT)


@contextlib.contextmanager
def _survive(job: Job, remarks: list[str], *, several: bool) -> Iterator[None]:
    """Note what is wrong with an image and go on, if there are others."""
    try:
        yield
    except Exception as error:
        message = one_line(error)
        if message is None or not several:
            raise
        remarks.append(message if str(job.image) in message else f"{job.image}: {message}")
        complain(remarks[-1])


def _read(job: Job, given: dict[str, Any]) -> tuple[LazyImage, Volume | None]:
    """Read the image, or only open it if that is to be done in blocks; refuse a thin one."""
    from anystar import io

    image = io.open_image(
        job.image,
        channel=job.channel,
        time=job.time,
        level=given["level"],
        spacing=given["spacing"],
        series=given["series"],
        axes=given["axes"],
    )
    with contextlib.ExitStack() as stack:
        stack.enter_context(image)
        for axis, size in zip("ZYX", image.shape, strict=True):
            if size < MIN_SIZE:
                raise InputError(
                    f"{job.image} is only {size} voxels thick along {axis}, shape {image.shape}; "
                    f"give a volume of at least {MIN_SIZE} voxels along every axis"
                )
        if wants_blocks(job, image, given):
            stack.pop_all()
            return image, None
        return image, image.volume()
