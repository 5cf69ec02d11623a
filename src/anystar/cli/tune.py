"""``anystar tune``: thresholds for a kind of image, from a few annotated volumes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from anystar.cli.options import (
    Number,
    device_option,
    file_option,
    output_option,
    overwrite_option,
    unlabelled_option,
    volume_options,
)
from anystar.runtime.progress import progress_bar

if TYPE_CHECKING:
    from anystar.workflow.tuning import Trial

__all__ = ["tune"]


@click.command(no_args_is_help=True)
@file_option("--images", required=True, metavar="DIR", help="Annotated images (a folder, or one file).")
@file_option(
    "--labels",
    required=True,
    metavar="DIR",
    help="Their label images, of the same names: 0 background, one number per object.",
)
@output_option(metavar="FILE.toml", help="Where the thresholds go.")
@click.option("--model", metavar="NAME|PATH", help="Which model; see 'anystar models'.")
@click.option(
    "--diameter",
    type=Number(0, above=True),
    metavar="D",
    help="Diameter to give the model. If left out, its estimate and the median of the labels are compared.",
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
@unlabelled_option
@volume_options
@device_option
@overwrite_option
def tune(images: Path, labels: Path, output: Path, overwrite: bool, **given: Any) -> None:
    """Find the thresholds that suit your images, on a few annotated volumes.

    The network runs once per volume and size; then every threshold of probability and of overlap is tried.
    FILE.toml is what 'anystar segment --thresholds' takes. Evaluate the result on other volumes than these.

    \b
    Examples:
      anystar tune --images validation/images --labels validation/labels -o thresholds.toml
      anystar segment images/ -o labels/ --thresholds thresholds.toml
    """
    from anystar.workflow.tuning import TuneOptions, tune_files

    options = TuneOptions(**{name: value for name, value in given.items() if value is not None})
    with progress_bar("tune") as progress:
        thresholds, _ = tune_files(
            images, labels, output, options, overwrite=overwrite, progress=progress, report=_print
        )
    if thresholds.prob_thresh is None:
        click.echo("  no thresholds are written: those that the model chooses for each volume are better")
    click.echo(f"  wrote {output}")


def _print(trial: Trial) -> None:
    suffix = {"um": " µm", "voxels": " voxels"}.get(trial.unit or "", "")
    size = "size estimated" if trial.diameter is None else f"given a diameter of {trial.diameter:g}{suffix}"
    click.echo(
        f"{size}: mean AP {trial.mean_ap:.3f} at a probability of {trial.prob_thresh:.2f} and an overlap of "
        f"{trial.nms_thresh:g} (with the thresholds that the model chooses: {trial.adaptive_ap:.3f})"
    )
