"""``anystar reproduce``: the paper's experiments from the files to the figure."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from anystar.cli.group import PARTIAL, complain
from anystar.cli.progress import progress_bar
from anystar.errors import InputError

if TYPE_CHECKING:
    from anystar.lab.experiments import Plan
    from anystar.lab.items import Dataset
    from anystar.lab.methods import Method
    from anystar.lab.runner import Laboratory

__all__ = ["reproduce"]


@click.command(no_args_is_help=True)
@click.argument("experiments", metavar="[EXPERIMENT]...", nargs=-1)
@click.option(
    "--data", required=True, metavar="DIR", type=click.Path(path_type=Path), help="Folder of the data sets."
)
@click.option(
    "-o",
    "--output",
    default=Path("reproduction"),
    show_default=True,
    metavar="DIR",
    type=click.Path(path_type=Path),
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
@click.option("--iterations", type=click.IntRange(min=1), metavar="N", help="Optimiser steps of --train.")
@click.option(
    "--train-from", metavar="MODEL|FILE", help="Begin --train with the weights of a model: fine-tuning."
)
@click.option("--stardist", multiple=True, metavar="FOLDER", help="A StarDist model folder; may be repeated.")
@click.option(
    "--stardist-python", type=click.Path(path_type=Path), metavar="PATH", help="Python that has stardist."
)
@click.option(
    "--cellpose", multiple=True, metavar="NAME|PATH", help="A Cellpose model (nuclei, cyto, ...) or file."
)
@click.option(
    "--cellpose-python", type=click.Path(path_type=Path), metavar="PATH", help="Python that has cellpose."
)
@click.option(
    "--labels",
    "label_folders",
    multiple=True,
    metavar="NAME=DIR",
    help="Label images that another tool has made, by the names of the test volumes.",
)
@click.option(
    "--series",
    type=click.Path(path_type=Path),
    metavar="FRAMES",
    help="A time series for timecourse: its first frame is segmented and followed.",
)
@click.option(
    "--series-labels",
    type=click.Path(path_type=Path),
    metavar="LABELS",
    help="The regions to follow instead.",
)
@click.option(
    "--series-mask", type=click.Path(path_type=Path), metavar="MASK", help="The organ: where it is not 0."
)
@click.option("--corruption", "corruptions", multiple=True, metavar="NAME", help="Only this corruption.")
@click.option(
    "--device", type=click.Choice(["auto", "cpu", "cuda", "mps"]), default="auto", show_default=True
)
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
    from anystar.lab.runner import Laboratory

    for name in experiments:
        if name not in EXPERIMENTS:
            raise InputError(f"unknown experiment '{name}'{nearest(name, EXPERIMENTS)}")
    datasets = _datasets(given)
    lab = Laboratory(given["output"], seed=given["seed"], notify=click.echo, complain=complain)
    for dataset in datasets:
        for problem in dataset.problems:
            lab.leave_out(problem)
    if given["train"]:
        _train(lab, datasets, given)
    plan = _plan(datasets, given)
    for name in [e for e in EXPERIMENTS if not experiments or e in experiments]:
        start = time.perf_counter()
        click.echo(f"{name} ({EXPERIMENTS[name].figure}): {EXPERIMENTS[name].about}")
        if name == "timecourse":
            _timecourse(ctx, lab, given)
            continue
        written = run_experiment(name, plan, lab)
        lab.write_used(name, sys.argv)
        click.echo(f"  {time.perf_counter() - start:.1f} s")
        for path in written:
            click.echo(f"  wrote {path}")
    if lab.problems:
        click.echo(f"left out ({len(lab.problems)}):")
        for problem in lab.problems:
            click.echo(f"  {problem}")
        ctx.exit(PARTIAL)


def _datasets(given: dict[str, Any]) -> list[Dataset]:
    """Find the data sets and check the options, before anything is loaded."""
    from anystar.config import nearest
    from anystar.lab.corruptions import CORRUPTIONS
    from anystar.lab.layouts import discover

    datasets = discover(given["data"], cut=given["cut"])
    names = [d.name for d in datasets]
    for name in given["only"]:
        if name not in names:
            raise InputError(f"{given['data']} has no data set '{name}'{nearest(name, names)}")
    for name in given["corruptions"]:
        if name not in CORRUPTIONS:
            raise InputError(f"unknown corruption '{name}'{nearest(name, CORRUPTIONS)}")
    for option in ("iterations", "train_from"):
        if given[option] and not given["train"]:
            raise InputError(f"--{option.replace('_', '-')} belongs to --train; give both")
    return [d for d in datasets if not given["only"] or d.name in given["only"]]


def _train(lab: Laboratory, datasets: list[Dataset], given: dict[str, Any]) -> None:
    """Train the upper bounds that are not there yet."""
    from anystar.lab.networks import Schedule, train_networks

    schedule = Schedule(
        size=given["train"],
        iterations=given["iterations"],
        start=given["train_from"],
        seed=given["seed"],
        device=given["device"],
    )
    for dataset in datasets:
        with progress_bar(f"{dataset.name}: train") as bar:
            found = train_networks(dataset, lab, schedule, progress=bar)
        for path in found.values():
            click.echo(f"  network {path}")


def _timecourse(ctx: click.Context, lab: Laboratory, given: dict[str, Any]) -> None:
    """Follow the regions of a series with ``anystar timecourse``, unless that has been done."""
    from anystar.cli.timecourse import timecourse

    out = given["output"] / "timecourse"
    if given["series"] is None:
        click.echo("  not run: the paper's series is not public; give one of your own with --series")
        return
    if (out / "curves.csv").exists():
        click.echo(f"  is there already: {out}")
        return
    labels = given["series_labels"]
    try:
        ctx.invoke(
            timecourse,
            frames=(given["series"],),
            labels=labels,
            segment_frame=None if labels else 0,
            mask=given["series_mask"],
            output=out,
            model=given["models"][0] if given["models"] else None,
        )
    except click.exceptions.Exit as done:
        if done.exit_code:
            lab.leave_out(f"frames of {given['series']} could not be used (see above); repair the series")


def _plan(datasets: list[Dataset], given: dict[str, Any]) -> Plan:
    """Load the methods."""
    from anystar.lab.corruptions import CORRUPTIONS
    from anystar.lab.experiments import Plan

    return Plan(
        datasets=tuple(datasets),
        zero_shot=_zero_shot(given),
        supervised=_supervised(given, datasets),
        peers=_peers(given),
        corruptions=given["corruptions"] or tuple(CORRUPTIONS),
    )


def _zero_shot(given: dict[str, Any]) -> tuple[Method, ...]:
    import anystar
    from anystar.lab.methods import ModelMethod

    wanted = given["models"] or tuple(anystar.list_models())
    models = [anystar.load_model(name, device=given["device"]) for name in wanted]
    names = [_name_of(name, model.name) for name, model in zip(wanted, models, strict=True)]
    if doubled := sorted({n for n in names if names.count(n) > 1}):
        raise InputError(f"two models are called {doubled[0]}; rename one of the files")
    return tuple(ModelMethod(name=n, model=m) for n, m in zip(names, models, strict=True))


def _name_of(given: str, name: str) -> str:
    """Return a run's name for its ``model.safetensors``, else the file's or the model's own."""
    return Path(given).resolve().parent.name if name == "model" else name


