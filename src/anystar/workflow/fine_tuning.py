"""From corrected labels to a better model: one preset, evaluated on parts that are held out.

The run folder holds everything: the labels that are learnt from and those that are held out, as files. It
also holds the settings, log and checkpoint of the training, and the model. So a run that was stopped goes on
from there.
"""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from anystar import io
from anystar.arrays import Volume
from anystar.box import Box
from anystar.config import dump_plain
from anystar.errors import InputError
from anystar.predict.model import Model
from anystar.predict.registry import DEFAULT_MODEL, load_model
from anystar.runtime.atomic import staged
from anystar.train import LabelledConfig, RawVolume, TrainConfig
from anystar.train.held_out import hold_out_box, reviewed_labels
from anystar.train.labelled import LabelledVolumes, known_labels, median_diameter
from anystar.tune import Judged, score
from anystar.workflow.annotated import read_labelled
from anystar.workflow.corrected import CorrectedVolume
from anystar.workflow.training import TrainOptions, run_training, train_config

__all__ = [
    "FineTuneEvent",
    "FineTunePreset",
    "FineTuned",
    "HeldOutScore",
    "fine_tune",
]

_AROUND = 2.0
"""Voxels around a held-out part that the model sees as well, in diameters."""
_WORSE = 0.01
"""AP by which a model must be worse for a note."""


@dataclass(frozen=True, kw_only=True)
class FineTunePreset:
    """How a model is adapted; the defaults take some minutes on two cores."""

    iterations: int = 150
    """Optimiser steps."""
    learning_rate: float = 5e-4
    """Initial learning rate; it falls to 0."""
    batch_size: int = 2
    """Samples per step."""
    minutes: float | None = None
    """Training time after which the run ends even if steps are left."""
    seed: int | None = None
    """Seed of the samples."""
    unlabelled: Literal["background", "ignore"] = "background"
    """Meaning of label 0 where nothing says what was reviewed."""
    workers: int = 1
    """Processes that make samples; 0 inside of another program."""


@dataclass(frozen=True, kw_only=True)
class FineTuneEvent:
    """Progress of a run."""

    stage: Literal["before", "training", "after"]
    """Evaluation of the old model, training, evaluation of the new one."""
    step: int = 0
    """Steps of the training that are done."""
    total: int = 0
    loss: float | None = None
    """Mean loss since the event before."""
    validation: float | None = None
    """Loss on what is held out, from time to time."""


@dataclass(frozen=True, kw_only=True)
class HeldOutScore:
    """How well a model does on what it has not learnt from."""

    ap: float
    """Average precision at an overlap (IoU) of 0.5: TP / (TP + FP + FN)."""
    mean_ap: float
    """Its mean over the overlaps 0.3, 0.5 and 0.7."""


@dataclass(frozen=True, kw_only=True)
class FineTuned:
    """The outcome of a run."""

    model: Path
    """File of the new model."""
    out: Path
    """Folder of the run."""
    num_objects: int
    """Objects that were learnt from."""
    num_held_out: int
    """Objects that both models were evaluated on; 0 if there were too few to hold some out."""
    before: HeldOutScore | None
    after: HeldOutScore | None
    steps: int
    """Steps that were done."""
    finished: bool
    """Whether the run came to its end; if not, it can be resumed."""
    notes: tuple[str, ...] = ()
    """Remarks for the user."""

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.model.stem


@dataclass(frozen=True, kw_only=True, eq=False)
class _Prepared:
    """A volume, its labels in two parts, and the diameter of its objects."""

    name: str
    image: Volume
    training: np.ndarray
    held_out: np.ndarray | None = None
    box: tuple[slice, slice, slice] | None = None
    diameter: float
    """In the unit of the image's voxel size."""


