"""Training from files: the configuration, the annotated volumes, the run."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from anystar.config import from_dict, read_toml
from anystar.errors import InputError
from anystar.report.montage import save_montage
from anystar.train import (
    LabelledConfig,
    LabelledVolumes,
    Progress,
    Start,
    TrainConfig,
    fit,
    load_start,
    paper_config,
    small_config,
)
from anystar.workflow.annotated import VolumeChoice

__all__ = ["TrainOptions", "describe_volumes", "run_training", "train_config"]

_PREVIEWED = 8
"""Samples of a preview."""


@dataclass(frozen=True, kw_only=True)
class TrainOptions(VolumeChoice):
    """Changes of a training configuration; what is None stays as it is."""

    recipes: tuple[str, ...] = ()
    """Recipes that samples follow in turn."""
    start: str | None = None
    """Weights that training begins with: a bundled model, a model file or a checkpoint."""
    images: Path | None = None
    """Annotated images, a folder or one file, instead of synthetic samples."""
    labels: Path | None = None
    """Their label images, of the same names."""
    validation_images: Path | None = None
    """Images that are only evaluated on."""
    validation_labels: Path | None = None
    """Their label images."""
    hold_out: int | None = None
    """Number of the annotated volumes, the last by name, that are only evaluated on."""
    ignore_label: int | None = None
    """Label of voxels that teach nothing."""
    unlabelled: Literal["background", "ignore"] | None = None
    """Meaning of label 0."""
    iterations: int | None = None
    """Optimiser steps."""
    minutes: float | None = None
    """Training time in all, pauses left out, after which the run ends."""
    batch_size: int | None = None
    """Samples per step, of each process."""
    learning_rate: float | None = None
    """Initial learning rate."""
    decay: float | None = None
    """Share of the run, at its end, over which the learning rate falls to 0."""
    optimiser: Literal["adam", "muon"] | None = None
    """Which optimiser."""
    seed: int | None = None
    """Seed of samples and weights."""
    thin: float | None = None
    """Share of the steps whose samples are cut to a few planes."""

    def given(self, config: type) -> dict[str, Any]:
        """Return the options that are fields of a configuration and are given, paths as text."""
        names = {field.name for field in dataclasses.fields(config)}
        return {
            name: str(value.resolve()) if isinstance(value, Path) else value
            for name, value in vars(self).items()
            if name in names and value not in (None, ())
        }


def train_config(
    options: TrainOptions,
    *,
    size: Literal["paper", "small"] = "paper",
    config_path: Path | None = None,
    out: Path | None = None,
    resume: bool = False,
) -> TrainConfig:
    """Return the configuration of a run: that of a file or of a size, changed by the options.

    Parameters
    ----------
    options : TrainOptions
    size : {"paper", "small"}
        The paper's network and schedule, or those for two CPU cores, if no file is given.
    config_path : Path, optional
        Settings as TOML.
    out : Path, optional
        Folder of the run.
    resume : bool
        Whether the run in ``out`` is continued, with its own settings.

    Raises
    ------
    InputError
        If the options contradict each other, or there is no run to continue.
    """
    if resume and options.start:
        raise InputError("resume=True continues a run, start=... begins one; leave one of them out")
    path = config_path
    own = None if out is None else out / "config.toml"
    if path is None and resume:
        path = own if own is not None and own.exists() else None
        if path is None and not (options.recipes or options.images):  # a name with a typing error
            raise InputError(f"{out} holds no run to resume (no config.toml); leave out resume=True")
    elif path is not None and own is not None and not resume and path.resolve() == own.resolve():
        raise InputError(f"{path} would be replaced by the run's own; move it, or choose another out=...")
    start = load_start(options.start) if options.start else None
    if path is not None:
        config = read_toml(path, lambda values: _from_file(values, start, resume))
    else:
        config = {"paper": paper_config, "small": small_config}[size]()
    changes = options.given(TrainConfig) | _labelled_changes(config, options)
    if start is not None:
        weights = start.settings(changes.get("labelled") if config.labelled is None else None)
        changes |= weights if path is None else {k: v for k, v in weights.items() if k == "labelled"}
        if options.seed is None and config.seed in start.seeds:  # samples that it was not trained on yet
            changes["seed"] = max(start.seeds) + 1
    return dataclasses.replace(config, **changes)


def _from_file(values: dict[str, Any], start: Start | None, resume: bool) -> TrainConfig:
    """Return a file's configuration, completed by that of the weights that training begins with."""
    if start is None and isinstance(values.get("start"), str) and not resume:
        start = load_start(values["start"])
    return from_dict(TrainConfig, values if start is None else start.complete(values))


