"""``anystar report``: runs side by side, as one HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from anystar.cli.group import PARTIAL, complain
from anystar.cli.options import (
    Number,
    Option,
    axes_option,
    channel_option,
    file_option,
    index_option,
    output_option,
    overwrite_option,
    series_option,
    time_option,
)
from anystar.runtime.progress import progress_bar

__all__ = ["report"]


@click.command(no_args_is_help=True)
@click.argument("runs", metavar="RUN...", nargs=-1, required=True)
@output_option(metavar="FILE.html", help="Where the report goes.")
@file_option(
    "--images",
    metavar="PATH",
    help="The images, a file or a folder: volumes are matched by name ('a_labels.tif' belongs to 'a.tif').",
)
@file_option(
    "--ground-truth",
    aliases=("--truth",),
    metavar="PATH",
    help="True labels, a file or a folder; volumes without a ground truth are described instead of scored.",
)
@click.option("--title", default="AnyStar report", show_default=True, help="Heading of the page.")
@click.option(
    "--iou",
    type=Number(0, 1, above=True),
    default=0.5,
    show_default=True,
    metavar="T",
    help="Overlap (intersection over union) from which an object counts as found where errors are sorted.",
)
@click.option(
    "--slices",
    type=click.IntRange(min=1),
    default=32,
    show_default=True,
    help="Slices along each axis of a volume: more make the file larger.",
)
@click.option(
    "--volumes",
    "num_drawn",
    cls=Option,
    aliases=("--shown",),
    type=click.IntRange(min=0),
    default=8,
    show_default=True,
    help="Number of volumes, the worst first, that are displayed in slices.",
)
@channel_option
@time_option
@index_option("--level", help="Which level of the images' pyramids; that of the run by default.")
@series_option
@axes_option
@overwrite_option
@click.pass_context
def report(ctx: click.Context, runs: tuple[str, ...], output: Path, **given: Any) -> None:
    """Put RUNs side by side on one page that needs no network: FILE.html.

    A RUN is what 'anystar segment' wrote (its table or provenance, its labels, or a folder of these) or what
    'anystar evaluate --json' wrote; NAME=RUN gives it a name. With a ground truth the page has scores, curves
    and where errors come from; without one, distributions and the objects to look at first. Tables and
    provenance beside the labels (labels/a.tif and labels/a.csv, or tables/a.csv) add the confidence and the
    image.

    \b
    Examples:
      anystar report objects.csv -o report.html
      anystar report labels/ --images images/ -o report.html
      anystar report ours=labels/ other=cellpose/ --images images/ --ground-truth ground_truth/ -o report.html
    """
    from anystar.workflow.reporting import report_runs

    with progress_bar("report") as progress:
        done = report_runs(runs, output, progress=progress, **given)
    for line in done.left_out:
        complain(line)
    click.echo(
        f"{done.num_runs} runs, {done.num_volumes} volumes, {done.num_drawn} of them in slices, "
        f"{done.size / 1e6:.1f} MB"
    )
    click.echo(f"  wrote {output}")
    if done.left_out:
        click.echo(f"{len(done.left_out)} left out (see above)")
        ctx.exit(PARTIAL)
