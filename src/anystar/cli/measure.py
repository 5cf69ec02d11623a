"""``anystar measure``: labels from anywhere to a table of objects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from anystar.cli.group import print_done
from anystar.cli.options import (
    OneOrAll,
    axes_option,
    channel_option,
    file_option,
    file_type,
    level_option,
    overwrite_option,
    series_option,
    spacing_option,
)

__all__ = ["measure"]


@click.command(no_args_is_help=True)
@click.argument("labels", metavar="LABELS", type=file_type)
@click.argument("image", metavar="[IMAGE]", required=False, type=file_type)
@file_option("--table", metavar="FILE", required=True, help="Where the table goes, .csv or .parquet.")
@spacing_option
@channel_option
@click.option(
    "--time",
    type=OneOrAll(),
    metavar="N|all",
    help="Which time point, from 0; with 'all' those of labels with a time axis, in one table.",
)
@series_option
@axes_option
@level_option
@file_option("--mask", metavar="FILE", help="Add the fraction of each object inside a mask.")
@overwrite_option
def measure(labels: Path, image: Path | None, **given: Any) -> None:
    """Measure the objects of LABELS: corrected by hand, of another tool, or of a run.

    LABELS is a label image: 0 is background, every object has its own number, and numbers may have gaps. With
    IMAGE, the table has intensities and contrast, and intensities of all channels. The columns are those of
    'anystar segment --table'; the surface is measured from the voxels, and no probability is known.

    \b
    Examples:
      anystar measure corrected.tif embryo.tif --table corrected.csv
      anystar measure movie.ome.zarr movie.tif --time all --table movie.csv
      anystar measure cellpose_masks.tif --table cells.parquet --spacing 1 0.2 0.2
    """
    from anystar.workflow.measuring import measure_file

    done = measure_file(labels, image, **given)
    channels = f", with the intensities of {', '.join(done.channels)}" if done.channels else ""
    click.echo(f"{labels}: {len(done.table)} objects{channels}")
    print_done([given["table"]], done.notes)
