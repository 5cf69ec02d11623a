"""What an experiment runs on: the data sets and methods that its options name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import anystar
from anystar.config import nearest
from anystar.errors import InputError
from anystar.lab.corruptions import CORRUPTIONS
from anystar.lab.experiments import ExperimentPlan
from anystar.lab.items import Dataset
from anystar.lab.layouts import discover
from anystar.lab.methods import LabelFolder, Method, ModelMethod
from anystar.lab.networks import ROLES, find_networks
from anystar.lab.peers.tools import CellposeMethod, StarDistMethod

__all__ = ["ReproduceOptions", "find_datasets", "load_plan"]


@dataclass(frozen=True, kw_only=True)
class ReproduceOptions:
    """Which data sets, models and tools are compared."""

    data: Path
    """Folder of the data sets."""
    output: Path
    """Where tables, figures and segmentations go."""
    only: tuple[str, ...] = ()
    """Names of the data sets to use; all by default."""
    cut: bool = False
    """Whether single volumes are cut in two: the first half trains and tunes, the other tests."""
    models: tuple[str, ...] = ()
    """Zero-shot models; all bundled ones by default."""
    networks: tuple[str, ...] = ()
    """``DATASET=PATH`` each: networks that were trained on a data set."""
    train: Literal["small", "paper"] | None = None
    """Size of the networks to train on the data sets first."""
    iterations: int | None = None
    """Optimiser steps of that training."""
    train_from: str | None = None
    """Weights that this training begins with."""
    stardist: tuple[str, ...] = ()
    """Folders of StarDist models."""
    stardist_python: Path | None = None
    """Python that has stardist."""
    cellpose: tuple[str, ...] = ()
    """Cellpose models."""
    cellpose_python: Path | None = None
    """Python that has cellpose."""
    label_folders: tuple[str, ...] = ()
    """``NAME=DIR`` each: label images that another tool made."""
    corruptions: tuple[str, ...] = ()
    """Names of the corruptions to use; all by default."""
    device: str = "auto"
    """Where networks run."""
    seed: int = 0
    """Seed of the corruptions and of the training."""


def find_datasets(options: ReproduceOptions) -> list[Dataset]:
    """Find the data sets and check the options, before anything is loaded."""
    datasets = discover(options.data, cut=options.cut)
    names = [d.name for d in datasets]
    for name in options.only:
        if name not in names:
            raise InputError(f"{options.data} has no data set '{name}'{nearest(name, names)}")
    for name in options.corruptions:
        if name not in CORRUPTIONS:
            raise InputError(f"unknown corruption '{name}'{nearest(name, CORRUPTIONS)}")
    for option in ("iterations", "train_from"):
        if getattr(options, option) and not options.train:
            raise InputError(f"{option}=... belongs to train=...; give both")
    return [d for d in datasets if not options.only or d.name in options.only]


def load_plan(datasets: list[Dataset], options: ReproduceOptions) -> ExperimentPlan:
    """Load the methods."""
    return ExperimentPlan(
        datasets=tuple(datasets),
        zero_shot=_zero_shot(options),
        supervised=_supervised(options, datasets),
        peers=_peers(options),
        corruptions=options.corruptions or tuple(CORRUPTIONS),
    )


def _zero_shot(options: ReproduceOptions) -> tuple[Method, ...]:
    """Load the zero-shot models."""
    wanted = options.models or tuple(anystar.list_models())
    models = [anystar.load_model(name, device=options.device) for name in wanted]
    # A run is called by its folder: its file is always model.safetensors.
    names = [
        Path(path).resolve().parent.name if model.name == "model" else model.name
        for path, model in zip(wanted, models, strict=True)
    ]
    if doubled := sorted({n for n in names if names.count(n) > 1}):
        raise InputError(f"two models are called {doubled[0]}; rename one of the files")
    return tuple(ModelMethod(name=n, model=m) for n, m in zip(names, models, strict=True))


def _supervised(options: ReproduceOptions, datasets: list[Dataset]) -> dict[str, tuple[Method, ...]]:
    """Load the networks of ``--network``, else those that ``--train`` has made in the output folder."""
    paths = {d.name: find_networks(options.output, d) for d in datasets}
    own = {name: list[Path]() for name in paths}
    for text in options.networks:
        name, path = _named("--network", text)
        if name not in own:
            raise InputError(f"--network {text}: there is no data set '{name}'{nearest(name, own)}")
        own[name].append(Path(path))
    found: dict[str, tuple[Method, ...]] = {}
    for name in paths:
        networks = dict(zip(ROLES, own[name], strict=False)) or paths[name]
        models = {role: anystar.load_model(path, device=options.device) for role, path in networks.items()}
        found[name] = tuple(ModelMethod(name=f"{name}-trained-on-{r}", model=m) for r, m in models.items())
    return found


def _peers(options: ReproduceOptions) -> tuple[Method, ...]:
    """Return the methods of other tools."""
    methods: list[Method] = [
        StarDistMethod(name=f"stardist-{path.name}", folder=path, python=options.stardist_python)
        for path in map(Path, options.stardist)
    ]
    for model in options.cellpose:
        for mode in ("slices", "planes"):
            name = f"cellpose-{Path(model).stem}-{mode}"
            methods.append(CellposeMethod(name=name, model=model, mode=mode, python=options.cellpose_python))
    for text in options.label_folders:
        name, path_text = _named("--labels", text)
        methods.append(LabelFolder(name=name, folder=Path(path_text)))
    return tuple(methods)


def _named(option: str, text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise InputError(f"{option} takes NAME=PATH, got {text!r}; write the name before the path")
    return name, value