def fine_tune(
    volumes: Sequence[CorrectedVolume],
    out: Path,
    *,
    name: str | None = None,
    model: str | None = None,
    preset: FineTunePreset | None = None,
    device: str = "auto",
    resume: bool = False,
    progress: Callable[[FineTuneEvent], None] = lambda event: None,
) -> FineTuned:
    """Adapt a model to corrected volumes.

    Parameters
    ----------
    volumes : sequence of CorrectedVolume
        One suffices. Of a volume with six objects or more, a part with a quarter of them is held out.
    out : Path
        Folder of the run.
    name : str, optional
        Name of the new model, ``out / NAME.safetensors``; that of the folder by default.
    model : str, optional
        The model to begin with: a bundled one, or a model file; the default model by default.
    preset : FineTunePreset, optional
    device : str
        As :func:`anystar.load_model` takes it.
    resume : bool
        Continue the run in ``out``, which was stopped.
    progress : callable, optional
        Called with each :class:`FineTuneEvent`. If it raises an error, as to cancel, the state of the
        training is kept and the run can be resumed.

    Raises
    ------
    InputError
        If there is no labelled object, or ``out`` holds a run already.
    """
    preset = preset or FineTunePreset()
    if name is not None and (not name or Path(name).name != name):
        raise InputError(f"name must be a name without folders, got {name!r}; correct it")
    begun = (out / "checkpoint.safetensors").exists()
    if begun and not resume:
        raise InputError(
            f"{out} holds a run already; continue it with resume=True, or choose another out=..."
        )
    prepared = _prepare(volumes, preset)
    held = [one for one in prepared if one.held_out is not None]
    new = out / f"{name or out.name.removesuffix('_model')}.safetensors"
    before = after = None
    if held:
        progress(FineTuneEvent(stage="before", total=preset.iterations))
        before = _evaluate(load_model(model, device=device), held)
    if not (resume and (out / "config.toml").exists()):
        _write_volumes(prepared, out)
    config = _config(preset, out, model or DEFAULT_MODEL, bool(held))
    assert config.labelled is not None
    labelled = read_labelled(config.labelled)
    step, finished = _train(config, out, labelled, progress, resume=resume and begun, device=device)
    if finished:
        with staged(new) as (temporary,):
            shutil.copyfile(out / ("best.safetensors" if held else "model.safetensors"), temporary)
        if held:
            progress(FineTuneEvent(stage="after", step=step, total=config.iterations))
            after = _evaluate(load_model(new, device=device), held)
        _write_scores(out / "evaluation.toml", before, after)
    return FineTuned(
        model=new,
        out=out,
        num_objects=sum(len(v.centres) for v in labelled.training),
        num_held_out=sum(len(v.centres) for v in labelled.validation),
        before=before,
        after=after,
        steps=step,
        finished=finished,
        notes=_notes(before, after, held=bool(held)),
    )


def _train(
    config: TrainConfig,
    out: Path,
    labelled: LabelledVolumes,
    progress: Callable[[FineTuneEvent], None],
    *,
    resume: bool,
    device: str,
) -> tuple[int, bool]:
    """Train; return the number of steps, and whether the run is finished."""
    step, seconds = 0, 0.0
    with closing(run_training(config, out, resume=resume, device=device, labelled=labelled)) as events:
        for event in events:
            step, seconds = event.step, event.seconds
            progress(
                FineTuneEvent(
                    stage="training",
                    step=step,
                    total=config.iterations,
                    loss=event.losses["total"],
                    validation=event.validation,
                )
            )
    step = step or config.iterations  # a run that was finished before
    return step, step >= config.iterations or (config.minutes is not None and seconds >= 60 * config.minutes)


