"""``anystar reproduce``: the paper's experiments from the files to the figure."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from anystar.cli.group import PARTIAL, complain, print_done
from anystar.cli.options import count_option, device_option, file_option
from anystar.errors import InputError
from anystar.runtime.progress import progress_bar

if TYPE_CHECKING:
    from anystar.lab.items import Dataset
    from anystar.lab.request import ReproduceOptions
    from anystar.lab.runner import Laboratory

__all__ = ["reproduce"]


@click.command(no_args_is_help=True)
@click.argument("experiments", metavar="[EXPERIMENT]...", nargs=-1)
@file_option("--data", required=True, metavar="DIR", help="Folder of the data sets.")
@file_option(
    "-o",
    "--output",
    default=Path("reproduction"),
    show_default=True,
    metavar="DIR",
    help="Where tables, figures and segmentations go; a second run goes on there.",
)
@click.option("--only", multiple=True, metavar="NAME", help="Only this data set; may be repeated.")
@click.option(
    "--cut", is_flag=True, help="Cut single volumes in two: the first half trains and tunes, the other tests."
)
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="NAME|PATH",
    help="A zero-shot model; may be repeated. Default: all bundled ones.",
)
@click.option(
    "--network",
    "networks",
    multiple=True,
    metavar="DATASET=PATH",
    help="A network trained on a data set; may be repeated, the one trained on all volumes first.",
)
@click.option(
    "--train",
    type=click.Choice(["small", "paper"]),
    help="First train networks on the data sets themselves, as upper bounds: the size as in 'anystar train'.",
)
@count_option("--iterations", help="Optimiser steps of --train.")
@click.option(
    "--train-from", metavar="MODEL|FILE", help="Begin --train with the weights of a model: fine-tuning."
)
@click.option("--stardist", multiple=True, metavar="FOLDER", help="A StarDist model folder; may be repeated.")
@file_option("--stardist-python", metavar="PATH", help="Python that has stardist.")
@click.option(
    "--cellpose", multiple=True, metavar="NAME|PATH", help="A Cellpose model (nuclei, cyto, ...) or file."
)
@file_option("--cellpose-python", metavar="PATH", help="Python that has cellpose.")
@click.option(
    "--labels",
    "label_folders",
    multiple=True,
    metavar="NAME=DIR",
    help="Label images that another tool has made, by the names of the test volumes.",
)
@file_option(
    "--series",
    metavar="FRAMES",
    help="A time series for timecourse: its first frame is segmented and followed.",
)
@file_option("--series-labels", metavar="LABELS", help="The regions to follow instead.")
@file_option("--series-mask", metavar="MASK", help="The organ: where it is not 0.")
@click.option("--corruption", "corruptions", multiple=True, metavar="NAME", help="Only this corruption.")
@device_option
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.pass_context
def reproduce(ctx: click.Context, experiments: tuple[str, ...], **given: Any) -> None:
    """Run experiments of the paper: datasets, accuracy, domains, robustness, timecourse, ablations, peers.

    Without EXPERIMENT, all of them. What has been done in the output folder is not done again. The exit code
    is 1 if a volume or a method had to be left out. Networks that --train has made there are used from then
    on.

    \b
    Examples:
      anystar reproduce --data datasets/ -o reproduction/
      anystar reproduce accuracy robustness --data datasets/ --only ce
      anystar reproduce accuracy domains --data datasets/ --train paper
      anystar reproduce peers --data datasets/ --cellpose nuclei --cellpose-python cellpose/bin/python
    """
    from anystar.config import nearest
    from anystar.lab.experiments import EXPERIMENTS, run_experiment
    from anystar.lab.request import ReproduceOptions, find_datasets, load_plan
    from anystar.lab.runner import Laboratory

    for name in experiments:
        if name not in EXPERIMENTS:
            raise InputError(f"unknown experiment '{name}'{nearest(name, EXPERIMENTS)}")
    series = {name: given.pop(name) for name in ("series", "series_labels", "series_mask")}
    options = ReproduceOptions(**given)
    datasets = find_datasets(options)
    lab = Laboratory(options.output, seed=options.seed, notify=click.echo, complain=complain)
    for dataset in datasets:
        for problem in dataset.problems:
            lab.leave_out(problem)
    if options.train:
        _train(lab, datasets, options)
    plan = load_plan(datasets, options)
    for name in [e for e in EXPERIMENTS if not experiments or e in experiments]:
        start = time.perf_counter()
        click.echo(f"{name} ({EXPERIMENTS[name].figure}): {EXPERIMENTS[name].about}")
        if name == "timecourse":
            _timecourse(ctx, lab, options, **series)
            continue
        written = run_experiment(name, plan, lab)
        lab.write_used(name, sys.argv)
        click.echo(f"  {time.perf_counter() - start:.1f} s")
        print_done(written)
    if lab.problems:
        click.echo(f"left out ({len(lab.problems)}):")
        for problem in lab.problems:
            click.echo(f"  {problem}")
        ctx.exit(PARTIAL)


def _train(lab: Laboratory, datasets: list[Dataset], options: ReproduceOptions) -> None:
    """Train the upper bounds that are not there yet."""
    from anystar.lab.networks import Schedule, train_networks

    assert options.train is not None
    schedule = Schedule(
        size=options.train,
        iterations=options.iterations,
        start=options.train_from,
        seed=options.seed,
        device=options.device,
    )
    for dataset in datasets:
        with progress_bar(f"{dataset.name}: train") as bar:
            found = train_networks(dataset, lab, schedule, progress=bar)
        for path in found.values():
            click.echo(f"  network {path}")


def _timecourse(
    ctx: click.Context,
    lab: Laboratory,
    options: ReproduceOptions,
    *,
    series: Path | None,
    series_labels: Path | None,
    series_mask: Path | None,
) -> None:
    """Follow the regions of a series with ``anystar timecourse``, unless that has been done."""
    from anystar.cli.timecourse import timecourse

    out = options.output / "timecourse"
    if series is None:
        click.echo("  not run: the paper's series is not public; give one of your own with --series")
        return
    if (out / "curves.csv").exists():
        click.echo(f"  is there already: {out}")
        return
    try:
        ctx.invoke(
            timecourse,
            frames=(series,),
            labels=series_labels,
            segment_frame=None if series_labels else 0,
            mask=series_mask,
            output=out,
            model=options.models[0] if options.models and not series_labels else None,
        )
    except click.exceptions.Exit as done:
        if done.exit_code:
            lab.leave_out(f"frames of {series} could not be used (see above); repair the series")
