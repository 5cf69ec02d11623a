"""Upper bounds: our network trained on all, or on one, of a data set's annotated volumes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from anystar import io
from anystar.arrays import Volume
from anystar.config import ConfigError, load_toml, to_dict
from anystar.lab.items import Dataset, Item, Pair
from anystar.lab.runner import Laboratory
from anystar.nn.checkpoint import load_header
from anystar.runtime.progress import Progress
from anystar.train import (
    LabelledConfig,
    LabelledVolumes,
    RawVolume,
    TrainConfig,
    fit,
    load_start,
    paper_config,
    prepare,
    small_config,
)

__all__ = ["ROLES", "Role", "Schedule", "find_networks", "train_networks"]

Role = Literal["all", "one"]
ROLES: tuple[Role, ...] = ("all", "one")
"""Fully supervised: all training volumes. Weakly supervised: the first alone."""


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How long the networks are trained, and which."""

    size: Literal["paper", "small"] = "paper"
    """As ``anystar train --size``: the same architecture and optimisation as the zero-shot models."""
    iterations: int | None = None
    """Optimiser steps; the size's own by default."""
    start: str | None = None
    """Model whose weights they begin with, as ``anystar train --from``; ``None``: from nothing, as in the
    paper."""
    seed: int = 0
    device: str = "auto"
    one_from: int = 5
    """Number of training volumes from which a network is trained on one alone, as in the paper."""


def find_networks(out: Path, dataset: Dataset) -> dict[Role, Path]:
    """Return the finished networks of a data set: the best on validation data, else the last."""
    found: dict[Role, Path] = {}
    for role in ROLES:
        run = _run_folder(out, dataset, role)
        kept = [p for name in ("best", "model") if (p := run / f"{name}.safetensors").exists()]
        if kept and (run / "finished").exists():
            found[role] = kept[0]
    return found


def train_networks(
    dataset: Dataset, lab: Laboratory, schedule: Schedule, *, progress: Progress
) -> dict[Role, Path]:
    """Train what is not trained yet; a run that was stopped goes on.

    The volumes are written to ``networks/DATASET-ROLE/images`` and ``labels``, so that ``anystar train`` can
    be run on them by itself. A network that was trained with other settings is refused (``ConfigError``).
    After an interruption (``KeyboardInterrupt``), what was learnt is saved.
    """
    training = list(lab.pairs(dataset, "train"))
    if not training:
        return {}
    validation = list(lab.pairs(dataset, "validation"))
    found = find_networks(lab.out, dataset)
    for role in ROLES if len(training) >= schedule.one_from else ROLES[:1]:
        run = _run_folder(lab.out, dataset, role)
        config = _config(run, bool(validation), schedule)
        _refuse_other(run, config)
        if role in found:
            continue
        chosen = training if role == "all" else training[:1]
        lab.notify(f"{dataset.name}: trains on {len(chosen)} of {len(training)} volumes, in {run}")
        _train(run, config, chosen, validation, schedule.device, progress)
    return find_networks(lab.out, dataset)


def _run_folder(out: Path, dataset: Dataset, role: Role) -> Path:
    return out / "networks" / f"{dataset.name}-{role}"


def _refuse_other(run: Path, config: TrainConfig) -> None:
    """Refuse a run that was begun with other settings, except for the location of its volumes."""
    if not (run / "checkpoint.safetensors").exists():
        return
    there, required = (_settings(c) for c in (load_toml(TrainConfig, run / "config.toml"), config))
    if other := [name for name in {**there, **required} if there.get(name) != required.get(name)]:
        raise ConfigError(
            f"{run} was begun with other settings than those given now ({', '.join(other)}); give the "
            "same, choose another output folder, or delete it"
        )


def _settings(config: TrainConfig) -> dict[str, Any]:
    assert config.labelled is not None
    nowhere = replace(config.labelled, images="", labels="", validation_images=None, validation_labels=None)
    return to_dict(replace(config, labelled=nowhere))


def _train(
    run: Path,
    config: TrainConfig,
    training: Sequence[tuple[Item, Pair]],
    validation: Sequence[tuple[Item, Pair]],
    device: str,
    progress: Progress,
) -> None:
    """Train one network, or go on with it, and mark it as finished."""
    resume = (run / "checkpoint.safetensors").exists()
    if not resume:
        _write_volumes(run, "", training)
        _write_volumes(run, "validation_", validation)
    raw = [
        RawVolume(name=item.name, image=image.data, labels=labels, spacing=image.spacing)
        for item, (image, labels) in (*training, *validation)
    ]
    assert config.labelled is not None
    prepared = prepare(raw, config.labelled)
    labelled = LabelledVolumes(training=prepared[: len(training)], validation=prepared[len(training) :])
    for event in fit(config, run, resume=resume, device=device, labelled=labelled):
        progress(event.step, config.iterations, "steps")
    if load_header(run / "checkpoint.safetensors")["step"] < config.iterations:
        raise KeyboardInterrupt  # which fit took for the end of the training only
    (run / "finished").touch()


def _config(run: Path, judged: bool, schedule: Schedule) -> TrainConfig:
    names = ("images", "labels", *(("validation_images", "validation_labels") if judged else ()))
    folders: dict[str, Any] = {name: str((run / name).resolve()) for name in names}
    labelled = LabelledConfig(**folders)
    sized = {"paper": paper_config, "small": small_config}[schedule.size]
    config = sized(recipes=(), seed=schedule.seed, labelled=labelled)
    if schedule.start is not None:
        config = replace(config, start=schedule.start, **load_start(schedule.start).settings(labelled))
    return config if schedule.iterations is None else replace(config, iterations=schedule.iterations)


def _write_volumes(run: Path, prefix: str, pairs: Sequence[tuple[Item, Pair]]) -> None:
    for item, (image, labels) in pairs:
        io.write(run / f"{prefix}images" / f"{item.name}.tif", image)
        numbers = Volume(data=labels, spacing=image.spacing, unit=image.unit)
        io.write(run / f"{prefix}labels" / f"{item.name}.tif", numbers)
