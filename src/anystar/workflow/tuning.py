"""Thresholds for a kind of image, from a few annotated volumes, as a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

import anystar
from anystar.arrays import Volume
from anystar.config import dump_toml
from anystar.errors import InputError
from anystar.outputs import refuse_ending, refuse_outputs
from anystar.predict.model import Model
from anystar.predict.thresholds import Thresholds
from anystar.runtime.atomic import staged
from anystar.runtime.progress import Progress
from anystar.train.labelled import LabelledConfig, RawVolume, known_labels, median_diameter
from anystar.tune import IOU, Judged, score, tune
from anystar.workflow.annotated import VolumeChoice, choice_of, read_pairs

__all__ = ["Trial", "TuneOptions", "tune_files"]

_WORTH = 0.005
"""AP that a diameter must add to be written."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """The best thresholds under one diameter."""

    diameter: float | None
    """The diameter that the model was given; None: its own estimate."""
    unit: Literal["um", "voxels"] | None
    """Unit of the diameter; None if it differs between volumes."""
    prob_thresh: float
    nms_thresh: float
    mean_ap: float
    """Mean AP with these thresholds."""
    adaptive_ap: float
    """Mean AP with the thresholds that the model chooses for each volume."""

    @property
    def best_ap(self) -> float:
        """The better of the two."""
        return max(self.mean_ap, self.adaptive_ap)

    @property
    def adaptive(self) -> bool:
        """Whether the model's own choice for each volume is better than the same thresholds for all."""
        return self.adaptive_ap > self.mean_ap


@dataclass(frozen=True, kw_only=True)
class TuneOptions(VolumeChoice):
    """How thresholds are chosen."""

    model: str | None = None
    """Name of a bundled model or path of a model file; the default model if left out."""
    device: str = "auto"
    """Where the network runs: ``auto``, ``cpu``, ``cuda`` or ``mps``."""
    diameter: float | None = None
    """Diameter to give the model. By default its own estimate and the median of the labels are compared."""
    iou: tuple[float, ...] = ()
    """Overlaps from which an object counts as found; 0.3, 0.5 and 0.7 by default."""
    ignore_label: int = -1
    """Label of voxels of which nothing is known."""
    unlabelled: Literal["background", "ignore"] = "background"
    """Meaning of label 0."""


def tune_files(
    images: Path,
    labels: Path,
    output: Path,
    options: TuneOptions | None = None,
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
    report: Callable[[Trial], None] = lambda trial: None,
) -> tuple[Thresholds, Trial]:
    """Find the thresholds with the best mean AP, and write them.

    The network runs once per volume and size; then all thresholds are tried.

    Parameters
    ----------
    images, labels : Path
        Annotated images and their label images, of the same names: folders, or one file each.
    output : Path
        Where the thresholds go, ``.toml``.
    options : TuneOptions, optional
    overwrite : bool
        Whether ``output`` may be replaced.
    progress : callable, optional
        Called as ``progress(done, total, stage)``.
    report : callable, optional
        Called with each finished :class:`Trial`.

    Returns
    -------
    thresholds : Thresholds
        What was written.
    trial : Trial
        The one that it comes from.
    """
    options = options or TuneOptions()
    refuse_ending("output", output, ".toml")
    refuse_outputs([("the thresholds", output)], inputs=(images, labels), overwrite=overwrite)
    volumes = read_pairs(images, labels, **choice_of(options), ignore_label=options.ignore_label)
    config = LabelledConfig(
        images="", labels="", ignore_label=options.ignore_label, unlabelled=options.unlabelled
    )
    ground_truths = [known_labels(volume, config) for volume in volumes]
    diameters = _diameters(options, volumes, ground_truths)
    with staged(output) as (temporary,):  # a place that cannot be written is known before the work
        model, iou = anystar.load_model(options.model, device=options.device), options.iou or IOU
        trials = (_try(model, volumes, ground_truths, each, iou, progress) for each in diameters)
        best = _best(trials, report)
        given = options.model
        thresholds = Thresholds(
            model=str(Path(given).resolve()) if given and Path(given).is_file() else model.name,
            prob_thresh=None if best.adaptive else best.prob_thresh,
            nms_thresh=None if best.adaptive else best.nms_thresh,
            diameter=best.diameter,
            unit=best.unit or "um",
            accuracy=round(best.best_ap, 4),
            iou=iou,
            volumes=tuple(volume.name for volume in volumes),
        )
        temporary.write_text(dump_toml(thresholds))
    return thresholds, best


def _diameters(
    options: TuneOptions, volumes: Sequence[RawVolume], ground_truths: Sequence[np.ndarray]
) -> list[float | None]:
    """Return the diameters to try: the given one, or the model's estimate and the median of the labels."""
    median = median_diameter(volumes, ground_truths)  # refuses labels without objects
    if options.diameter is not None or _unit(volumes) is None:
        return [options.diameter]
    return [None, float(f"{median:.4g}")]


def _best(trials: Iterable[Trial], report: Callable[[Trial], None]) -> Trial:
    """Return the trial with the best AP; a later one must add something worth writing a diameter."""
    best: Trial | None = None
    for trial in trials:
        report(trial)
        if best is None or trial.best_ap > best.best_ap + _WORTH:
            best = trial
    assert best is not None
    if best.best_ap == 0:
        raise InputError(
            "no threshold finds an annotated object; check that the labels are those of the images, one "
            "number per object, and that the diameter and voxel size (spacing=(Z, Y, X)) are right"
        )
    return best


def _try(
    model: Model,
    volumes: Sequence[RawVolume],
    ground_truths: Sequence[np.ndarray],
    diameter: float | None,
    iou: tuple[float, ...],
    progress: Progress | None,
) -> Trial:
    """Segment all volumes once with a diameter, and try all thresholds."""
    judged = []
    for volume, ground_truth in zip(volumes, ground_truths, strict=True):

        def named(done: int, total: int, stage: str, name: str = volume.name) -> None:
            if progress is not None:
                progress(done, total, f"{name}: {stage}")

        image = Volume(data=volume.image, spacing=volume.spacing, unit=volume.unit)
        result = model.segment(image, diameter=diameter, progress=named)
        judged.append(Judged(result=result, ground_truth=ground_truth))
    found = tune(judged, iou=iou)
    return Trial(
        diameter=diameter,
        unit=_unit(volumes),
        prob_thresh=found.prob,
        nms_thresh=found.nms,
        mean_ap=found.mean_ap,
        adaptive_ap=score(judged, iou=iou),
    )


def _unit(volumes: Sequence[RawVolume]) -> Literal["um", "voxels"] | None:
    """Return the unit that a diameter has in all volumes, none if they differ."""
    known = [v.spacing is not None and v.unit == "um" for v in volumes]
    return "um" if all(known) else None if any(known) else "voxels"
