"""``anystar timecourse``: intensity of instances over time."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from anystar.cli.group import PARTIAL, complain
from anystar.cli.options import Number, channel_option, spacing_option
from anystar.cli.progress import progress_bar
from anystar.errors import InputError

if TYPE_CHECKING:
    import numpy as np

    from anystar.arrays import Volume
    from anystar.io import Series
    from anystar.timecourse import Regions, Timecourse

__all__ = ["timecourse"]


@click.command(no_args_is_help=True)
@click.argument("frames", metavar="FRAMES...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--labels",
    type=click.Path(path_type=Path),
    metavar="LABELS",
    help="Label image of the regions, on the grid of the frames.",
)
@click.option(
    "--segment-frame",
    type=click.IntRange(min=0),
    metavar="K",
    help="Segment frame K (from 0) instead and take its objects for the regions.",
)
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="OUT",
    type=click.Path(path_type=Path),
    help="Folder for the results.",
)
@click.option(
    "--mask",
    type=click.Path(path_type=Path),
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
@spacing_option
@click.option("--model", metavar="NAME|PATH", help="For --segment-frame; see 'anystar models'.")
@click.option(
    "--diameter",
    type=Number(0, above=True),
    metavar="D",
    help="For --segment-frame: typical diameter of the objects in micrometres (in voxels if no voxel size is "
    "known).",
)
@click.option("--overwrite", is_flag=True, help="Replace results that exist.")
@click.pass_context
def timecourse(ctx: click.Context, /, **given: Any) -> None:
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
    from anystar.io import open_series
    from anystar.timecourse import left_out_remarks

    if (given["labels"] is None) == (given["segment_frame"] is None):
        raise InputError("--labels and --segment-frame say where the regions are; give one of the two")
    if given["segment_frame"] is not None and given["reference"] is not None:
        raise InputError("--reference belongs to --labels; leave it out with --segment-frame")
    for option in ("model", "diameter"):
        if given["labels"] is not None and given[option] is not None:
            raise InputError(f"--{option} belongs to --segment-frame; leave it out with --labels")
    with open_series(given["frames"], channel=given["channel"], spacing=given["spacing"]) as series:
        baseline = given["baseline"]
        if baseline and not baseline[0] <= baseline[1] < len(series):
            raise InputError(
                f"--baseline takes two of the frames 0 to {len(series) - 1} in order, got "
                f"{baseline[0]} {baseline[1]}; change them"
            )
        outputs = _outputs(given, series)
        number, reference = _reference(series, given)
        labels = _labels(series, reference, given)
        regions = _make_regions(labels, series, given)
        start = time.perf_counter()
        course = _follow(series, regions, reference, given)
        seconds = time.perf_counter() - start
        problems = left_out_remarks(course, series.faults)
        _write(outputs, course, series, reference, labels, given)
    _say(course, series, number, regions, seconds)
    for path in outputs.values():
        click.echo(f"  wrote {path}")
    for line in problems:
        complain(line)
    if problems:
        ctx.exit(PARTIAL)


def _outputs(given: dict[str, Any], series: Series) -> dict[str, Path]:
    """Return where the results go, by what they are; refuse to replace an input, or any unasked."""
    from anystar.io import file_suffix
    from anystar.workflow.outputs import refuse_outputs

    folder: Path = given["output"]
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; give a folder for the results")
    names = {"curves": "curves.csv", "frames": "frames.csv", "picture": "curves.png"}
    if given["segment_frame"] is not None:
        suffix = file_suffix(str(series.first.address.file))
        names["labels"] = f"labels{suffix if suffix in ('.nii', '.nii.gz') else '.tif'}"
    paths = {what: folder / name for what, name in names.items()}
    inputs = (*given["frames"], given["labels"], given["mask"])
    refuse_outputs(paths.items(), inputs=inputs, overwrite=given["overwrite"])
    return paths


def _reference(series: Series, given: dict[str, Any]) -> tuple[int, np.ndarray]:
    """Return the frame that the labels belong to, and its number."""
    import numpy as np

    option = "--reference" if given["segment_frame"] is None else "--segment-frame"
    wanted = given["reference"] if given["segment_frame"] is None else given["segment_frame"]
    if wanted is not None and wanted >= len(series):
        raise InputError(
            f"{option} must be one of the frames 0 to {len(series) - 1}, got {wanted}; change it"
        )
    for number in range(len(series)) if wanted is None else (wanted,):
        frame = series.read(number)
        usable = frame is not None and np.isfinite(frame).all() and frame.min() < frame.max()
        if frame is not None and usable:
            return number, frame
    if wanted is None:
        raise InputError(
            f"{series.name} has no frame that can be used; {next(iter(series.faults.values()), '')}"
        )
    raise InputError(f"frame {wanted} is missing, constant or not finite; choose another {option}")


def _labels(series: Series, reference: np.ndarray, given: dict[str, Any]) -> np.ndarray:
    """Return the labels of the file, or of a segmentation of the reference frame."""
    if given["labels"] is not None:
        from anystar.arrays import refuse_mismatch
        from anystar.io import read_labels

        volume = read_labels(given["labels"])
        refuse_mismatch(given["labels"], volume, Path(series.name), series)
        return volume.data
    import anystar
    from anystar.arrays import Volume

    model = anystar.load_model(given["model"])
    with progress_bar("segment") as progress:
        result = model.segment(
            Volume(data=reference, spacing=series.spacing, unit=series.unit),
            diameter=given["diameter"],
            progress=progress,
        )
    if not len(result.objects.label):
        raise InputError(
            f"nothing was found in frame {given['segment_frame']}; try --diameter, or give --labels"
        )
    for note in result.notes:
        click.echo(f"  note: {note}")
    return result.labels


def _on_grid(path: Path, series: Series) -> Volume:
    """Read a volume and check that it lies on the frames."""
    from anystar import io
    from anystar.arrays import refuse_mismatch

    volume = io.read(path)
    refuse_mismatch(path, volume, Path(series.name), series)
    return volume


def _make_regions(labels: np.ndarray, series: Series, given: dict[str, Any]) -> Regions:
    from anystar.timecourse import make_regions

    mask = None if given["mask"] is None else _on_grid(given["mask"], series).data
    for path, data in ((given["labels"], labels), (given["mask"], mask)):
        if data is not None and not data.any():
            raise InputError(f"{path} holds only background; give one with a region")
    return make_regions(labels, mask)


def _follow(series: Series, regions: Regions, reference: np.ndarray, given: dict[str, Any]) -> Timecourse:
    import numpy as np
    from tqdm import tqdm

    from anystar.timecourse import follow

    frames = (series.read(n) for n in tqdm(range(len(series)), desc="frames", disable=None, leave=False))
    course = follow(
        frames, regions, reference=reference, baseline=given["baseline"] or None, sigma=given["sigma"]
    )
    if not np.isfinite(course.change).any():
        first, last = course.baseline
        raise InputError(
            f"no frame of the baseline {first} to {last} can be used; give another with --baseline A B"
        )
    return course


def _write(
    outputs: dict[str, Path],
    course: Timecourse,
    series: Series,
    reference: np.ndarray,
    labels: np.ndarray,
    given: dict[str, Any],
) -> None:
    """Write all results or none."""
    from anystar import io
    from anystar.report.timecourse import save_timecourse, write_curves, write_frames
    from anystar.runtime.atomic import staged

    seconds = given["interval"] or series.seconds
    with staged(*outputs.values()) as temporary:
        place = dict(zip(outputs, temporary, strict=True))
        write_curves(place["curves"], course, seconds=seconds)
        write_frames(place["frames"], course, seconds=seconds)
        save_timecourse(
            place["picture"],
            course,
            reference,
            labels,
            spacing=series.spacing,
            seconds=seconds,
            title=f"{Path(series.name).name}: {len(course.label)} regions, {len(course.frame)} frames",
        )
        if "labels" in outputs:
            io.write(place["labels"], labels, like=series.first)


def _say(course: Timecourse, series: Series, number: int, regions: Regions, seconds: float) -> None:
    """Print what was measured, and the drift."""
    from anystar.timecourse import drift_remark, ranges

    click.echo(
        f"{series.name}: {len(course.label)} regions in {len(course.frame)} frames, baseline frames "
        f"{course.baseline[0]} to {course.baseline[1]}, {seconds:.1f} s"
    )
    if len(regions.outside):
        click.echo(f"  note: regions outside the mask have no curve: {ranges(regions.outside.tolist())}")
    remark = drift_remark(course, number, series.spacing if series.unit == "um" else None)
    if remark:
        click.echo(f"  note: {remark}")
