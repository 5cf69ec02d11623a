"""``anystar tune``: thresholds for a kind of image, from a few annotated volumes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from anystar.cli.labelled import read_pairs
from anystar.cli.options import Number, channel_option, spacing_option
from anystar.cli.progress import progress_bar

if TYPE_CHECKING:
    import numpy as np

    from anystar.predict import Model
    from anystar.train import RawVolume

__all__ = ["tune"]

_WORTH = 0.005
"""Accuracy that a diameter must add to be written."""


@click.command(no_args_is_help=True)
@click.option(
    "--images",
    type=click.Path(path_type=Path),
    required=True,
    metavar="DIR",
    help="Annotated images (a folder, or one file).",
)
@click.option(
    "--labels",
    type=click.Path(path_type=Path),
    required=True,
    metavar="DIR",
    help="Their label images, of the same names: 0 background, one number per object.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE.toml",
    help="Where the thresholds go.",
)
@click.option("--model", metavar="NAME|PATH", help="Which model; see 'anystar models'.")
@click.option(
    "--diameter",
    type=Number(0, above=True),
    metavar="D",
    help="Diameter to tell the model. Left out, its own estimate and the median of the labels are compared.",
)
@click.option(
    "--iou",
    type=Number(0, 1, above=True),
    multiple=True,
    metavar="T",
    help="Overlap from which an object counts as found; may be repeated. Default: 0.3, 0.5 and 0.7.",
)
@click.option(
    "--ignore-label", type=int, default=-1, show_default=True, metavar="N", help="Label of unknown voxels."
)
@click.option(
    "--unlabelled-is",
    "unlabelled",
    type=click.Choice(["background", "ignore"]),
    default="background",
    show_default=True,
    help="What label 0 means. ignore: nothing is known there, for volumes of which only some objects are "
    "labelled.",
)
@channel_option
@spacing_option
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda", "mps"]),
    default="auto",
    show_default=True,
    help="Where the network runs.",
)
@click.option("--overwrite", is_flag=True, help="Replace FILE.toml if it exists.")
def tune(output: Path, **given: Any) -> None:
    """Find the thresholds that suit your images, on a few annotated volumes.

    The network runs once a volume and size; then every threshold of probability and of overlap is tried.
    FILE.toml is what 'anystar segment --thresholds' takes. Judge the result on other volumes than these.

    \b
    Examples:
      anystar tune --images validation/images --labels validation/labels -o thresholds.toml
      anystar segment images/ -o labels/ --thresholds thresholds.toml
    """
    import anystar
    from anystar.config import ConfigError, dump_toml
    from anystar.predict.thresholds import Thresholds
    from anystar.runtime.atomic import staged
    from anystar.train.labelled import LabelledConfig, known_labels, median_diameter
    from anystar.tune import IOU
    from anystar.workflow.outputs import refuse_ending, refuse_outputs

    refuse_ending("--output", output, ".toml")
    refuse_outputs(
        [("the thresholds", output)], inputs=(given["images"], given["labels"]), overwrite=given["overwrite"]
    )
    iou = given["iou"] or IOU
    volumes = read_pairs(given["images"], given["labels"], spacing=given["spacing"], channel=given["channel"])
    config = LabelledConfig(
        images="", labels="", ignore_label=given["ignore_label"], unlabelled=given["unlabelled"]
    )
    ground_truths = [known_labels(volume, config) for volume in volumes]
    sized = median_diameter(volumes, ground_truths)
    unit = _unit(volumes)
    with staged(output) as (temporary,):  # a place that cannot be written is known before the work
        model = anystar.load_model(given["model"], device=given["device"])
        diameters = [given["diameter"]] if given["diameter"] else [None, float(f"{sized:.4g}")]
        if unit is None and given["diameter"] is None:
            diameters = [None]
        best, *others = [_search(model, volumes, ground_truths, d, iou, unit) for d in diameters]
        for found in others:
            if found.mean_ap > best.mean_ap + _WORTH:
                best = found
        if best.mean_ap == 0:
            raise ConfigError(
                "no threshold finds an annotated object; check that the labels are those of the images, one "
                "number per object, and that the diameter (--diameter) and voxel size (--spacing) are right"
            )
        given_path = given["model"] is not None and Path(given["model"]).is_file()
        thresholds = Thresholds(
            model=str(Path(given["model"]).resolve()) if given_path else model.name,
            prob_thresh=best.prob,
            nms_thresh=best.nms,
            diameter=best.diameter,
            unit=unit or "um",
            accuracy=round(best.mean_ap, 4),
            iou=tuple(iou),
            volumes=tuple(volume.name for volume in volumes),
        )
        temporary.write_text(dump_toml(thresholds))
    if best.prob is None:
        click.echo("  no thresholds are written: what the model settles on for each volume is better")
    click.echo(f"  wrote {output}")


class _Trial(NamedTuple):
    """The best that a diameter gives."""

    diameter: float | None
    prob: float | None
    """None where what the model settles on for each volume is better than any threshold for all."""
    nms: float | None
    mean_ap: float


def _search(
    model: Model,
    volumes: list[RawVolume],
    ground_truths: list[np.ndarray],
    diameter: float | None,
    iou: tuple[float, ...],
    unit: str | None,
) -> _Trial:
    """Segment all volumes once, try all thresholds, and say what came out."""
    from anystar.tune import Judged, score, tune

    judged = []
    for volume, ground_truth in zip(volumes, ground_truths, strict=True):
        with progress_bar(volume.name) as progress:
            result = model.segment(volume.image, spacing=volume.spacing, diameter=diameter, progress=progress)
        judged.append(Judged(result=result, ground_truth=ground_truth))
    found = tune(judged, iou=iou)
    size = "size estimated" if diameter is None else f"told a diameter of {diameter:g}{_suffix(unit)}"
    own = score(judged, iou=iou)
    click.echo(
        f"{size}: mean AP {found.mean_ap:.3f} at a probability of {found.prob:.2f} and an overlap of "
        f"{found.nms:g} (with what the model settles on: {own:.3f})"
    )
    if own > found.mean_ap:
        return _Trial(diameter, None, None, own)
    return _Trial(diameter, found.prob, found.nms, found.mean_ap)


def _unit(volumes: list[RawVolume]) -> Any:
    """Return the unit that a diameter has in all volumes, none if they differ."""
    units = {"um" if v.spacing is not None and v.unit == "um" else "voxels" for v in volumes}
    return units.pop() if len(units) == 1 else None


def _suffix(unit: str | None) -> str:
    return {"um": " µm", "voxels": " voxels"}.get(unit or "", "")
