"""``anystar filter``: keep some of the objects of a segmentation, without the network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from anystar.cli.filter_options import filter_options, take_filters
from anystar.cli.group import print_done
from anystar.cli.options import file_option, file_type, output_option, overwrite_option, reading_options

__all__ = ["filter"]


@click.command(no_args_is_help=True)
@click.argument("labels", metavar="LABELS", type=file_type)
@click.argument("table", metavar="TABLE", type=file_type)
@output_option(metavar="LABELS", help="Where the labels go that are kept.")
@file_option("--table", "table_output", metavar="FILE", help="Where their table goes, .csv or .parquet.")
@filter_options
@reading_options
@overwrite_option
def filter(labels: Path, table: Path, output: Path, **given: Any) -> None:
    """Keep the objects that meet all conditions and that TABLE still lists.

    LABELS and TABLE are what 'anystar segment' or 'anystar measure' wrote. Rows that you delete from TABLE in
    a spreadsheet are objects that are rejected. Objects keep their numbers, so that results of different
    filters can be compared. OME-Zarr is read and written in blocks. Of labels with a time axis, --time
    chooses the time point and its rows of the table.

    \b
    Examples:
      anystar filter labels.tif objects.csv -o round.tif --table round.csv --min-sphericity 0.7
      anystar filter labels.tif objects.csv -o inside.tif --drop-border --drop "volume_vox < 100"
      anystar filter labels.tif edited.csv -o edited.tif
    """
    from anystar.workflow.filtering import filter_file

    done = filter_file(labels, table, output, options=take_filters(given), **given)
    deleted = f" ({done.num_rejected} not in {table})" if done.num_rejected else ""
    click.echo(f"{labels}: {done.num_kept} of {done.num_objects} objects kept{deleted}")
    print_done(done.files)
