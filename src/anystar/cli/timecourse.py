"""``anystar timecourse``: intensity of instances over time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from anystar.cli.group import PARTIAL, complain, print_done
from anystar.cli.options import (
    Length,
    Number,
    axes_option,
    channel_option,
    file_option,
    file_type,
    output_option,
    overwrite_option,
    series_option,
    spacing_option,
)
from anystar.runtime.progress import progress_bar

__all__ = ["timecourse"]


@click.command(no_args_is_help=True)
@click.argument("frames", metavar="FRAMES...", nargs=-1, required=True, type=file_type)
@file_option("--labels", metavar="LABELS", help="Label image of the regions, on the grid of the frames.")
@click.option(
    "--segment-frame",
    type=click.IntRange(min=0),
    metavar="K",
    help="Segment frame K (from 0) instead and take its objects for the regions.",
)
@output_option(metavar="OUT", help="Folder for the results.")
@file_option(
    "--mask",
    metavar="MASK",
    help="Restrict all to the organ, where this image is not 0; else it is all regions together.",
)
@click.option(
    "--reference",
    type=click.IntRange(min=0),
    metavar="K",
    help="Frame that LABELS belong to, for the drift. [default: the first that is there]",
)
@click.option(
    "--baseline",
    type=click.IntRange(min=0),
    nargs=2,
    metavar="A B",
    help="Frames (both included) that changes are relative to. [default: the first tenth]",
)
@click.option(
    "--sigma",
    type=Number(0),
    default=3.0,
    show_default=True,
    metavar="S",
    help="Of the Gaussian along time, in frames; 0 for none.",
)
@click.option(
    "--interval",
    type=Number(0, above=True),
    metavar="SECONDS",
    help="From one frame to the next, if the file does not say.",
)
@channel_option
@series_option
@axes_option
@spacing_option
@click.option("--model", metavar="NAME|PATH", help="For --segment-frame; see 'anystar models'.")
@click.option(
    "--diameter",
    type=Length(),
    metavar="D",
    help="For --segment-frame: typical diameter of the objects in micrometres (in voxels if no voxel size is "
    "known).",
)
@overwrite_option
@click.pass_context
def timecourse(
    ctx: click.Context, /, frames: tuple[Path, ...], output: Path, overwrite: bool, **given: Any
) -> None:
    """Follow the mean intensity of regions over time.

    FRAMES is a time series (4D NIfTI, TIFF time stack, OME-Zarr), a folder of numbered volumes, or the
    volumes themselves. One frame at a time is read. OUT gets curves.csv (mean, change relative to the
    baseline and smoothed change of each region and of the whole organ), frames.csv (which could be used, and
    how they have moved) and curves.png. The frames are not registered to each other: drift is measured and
    reported.

    \b
    Examples:
      anystar timecourse bold.nii.gz --labels cotyledons.nii.gz --mask placenta.nii.gz -o curves/
      anystar timecourse movie.tif --segment-frame 0 --baseline 0 9 -o curves/
    """
    from anystar.workflow.timecourse import TimecourseOptions, follow_files

    given["baseline"] = given["baseline"] or None
    options = TimecourseOptions(**given)
    with progress_bar("timecourse") as progress:
        done = follow_files(frames, output, options, overwrite=overwrite, progress=progress)
    course = done.course
    click.echo(
        f"{done.name}: {len(course.label)} regions in {len(course.frame)} frames, baseline frames "
        f"{course.baseline[0]} to {course.baseline[1]}, {done.seconds:.1f} s"
    )
    print_done(done.files, done.notes)
    for line in done.problems:
        complain(line)
    if done.problems:
        ctx.exit(PARTIAL)
