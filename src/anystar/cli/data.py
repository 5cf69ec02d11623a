"""``anystar data``: the paper's data sets, where to get them and whether they are complete."""

from __future__ import annotations

from pathlib import Path

import click

from anystar.cli.group import complain, print_done
from anystar.runtime.progress import progress_bar

__all__ = ["data"]


@click.group(no_args_is_help=True)
def data() -> None:
    """List, get and check annotated data sets.

    \b
    Examples:
      anystar data list
      anystar data check datasets/
    """


@data.command("list")
@click.argument("name", required=False)
def list_(name: str | None) -> None:
    """Say what the paper's data sets are, where to get each and under which licence. With NAME, only one."""
    from anystar.lab.sources import SOURCES, get_source

    chosen = SOURCES.values() if name is None else [get_source(name)]
    click.echo("\n\n".join(source.describe() for source in chosen))


@data.command(no_args_is_help=True)
@click.argument("name")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def get(name: str, folder: Path) -> None:
    """Download the data set NAME into DIR, check it and unpack it; run it again to continue.

    \b
    Example:
      anystar data get ce datasets/
    """
    from anystar.lab.download import fetch, unpack_archive
    from anystar.lab.sources import get_source

    archive = get_source(name).downloadable()
    with progress_bar(archive.name) as bar:
        path = fetch(archive, folder, progress=lambda done, total: bar(done, total, "bytes"))
    if not archive.checksum:
        click.echo("  note: the owner publishes no checksum; the archive's own are tested")
    print_done(unpack_archive(path, folder))


@data.command(no_args_is_help=True)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.pass_context
def check(ctx: click.Context, folder: Path) -> None:
    """Find the data sets in DIR, read every volume and say what is there, and what is wrong.

    The exit code is 1 if a volume cannot be used.
    """
    from anystar.lab.check import check_folder

    bad = 0
    for text, good in check_folder(folder):
        if good:
            click.echo(text)
        else:
            complain(text)
            bad += 1
    if bad:
        click.echo(f"{bad} volumes cannot be used (see above)")
        ctx.exit(1)
    click.echo("all volumes can be used")
