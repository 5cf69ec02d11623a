"""``anystar export``: labels in the forms of other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from anystar.cli.options import file_option, file_type, overwrite_option, reading_options

__all__ = ["export"]


@click.command(no_args_is_help=True)
@click.argument("labels", metavar="LABELS", type=file_type)
@click.argument("image", metavar="[IMAGE]", required=False, type=file_type)
@file_option(
    "--rois",
    metavar="FILE.zip",
    required=True,
    help="Write an ROI per object and slice for Fiji's ROI Manager.",
)
@reading_options
@overwrite_option
def export(labels: Path, image: Path | None, rois: Path, **given: Any) -> None:
    """Write LABELS, of a run or of another tool, in the form of another program.

    ROIs are named after object and slice, have the colours of the label image in Fiji, and appear on their
    slice. Name the IMAGE that they will be opened on if it has channels or time points: ImageJ counts its
    slices in another way. Filled in again, they are the labels to the pixel. Of labels with a time axis, all
    time points are written unless --time chooses one.

    \b
    Examples:
      anystar export nuclei.tif --rois nuclei.zip
      anystar export dapi_labels.tif three_channels.tif --rois dapi.zip
    """
    from anystar.workflow.exporting import export_file

    num_rois = export_file(labels, image, rois=rois, **given)
    click.echo(f"{labels}: {num_rois} ROIs")
    click.echo(f"  wrote {rois}")
