"""``anystar segment``: images in, labels, tables and overview images out."""

from __future__ import annotations

import contextlib
import functools
import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

import anystar
from anystar import display
from anystar.cli.filter_options import filter_options, take_filters
from anystar.cli.group import BAD_INPUT, complain, one_line, print_done
from anystar.cli.options import file_type, join_numbers, output_option
from anystar.cli.segment_options import (
    block_options,
    from_provenance_option,
    image_options,
    object_options,
    output_options,
)
from anystar.errors import InputError
from anystar.runtime.progress import COMPILING, progress_bar, starting

if TYPE_CHECKING:
    from anystar.runtime.precompile import Wait
    from anystar.workflow.batch import Job
    from anystar.workflow.file_result import FileResult
    from anystar.workflow.options import SegmentOptions

__all__ = ["segment"]

_BESIDE = ("table", "overview", "meshes", "rois", "provenance")
"""Outputs beside the labels."""
_NAMED = 3
"""Most files that the last line names, instead of their folder."""
_BELONGS = {
    "distances": ("table", "keep", "drop"),
    "mesh_format": ("meshes",),
    "mask_overlap": ("mask",),
    "crop": ("box",),
}
"""Options that have no effect without one of others."""


class _Segment(click.Command):
    """A command whose ``--prob-thresh`` takes one or more numbers."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the words."""
        return super().parse_args(ctx, join_numbers(args, "--prob-thresh"))


@click.command(cls=_Segment, no_args_is_help=True)
@click.argument("inputs", metavar="INPUT...", nargs=-1, required=True, type=file_type)
@output_option(
    metavar="OUTPUT", help="Where the labels go: a file (its ending gives the format), or a folder."
)
@image_options
@object_options
@filter_options
@output_options
@block_options
@from_provenance_option
@click.pass_context
def segment(ctx: click.Context, /, **given: Any) -> None:
    """Find the objects in 3D images and number them.

    INPUT is one or more images (TIFF, OME-TIFF, NIfTI, NRRD, HDF5 as file.h5:/dataset, OME-Zarr, NumPy) or a
    folder of them. The labels lie exactly on the image: 0 is background, and every object has its own number.
    The voxel size is read from the file. An image that does not fit into memory is segmented in blocks, with
    the same result; its labels go to OME-Zarr.

    \b
    Examples:
      anystar segment embryo.tif -o embryo_labels.tif --table embryo.csv --overview embryo.png
      anystar segment embryo.tif -o embryo_labels.tif --prob-thresh 0.3 0.5 0.7
      anystar segment brain.nii.gz -o brain_labels.nii.gz --diameter 12
      anystar segment images/ -o labels/ --table tables/ --spacing 2 0.5 0.5
      anystar segment embryo.tif -o nuclei.tif --bright --drop-border --keep "sphericity > 0.6"
      anystar segment brain.zarr -o brain.zarr/labels/cells --table cells.parquet --memory 8GB
      anystar segment brain.zarr -o try.tif --box 40:60,500:700,500:700 --crop
      anystar segment --from-provenance embryo.csv -o again.tif
    """
    with starting("anystar segment"):
        from anystar.first_run import PARTS
        from anystar.runtime.precompile import precompiled

        wait_for_kernels = ctx.with_resource(precompiled("anystar.first_run", list(PARTS)))
        from anystar.outputs import Outputs
        from anystar.workflow.batch import images_of, plan_jobs
        from anystar.workflow.options import SegmentOptions

    _refuse_idle(ctx, given)
    _leave_out_old_outputs(ctx, given)
    inputs, thresholds = given.pop("inputs"), given.pop("thresholds")
    also_read = [thresholds, given.pop("from_provenance")]
    several: tuple[float, ...] = given.pop("prob_thresh") or ()
    given["prob_thresh"] = several[0] if len(several) == 1 else None
    outputs = Outputs(labels=given.pop("output"), **{name: given.pop(name) for name in _BESIDE})
    options = SegmentOptions(filters=take_filters(given), **given)
    if thresholds is not None:
        options = _with_thresholds(options, thresholds)
    jobs = plan_jobs(inputs, outputs, options, prob_thresholds=several, also_read=also_read)
    for folder in inputs:
        if labels := images_of(folder)[1]:
            some = f"{', '.join(p.name for p in labels[:3])}{', ...' if len(labels) > 3 else ''}"
            click.echo(f"note: labels beside their images are no images and are left out: {some}")
    _segment_all(ctx, jobs, options, wait_for_kernels)


def _refuse_idle(ctx: click.Context, given: dict[str, Any]) -> None:
    """Raise ``InputError`` if an option was typed that would have no effect."""
    for name, others in _BELONGS.items():
        typed = ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if typed and not any(given[other] for other in others):
            raise InputError(f"{name}=... belongs to {others[0]}=...; give both, or leave it out")