def _labelled_changes(config: TrainConfig, options: TrainOptions) -> dict[str, Any]:
    """Return the changes of a configuration that the options for annotated volumes make."""
    given = options.given(LabelledConfig)
    if not given:
        return {}
    has_validation = "validation_images" in given or (config.labelled and config.labelled.validation_images)
    if "hold_out" in given and has_validation:
        raise InputError(
            "hold_out=... evaluates on some of images=..., but validation_images=... are given; leave one of "
            "them out"
        )
    volumes = given.keys() & {"images", "labels"}
    if not volumes and config.labelled is None:
        names = ", ".join(f"{name}=..." for name in given)
        raise InputError(f"{names} need annotated volumes; give images=... and labels=...")
    if len(volumes) == 1:
        raise InputError("images=... and labels=... belong together; give both")
    if volumes and options.recipes:
        raise InputError(
            "recipes=... makes synthetic volumes, images=... gives real ones; leave one of them out"
        )
    known = config.labelled
    labelled = LabelledConfig(**given) if known is None else dataclasses.replace(known, **given)
    return {"labelled": labelled} | ({"recipes": ()} if volumes else {})


def describe_volumes(labelled: LabelledVolumes) -> tuple[str, ...]:
    """Return what is learnt from, and remarks, one line each."""
    objects = sum(len(volume.centres) for volume in labelled.training)
    volumes = len(labelled.training)
    text = f"{objects} objects in {volumes} volume{'s' if volumes > 1 else ''}"
    if labelled.validation:
        text += f"; evaluated on {', '.join(volume.name for volume in labelled.validation)}"
    else:
        text += "; none to evaluate on (see hold_out=...)"
    scattered = [v.name for v in (*labelled.training, *labelled.validation) if v.scattered]
    if not scattered:
        return (text,)
    return text, (
        f"labels in several pieces, each learnt as one object, in {', '.join(scattered)}; give every object "
        "its own number (scipy.ndimage.label, skimage.measure.label)"
    )


def run_training(
    config: TrainConfig,
    out: Path,
    *,
    resume: bool = False,
    device: str = "auto",
    labelled: LabelledVolumes | None = None,
) -> Generator[Progress, None, None]:
    """Train, and write previews and TensorBoard events beside what :func:`anystar.train.fit` writes.

    Of several processes (``torchrun``), only the first writes them.
    """
    events = fit(config, out, resume=resume, device=device, labelled=labelled)
    if int(os.environ.get("RANK", "0")) > 0:
        yield from events
        return
    with _board(out) as add:
        for event in events:
            add(event)
            if event.preview:
                _draw_preview(out / "previews" / f"{event.step:07d}.png", event)
            yield event


@contextlib.contextmanager
def _board(out: Path) -> Iterator[Callable[[Progress], None]]:
    """Give a function that writes TensorBoard events, if it is installed; nothing before the first."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        yield lambda event: None
        return
    writers: list[SummaryWriter] = []

    def add(event: Progress) -> None:
        if not writers:
            writers.append(SummaryWriter(str(out / "tensorboard")))
        for name, value in event.losses.items():
            writers[0].add_scalar(f"loss/{name}", value, event.step)
        writers[0].add_scalar("waiting for samples", event.waiting, event.step)

    try:
        yield add
    finally:
        for writer in writers:
            writer.close()


def _draw_preview(path: Path, event: Progress) -> None:
    assert event.preview is not None
    batch, prediction = event.preview
    number = min(_PREVIEWED, len(batch.image))
    rows = {
        "image": list(batch.image[:number, 0].cpu().numpy()),
        "labels": list(batch.labels[:number].cpu().numpy()),
        "target": list(batch.targets.prob_BZYX[:number].cpu().numpy()),
        "predicted": list(prediction.logits[:number, 0].float().sigmoid().cpu().numpy()),
    }
    save_montage(path, rows)
