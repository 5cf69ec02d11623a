"""``anystar report``: runs side by side, as one HTML file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from anystar.cli.group import PARTIAL, complain, one_line
from anystar.cli.options import Number
from anystar.errors import InputError

if TYPE_CHECKING:
    import numpy as np

    from anystar.arrays import Volume
    from anystar.cli.runs import FoundRun, Source
    from anystar.report.html import VolumeInput, VolumeReport

__all__ = ["report"]


@click.command(no_args_is_help=True)
@click.argument("runs", metavar="RUN...", nargs=-1, required=True)
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="FILE.html",
    type=click.Path(path_type=Path),
    help="Where the report goes.",
)
@click.option(
    "--images",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="The images, a file or a folder: volumes are matched by name ('a_labels.tif' belongs to 'a.tif').",
)
@click.option(
    "--ground-truth",
    type=click.Path(path_type=Path),
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
    "--shown",
    type=click.IntRange(min=0),
    default=8,
    show_default=True,
    help="How many volumes, the worst first, are shown in slices.",
)
@click.option("--overwrite", is_flag=True, help="Replace the report if it exists.")
@click.pass_context
def report(
    ctx: click.Context,
    runs: tuple[str, ...],
    output: Path,
    images: Path | None,
    ground_truth: Path | None,
    title: str,
    iou: float,
    slices: int,
    shown: int,
    overwrite: bool,
) -> None:
    """Put RUNs side by side on one page that needs no network: FILE.html.

    A RUN is what 'anystar segment' wrote (its table or record, its labels, or a folder of these) or what
    'anystar evaluate --json' wrote; NAME=RUN gives it a name. With a ground truth the page has scores, curves
    and where errors come from; without one, distributions and the objects to look at first. Tables and
    records beside the labels (labels/a.tif and labels/a.csv, or tables/a.csv) add the confidence and the
    image.

    \b
    Examples:
      anystar report objects.csv -o report.html
      anystar report labels/ --images images/ -o report.html
      anystar report ours=labels/ other=cellpose/ --images images/ --ground-truth ground_truth/ -o report.html
    """
    from anystar.cli.matching import by_volume
    from anystar.cli.runs import find_run
    from anystar.report.html import Run, write_report
    from anystar.workflow.outputs import refuse_ending, refuse_outputs

    refuse_ending("--output", output, ".html", ".htm")
    refuse_outputs([("the report", output)], overwrite=overwrite)  # no input ends so
    found = _unlike([find_run(text) for text in runs])
    given = {
        "image": by_volume(images) if images else {},
        "ground_truth": by_volume(ground_truth) if ground_truth else {},
    }
    volumes = _arrange(found, given)
    left_out: list[str] = []
    examined = _examine(volumes, iou, left_out)
    if not examined:
        raise InputError(
            left_out[0] if len(left_out) == 1 else "no volume could be used, see above; mend them"
        )
    examined = _draw(examined, volumes, slices, shown)
    size = write_report(
        output,
        [Run(name=run.name, facts=run.facts) for run in found],
        examined,
        title=title,
        left_out=left_out,
        threshold=iou,
    )
    drawn = min(shown, len(examined))
    click.echo(f"{len(found)} runs, {len(examined)} volumes, {drawn} of them in slices, {size / 1e6:.1f} MB")
    click.echo(f"  wrote {output}")
    if left_out:
        click.echo(f"{len(left_out)} left out (see above)")
        ctx.exit(PARTIAL)


def _unlike(runs: Sequence[FoundRun]) -> list[FoundRun]:
    """Give runs of the same name a number."""
    made: list[FoundRun] = []
    for run in runs:
        taken = {r.name for r in made}
        name, number = run.name, 2
        while name in taken:
            name, number = f"{run.name} ({number})", number + 1
        made.append(replace(run, name=name))
    return made


def _arrange(
    runs: Sequence[FoundRun], given: Mapping[str, Mapping[str, Path]]
) -> dict[str, dict[str, Source]]:
    """Return the files by volume and run, with images and ground truth; a lone volume needs no name."""
    volumes: dict[str, dict[str, Source]] = {}
    for run in runs:
        for name, source in run.sources.items():
            volumes.setdefault(name, {})[run.name] = source
    for role, files in given.items():
        lone = len(files) == 1 and len(volumes) == 1
        matched = 0
        for name, sources in volumes.items():
            path = next(iter(files.values())) if lone else files.get(name)
            if path is not None:
                matched += 1
                for label, source in sources.items():
                    known = {"image": source.image, "ground_truth": source.ground_truth, role: path}
                    sources[label] = replace(source, image=known["image"], ground_truth=known["ground_truth"])
        if files and not matched:
            some = f"{', '.join(sorted(files)[:3])} and {', '.join(sorted(volumes)[:3])}"
            option = {"image": "--images"}.get(role, f"--{role}")
            raise InputError(f"{option} and the runs have no volume of the same name ({some}); rename them")
    return volumes


def _examine(
    volumes: Mapping[str, Mapping[str, Source]], iou: float, left_out: list[str]
) -> list[VolumeReport]:
    from tqdm import tqdm

    from anystar.report.html import examine

    examined = []
    for name, sources in tqdm(volumes.items(), desc="examine", disable=None, leave=False):
        try:
            examined.append(examine(_load(name, sources), threshold=iou))
        except Exception as error:
            message = one_line(error)
            if message is None:
                raise
            left_out.append(message)
            complain(message)
    return examined


def _draw(
    examined: Sequence[VolumeReport], volumes: Mapping[str, Mapping[str, Source]], slices: int, shown: int
) -> list[VolumeReport]:
    """Add slices to the worst volumes, which are read once more: only one is in memory at a time."""
    from tqdm import tqdm

    from anystar.report.html import draw, worst_first

    ordered = worst_first(examined)
    bar: Iterable[VolumeReport] = tqdm(ordered[:shown], desc="draw", disable=None, leave=False)
    return [draw(e, _load(e.name, volumes[e.name]), most=slices) for e in bar] + ordered[shown:]


def _load(name: str, sources: Mapping[str, Source]) -> VolumeInput:
    """Read all files of a volume and check that they lie on each other."""
    from anystar import io
    from anystar.arrays import refuse_mismatch
    from anystar.cli.runs import read_probabilities
    from anystar.report.html import Prediction, VolumeInput

    volumes: list[tuple[Path, Volume]] = []

    def on_grid(path: Path, volume: Volume) -> np.ndarray:
        volumes.append((path, volume))
        refuse_mismatch(*volumes[0], *volumes[-1])
        return volume.data

    pictured = next((s for s in sources.values() if s.image), None)
    ground_truth_path = next((s.ground_truth for s in sources.values() if s.ground_truth), None)
    predictions = {}
    for run, source in sources.items():
        labels = on_grid(source.labels, io.read_labels(source.labels))
        table = read_probabilities(source.table) if source.table else None
        predictions[run] = Prediction(labels=labels, probability=table)
    ground_truth = (
        on_grid(ground_truth_path, io.read_labels(ground_truth_path)) if ground_truth_path else None
    )
    image = None
    if pictured and pictured.image:
        asked = (pictured.record or {}).get("parameters", {})
        volume = io.read(pictured.image, channel=asked.get("channel"), time=asked.get("time"))
        image = on_grid(pictured.image, volume)
    # The image, read last, knows its spacing best.
    best = next((v for _, v in reversed(volumes) if v.spacing), volumes[0][1])
    return VolumeInput(
        name=name,
        predictions=predictions,
        image=image,
        ground_truth=ground_truth,
        spacing=best.spacing,
        unit=best.unit,
    )