def _leave_out_old_outputs(ctx: click.Context, given: dict[str, Any]) -> None:
    """Forget the repeated run's outputs beside the labels if ``-o`` is new: they belong to the old labels."""
    if ctx.get_parameter_source("output") is ParameterSource.COMMANDLINE:
        for name in _BESIDE:
            if ctx.get_parameter_source(name) is ParameterSource.DEFAULT_MAP:
                given[name] = None


def _with_thresholds(options: SegmentOptions, path: Path) -> SegmentOptions:
    """Return the options, completed by a file of thresholds."""
    from anystar.config import load_toml
    from anystar.predict.thresholds import Thresholds

    found = load_toml(Thresholds, path)
    if options.model and found.model and Path(options.model).resolve() != Path(found.model).resolve():
        raise InputError(
            f"{path} was tuned for the model {found.model}, not for {options.model}; "
            "leave out --model, or tune for that one"
        )
    if options.diameter is None and found.diameter is not None:
        options = replace(options, diameter=found.diameter, diameter_unit=found.unit)
    names = ("model", "prob_thresh", "nms_thresh")
    return replace(options, **{n: getattr(found, n) for n in names if getattr(options, n) is None})


def _segment_all(
    ctx: click.Context, jobs: Sequence[Job], options: SegmentOptions, wait_for_kernels: Wait
) -> None:
    """Segment one image after the other; with several, one that cannot be used does not stop the rest."""
    from anystar.workflow.collected import Collected
    from anystar.workflow.opened import open_file
    from anystar.workflow.segment import segment_opened, segment_thresholds

    start, total, model = time.perf_counter(), 0, None
    remarks: list[str] = []
    groups = [list(group) for _, group in itertools.groupby(jobs, key=lambda j: (j.image, j.channel, j.time))]
    collected = ctx.with_resource(Collected())
    for job, *more in groups:
        opened = None
        with _survive(job, remarks, several=len(groups) > 1):
            own = replace(options, channel=job.channel, time=job.time)
            opened = open_file(job.image, job.outputs, own, name=job.name, shared=job.shared)
        if opened is None:
            continue
        # Loaded late, so that a bad image is reported at once; a bad model stops everything.
        model = model or anystar.load_model(options.model, device=options.device)
        with _survive(job, remarks, several=len(groups) > 1):
            with progress_bar(job.name) as progress:
                wait_for_kernels(functools.partial(progress, 0, 1, COMPILING))
                if more:
                    made = {
                        one.prob_thresh: one.outputs for one in (job, *more) if one.prob_thresh is not None
                    }
                    finished = segment_thresholds(opened, made, model, progress=progress)
                else:
                    finished = [segment_opened(opened, model, progress=progress)]
            total += sum(done.num_objects for done in finished)
            for one, done in zip((job, *more), finished, strict=True):
                collected.add(one, done)
                _report(done, one)
            if more:
                files = " ".join(str(done.outputs.table or done.outputs.labels) for done in finished)
                click.echo(f"compare them with: anystar report {files} -o report.html")
    shared = collected.finish()
    if len(groups) > 1:
        failed = f", {len(remarks)} of them failed or empty (see above)" if remarks else ""
        seconds = time.perf_counter() - start
        click.echo(f"{len(groups)} images{failed}: {total} objects in {seconds:.1f} s, in {_places(jobs)}")
    print_done(shared)
    if remarks:
        ctx.exit(BAD_INPUT)


def _places(jobs: Sequence[Job]) -> str:
    """Return the label files that were written by name, or their folder if they are many."""
    from anystar.io.address import locate

    made = [job.outputs.labels for job in jobs if locate(job.outputs.labels).file.exists()]
    folders = dict.fromkeys(str(path.parent) for path in made)
    return ", ".join(map(str, made) if len(made) <= _NAMED else folders) or "no file"


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


def _report(done: FileResult, job: Job) -> None:
    """Print what was found and written; ``InputError`` for a constant image, whose labels are written."""
    if done.already_done:
        click.echo(f"{job.image}: {done.notes[0]}")
        return
    filtered = f" ({done.num_filtered} filtered out)" if done.num_filtered else ""
    size = ""
    if done.diameter is not None:
        size = f", typical diameter {display.length(done.diameter, done.unit, done.length_unit)}"
    click.echo(f"{job.image}: {done.num_objects} objects{filtered}{size}, {done.seconds:.1f} s")
    print_done(done.files, done.notes)
    if done.work is not None:
        click.echo(f"  work: {', '.join(f'{kind} {value:.1f} s' for kind, value in done.work.items())}")
    if done.constant is not None:
        what = f"{job.image} is constant (every voxel is {done.constant}) and has no objects"
        raise InputError(f"{what}; check that the right channel was exported")
