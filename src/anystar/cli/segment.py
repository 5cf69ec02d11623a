"""``anystar segment``: images in, labels, tables and pictures out."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from anystar.cli.group import BAD_INPUT, complain, one_line
from anystar.cli.options import Number, spacing_option
from anystar.cli.progress import progress_bar

if TYPE_CHECKING:
    import numpy as np

    from anystar.arrays import Volume
    from anystar.cli.plan import Job

__all__ = ["segment"]

MIN_SIZE = 4
"""Fewest voxels along an axis: thinner than this is a sheet, not a volume."""


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
@spacing_option
@click.option(
    "--diameter",
    type=Number(0, above=True),
    metavar="D",
    help="Typical diameter of the objects in micrometres (in voxels if no voxel size is known). "
    "Estimated from the image if you leave it out.",
)
@click.option("--model", metavar="NAME|PATH", help="Which model; see 'anystar models'.")
@click.option(
    "--prob-thresh",
    type=Number(0, 1),
    metavar="P",
    help="How sure an object must be, 0 to 1: lower finds more, higher only the clearest.",
)
@click.option(
    "--thresholds",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE.toml",
    help="Thresholds, model and diameter as 'anystar tune' wrote them; other options go before them.",
)
@click.option(
    "--nms-thresh",
    type=Number(0, 1),
    metavar="T",
    help="How much two objects may overlap, 0 to 1, before the less sure one is dropped.",
)
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda", "mps"]),
    default="auto",
    show_default=True,
    help="Where the network runs; auto takes a GPU if there is one.",
)
@click.option(
    "--channel",
    type=click.IntRange(min=0),
    metavar="N",
    help="Which channel of a multi-channel image, from 0.",
)
@click.option(
    "--table",
    type=click.Path(path_type=Path),
    metavar="FILE.csv",
    help="Write one line per object: probability, position, volume, bounding box. "
    "A folder, for several images.",
)
@click.option(
    "--picture",
    type=click.Path(path_type=Path),
    metavar="FILE.png",
    help="Draw the outlines on three slices and a projection. A folder, for several images.",
)
@click.option("--overwrite", is_flag=True, help="Replace outputs that exist.")
@click.pass_context
def segment(ctx: click.Context, /, **given: Any) -> None:
    """Find the objects in 3D images and number them.

    INPUT is one or more images (TIFF, OME-TIFF, NIfTI, NumPy) or a folder of them. The labels lie exactly on
    the image: 0 is background, and every object has a number of its own. The voxel size is read from the
    file.

    \b
    Examples:
      anystar segment embryo.tif -o embryo_labels.tif --table embryo.csv --picture embryo.png
      anystar segment brain.nii.gz -o brain_labels.nii.gz --diameter 12
      anystar segment images/ -o labels/ --table tables/ --spacing 2 0.5 0.5
    """
    from anystar.cli.plan import plan_jobs

    _apply_thresholds(given)
    jobs = plan_jobs(
        given["inputs"],
        given["output"],
        table=given["table"],
        picture=given["picture"],
        overwrite=given["overwrite"],
    )
    _segment_all(ctx, jobs, given)


def _apply_thresholds(given: dict[str, Any]) -> None:
    """Fill in what a file of thresholds says and no option does."""
    given["diameter_unit"] = None
    if given["thresholds"] is None:
        return
    from anystar.config import load_toml
    from anystar.predict.thresholds import Thresholds

    found = load_toml(Thresholds, given["thresholds"])
    if given["model"] and found.model and Path(given["model"]).resolve() != Path(found.model).resolve():
        raise ValueError(
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

    start, total, model = time.perf_counter(), 0, None
    remarks: list[str] = []
    for job in jobs:
        volume = None
        with _survive(job, remarks, several=len(jobs) > 1):
            volume = _read(job, given)
        if volume is None:
            continue
        # Loaded late, so that a bad image is known at once; a bad model stops everything.
        model = model or anystar.load_model(given["model"], device=given["device"])
        with _survive(job, remarks, several=len(jobs) > 1):
            total += _segment_one(job, volume, model, given)
            if (low := volume.data.min()) == volume.data.max():
                what = f"{job.image} is constant (every voxel is {low}) and has no objects"
                remarks.append(f"{what}; check that the right channel was exported")
                complain(remarks[-1])
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


def _read(job: Job, given: dict[str, Any]) -> Volume:
    """Read the image; refuse a thin one."""
    from anystar import io

    volume = io.read(job.image, channel=given["channel"], spacing=given["spacing"])
    for axis, size in zip("ZYX", volume.shape, strict=True):
        if size < MIN_SIZE:
            raise ValueError(
                f"{job.image} is only {size} voxels thick along {axis}, shape {volume.shape}; "
                f"give a volume of at least {MIN_SIZE} voxels along every axis"
            )
    return volume


def _segment_one(job: Job, volume: Volume, model: Any, given: dict[str, Any]) -> int:
    """Segment, write all outputs of the job or none, say what was found, and return how many objects."""
    from anystar.atomic import staged

    start = time.perf_counter()
    known = "um" if volume.spacing is not None and volume.unit == "um" else "voxels"
    if given["diameter_unit"] not in (None, known):
        raise ValueError(
            f"{given['thresholds']} gives the diameter in {given['diameter_unit']}, but the voxel size of "
            f"{job.image} is {'known' if known == 'um' else 'not known'}; give --diameter"
            + ("" if known == "um" else " or --spacing")
        )
    with staged(*job.outputs) as temporary, progress_bar(job.image.name) as progress:
        result = model.segment(
            volume.data,
            spacing=volume.spacing,
            diameter=given["diameter"],
            prob_thresh=given["prob_thresh"],
            nms_thresh=given["nms_thresh"],
            progress=progress,
        )
        _write(dict(zip(job.outputs, temporary, strict=True)), job, volume, result)
    count, seconds = len(result.objects.label), time.perf_counter() - start
    click.echo(
        f"{job.image}: {count} objects{describe_size(result.objects.volume_vox, volume)}, {seconds:.1f} s"
    )
    hint = [] if count else ["nothing was found; try --diameter, or a lower --prob-thresh"]
    for note in (*_spacing_note(volume), *result.notes, *hint):
        click.echo(f"  note: {note}")
    for path in job.outputs:
        click.echo(f"  wrote {path}")
    return count


def _write(place: dict[Path, Path], job: Job, volume: Volume, result: Any) -> None:
    """Write the outputs to where ``place`` says that they are made."""
    from anystar import io
    from anystar.report.table import write_table

    io.write(place[job.labels], result.labels, like=volume)
    if job.table:
        write_table(place[job.table], _table(volume, result))
    if job.picture:
        from anystar.report.picture import save_picture

        save_picture(
            place[job.picture],
            volume.data,
            result.labels,
            spacing=volume.spacing,
            unit=volume.unit,
            title=f"{job.image.name}: {len(result.objects.label)} objects",
        )


def _table(volume: Volume, result: Any) -> Any:
    """Measure what was found."""
    from anystar.table import tabulate

    return tabulate(
        result.labels,
        result.objects,
        result.rays,
        image=volume.data,
        spacing=volume.spacing,
        unit=volume.unit,
    )


def _spacing_note(volume: Volume) -> list[str]:
    if volume.spacing is None:
        return ["no voxel size in the file, taken as equal along Z, Y and X; else give --spacing Z Y X"]
    if volume.unit == "relative":
        return ["voxel size in pixels, not micrometres; lengths in micrometres are left out"]
    return []


def describe_size(volume_vox: np.ndarray, volume: Volume) -> str:
    """Return the median diameter (of a ball of the same volume) as text, or nothing without objects."""
    import numpy as np

    if len(volume_vox) == 0:
        return ""
    voxel = float(np.prod(volume.spacing)) if volume.spacing else 1.0
    diameter = (6 / np.pi * float(np.median(volume_vox)) * voxel) ** (1 / 3)
    unit = "voxels" if volume.spacing is None else "µm" if volume.unit == "um" else "pixels"
    return f", typical diameter {diameter:.3g} {unit}"
