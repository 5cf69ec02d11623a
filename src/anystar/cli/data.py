"""``anystar data``: the paper's data sets, where to get them and whether they are complete."""

from __future__ import annotations

from pathlib import Path

import click

from anystar.cli.group import complain
from anystar.cli.progress import progress_bar
from anystar.errors import InputError

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
    click.echo("\n\n".join(_describe(source) for source in chosen))


def _describe(source) -> str:  # type: ignore[no-untyped-def]
    """Return a data set as indented ``key: value`` lines."""
    counts = "no ground truth, looked at only"
    if source.counts:
        train, validation, test = source.counts
        held = "a crop of the training volumes" if validation is None else str(validation)
        counts = f"{train} for training, {held} for validation, {test} for the test"
    spacing = " x ".join(f"{s:g}" for s in source.spacing)
    lines = [
        f"{source.name} ({source.title}): {source.organism}, {source.modality}",
        f"  volumes: {counts}",
        f"  grid: {' x '.join(map(str, source.grid))} voxels of {spacing} um (Z Y X)",
        f"  objects: {'darker' if source.dark else 'brighter'} than their surroundings",
        f"  licence: {source.licence}",
        f"  page: {source.page}",
        f"  to get it: {source.instructions}",
    ]
    if source.archive:
        lines.append(f"  or: anystar data get {source.name} DIR")
    lines.append(f"  cite: {source.citation}")
    if source.note:
        lines.append(f"  note: {source.note}")
    return "\n".join(lines)


@data.command(no_args_is_help=True)
@click.argument("name")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def get(name: str, folder: Path) -> None:
    """Download the data set NAME into DIR, check it and unpack it; run it again to continue.

    \b
    Example:
      anystar data get ce datasets/
    """
    from anystar.lab.download import fetch, unpack
    from anystar.lab.sources import get_source

    source = get_source(name)
    if source.archive is None:
        raise InputError(f"{source.title} cannot be downloaded; {source.instructions}")
    with progress_bar(source.archive.name) as bar:
        path = fetch(source.archive, folder, progress=lambda done, total: bar(done, total, "bytes"))
    if not (source.archive.md5 or source.archive.sha256):
        click.echo("  note: the owner publishes no checksum; the archive's own are tested")
    for made in unpack(path, folder):
        click.echo(f"  wrote {made}")


@data.command(no_args_is_help=True)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.pass_context
def check(ctx: click.Context, folder: Path) -> None:
    """Find the data sets in DIR, read every volume and say what is there, and what is wrong.

    The exit code is 1 if a volume cannot be used.
    """
    from anystar.lab.check import check_dataset, compare_with_paper
    from anystar.lab.layouts import discover

    bad = 0
    for dataset in discover(folder):
        click.echo(
            f"{dataset.name}: {len(dataset.train)} train, {len(dataset.validation)} validation, "
            f"{len(dataset.test)} test"
        )
        for line in (*dataset.notes, *compare_with_paper(dataset)):
            click.echo(f"  note: {line}")
        for problem in dataset.problems:
            complain(problem)
            bad += 1
        for finding in check_dataset(dataset):
            if finding.good:
                click.echo(f"  {finding.split} {finding.name}: {finding.text}")
            else:
                complain(finding.text)
                bad += 1
    if bad:
        click.echo(f"{bad} volumes cannot be used (see above)")
        ctx.exit(1)
    click.echo("all volumes can be used")