def _prepare(volumes: Sequence[CorrectedVolume], preset: FineTunePreset) -> list[_Prepared]:
    """Return the volumes with what is held out of each; of several with few objects each, the last."""
    raws, numbered = [], []
    for volume in volumes:
        image, labels, partly = volume.image, volume.labels, volume.reviewed is not None
        if volume.reviewed is not None:
            labels = reviewed_labels(labels, volume.reviewed, spacing=image.spacing)
        raw = RawVolume(
            name=volume.name, image=image.data, labels=labels, spacing=image.spacing, unit=image.unit
        )
        meaning: Literal["background", "ignore"] = "background" if partly else preset.unlabelled
        raws.append(raw)
        numbered.append(known_labels(raw, LabelledConfig(images="", labels="", unlabelled=meaning)))
    if not any((labels > 0).any() for labels in numbered):
        names = ", ".join(volume.name for volume in volumes)
        raise InputError(f"no object of {names} is reviewed; confirm or correct some first")
    usual = median_diameter(raws, numbered)
    prepared = []
    for volume, raw, labels in zip(volumes, raws, numbered, strict=True):
        diameter = median_diameter([raw], [labels]) if (labels > 0).any() else usual
        parts = hold_out_box(labels)
        image = Volume(data=raw.image, spacing=volume.image.spacing, unit=volume.image.unit)
        own = _Prepared(name=volume.name, image=image, training=labels, diameter=diameter)
        if parts is not None:
            own = dataclasses.replace(own, training=parts.training, held_out=parts.held_out, box=parts.box)
        prepared.append(own)
    with_objects = [i for i, labels in enumerate(numbered) if (labels > 0).any()]
    if len(with_objects) > 2 and all(one.held_out is None for one in prepared):
        last = with_objects[-1]
        z, y, x = (slice(0, n) for n in numbered[last].shape)
        nothing = np.full_like(numbered[last], -1)
        prepared[last] = dataclasses.replace(
            prepared[last], training=nothing, held_out=numbered[last], box=(z, y, x)
        )
    return prepared


def _write_volumes(prepared: Sequence[_Prepared], out: Path) -> None:
    """Write what is learnt from and what is held out, in the layout that training reads."""
    for number, one in enumerate(prepared):
        plain = "".join(c if c.isalnum() or c in "-_" else "_" for c in one.name)
        stem = f"{number:03d}_{plain}.tif"
        kinds = [("images", "labels", one.training)] if (one.training >= 0).any() else []
        if one.held_out is not None:
            kinds.append(("held_out_images", "held_out_labels", one.held_out))
        for images, labels, data in kinds:
            for kind in (images, labels):
                (out / "volumes" / kind).mkdir(parents=True, exist_ok=True)
            io.write(out / "volumes" / images / stem, one.image)
            io.write(out / "volumes" / labels / stem, one.image.with_data(data.astype(np.int32)))


def _config(preset: FineTunePreset, out: Path, model: str, held: bool) -> TrainConfig:
    folder = out / "volumes"
    names = ("iterations", "learning_rate", "batch_size", "minutes", "seed")
    options = TrainOptions(
        start=model,
        images=folder / "images",
        labels=folder / "labels",
        validation_images=folder / "held_out_images" if held else None,
        validation_labels=folder / "held_out_labels" if held else None,
        hold_out=None if held else 0,
        **{name: getattr(preset, name) for name in names},
    )
    config = train_config(options, size="small", out=out)
    often = max(1, preset.iterations // 75)
    return dataclasses.replace(
        config, workers=preset.workers, log_every=often, checkpoint_every=min(50, 25 * often)
    )


def _evaluate(model: Model, held: Sequence[_Prepared]) -> HeldOutScore:
    """Segment what is held out, with some voxels around it and its objects' diameter, and score it."""
    judged = []
    for one in held:
        assert one.held_out is not None
        assert one.box is not None
        edges = one.image.spacing or (1.0, 1.0, 1.0)
        shortest = min(edges) if one.image.unit == "relative" else 1.0
        margin = [int(np.ceil(_AROUND * one.diameter * shortest / edge)) for edge in edges]
        part = Box.of(one.box, one.image.shape).grown(margin, one.image.shape)
        result = model.segment(one.image.crop(part), diameter=one.diameter)
        judged.append(Judged(result=result, ground_truth=one.held_out[part.slices]))
    return HeldOutScore(ap=score(judged, iou=(0.5,)), mean_ap=score(judged))


def _write_scores(path: Path, before: HeldOutScore | None, after: HeldOutScore | None) -> None:
    scores = {"before": before, "after": after}
    with staged(path) as (temporary,):
        text = dump_plain({n: dataclasses.asdict(one) for n, one in scores.items() if one is not None})
        temporary.write_text(text, encoding="utf-8")


def _notes(before: HeldOutScore | None, after: HeldOutScore | None, *, held: bool) -> tuple[str, ...]:
    if not held:
        return ("too few objects to hold some out: how good the new model is was not measured",)
    if before is not None and after is not None and after.mean_ap < before.mean_ap - _WORSE:
        return ("the new model is worse on what was held out; keep the old one, or correct more objects",)
    return ()