def _supervised(given: dict[str, Any], datasets: list[Dataset]) -> dict[str, tuple[Method, ...]]:
    """Load the networks of ``--network``, else those that ``--train`` has made in the output folder."""
    import anystar
    from anystar.config import nearest
    from anystar.lab.methods import ModelMethod
    from anystar.lab.networks import ROLES, find_networks

    paths = {d.name: find_networks(given["output"], d) for d in datasets}
    own = {name: list[Path]() for name in paths}
    for text in given["networks"]:
        name, path = _named("--network", text)
        if name not in own:
            raise InputError(f"--network {text}: there is no data set '{name}'{nearest(name, own)}")
        own[name].append(Path(path))
    found: dict[str, tuple[Method, ...]] = {}
    for name in paths:
        networks = dict(zip(ROLES, own[name], strict=False)) or paths[name]
        found[name] = tuple(
            ModelMethod(
                name=f"{name}-trained-on-{role}", model=anystar.load_model(path, device=given["device"])
            )
            for role, path in networks.items()
        )
    return found


def _peers(given: dict[str, Any]) -> tuple[Method, ...]:
    from anystar.lab.methods import LabelFolder
    from anystar.lab.peers.tools import CellposeMethod, StarDistMethod

    methods: list[Method] = []
    for folder in given["stardist"]:
        path = Path(folder)
        methods.append(
            StarDistMethod(name=f"stardist-{path.name}", folder=path, python=given["stardist_python"])
        )
    for model in given["cellpose"]:
        for mode in ("slices", "planes"):
            name = f"cellpose-{Path(model).stem}-{mode}"
            methods.append(CellposeMethod(name=name, model=model, mode=mode, python=given["cellpose_python"]))
    for text in given["label_folders"]:
        name, path_text = _named("--labels", text)
        methods.append(LabelFolder(name=name, folder=Path(path_text)))
    return tuple(methods)


def _named(option: str, text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise InputError(f"{option} takes NAME=PATH, got {text!r}; write the name before the path")
    return name, value
