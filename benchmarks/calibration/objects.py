"""The objects that are found in one volume, and the truth about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

import anystar
from anystar.evaluate.assign import assign
from anystar.evaluate.overlap import overlap
from anystar.predict.adaptive_threshold import LOWEST
from anystar.predict.calibration import Calibration
from benchmarks.models.suite import Task

__all__ = ["RAW", "FoundObjects", "Pooled", "measure", "pool"]

_REAL = 0.3
"""IoU with a true object, one to one, from which an object is real."""
RAW = Calibration(offset=(0.0,), real=(1.0,), volume_floor=0.0, volume_factor=1.0)
"""States the spread of the votes as the uncertainty of a volume."""


@dataclass(frozen=True, kw_only=True)
class FoundObjects:
    """Objects down to a probability far below the threshold, as lists of numbers."""

    group: str
    volume: str
    seed: int
    prob_thresh: float
    "The adaptive threshold; lower objects are not in the result."
    probability: list[float]
    real: list[int]
    "Whether each is a true object."
    spread: list[float]
    "Spread of the volumes that voted for it."
    error: list[float]
    "True over found volume, less 1; NaN for those that are not real, that are not in the result, or cut."


class Pooled(NamedTuple):
    """The objects of several volumes, arrays ``(N,)``."""

    group: np.ndarray
    probability: np.ndarray
    offset: np.ndarray
    "From the adaptive threshold, in logits."
    real: np.ndarray
    spread: np.ndarray
    error: np.ndarray

    def take(self, rows: np.ndarray) -> Pooled:
        """Return some of the objects."""
        return Pooled(*(column[rows] for column in self))


def pool(volumes: Sequence[FoundObjects]) -> Pooled:
    """Return the objects of at least one volume."""
    parts = []
    for each in volumes:
        prob = np.array(each.probability)
        numbers = (np.array(getattr(each, name)) for name in ("real", "spread", "error"))
        parts.append((np.full(len(prob), each.group), prob, RAW.at(each.prob_thresh).offsets(prob), *numbers))
    return Pooled(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def measure(model: anystar.Model, task: Task, *, true_diameter: bool = False) -> FoundObjects:
    """Segment a volume with defaults, and with the lowest threshold, and compare with the ground truth."""
    raw: dict[str, Any] = {"calibration": vars(RAW)}
    truth = task.sample.labels
    assert truth is not None
    result = replace(model, card=model.card | raw).segment(
        task.sample.image.data,
        spacing=task.sample.image.spacing,
        diameter=task.sample.diameter if true_diameter else None,
    )
    assert result.calibration is not None
    usual = result.calibration.prob_thresh
    kept, lower = _compare(truth, result), _compare(truth, result.rethreshold(LOWEST))
    faint = lower["probability"] < usual
    lower["error"][:] = np.nan
    both = {name: [*kept[name].tolist(), *lower[name][faint].tolist()] for name in kept}
    return FoundObjects(group=task.group, volume=task.name, seed=task.seed, prob_thresh=usual, **both)


def _compare(truth: np.ndarray, result: anystar.Result) -> dict[str, np.ndarray]:
    objects, pairs = result.objects, overlap(truth, result.labels)
    matched = assign(pairs.true_index, pairs.pred_index, pairs.iou, _REAL)
    found, true = pairs.pred_index[matched], pairs.true_index[matched]
    cut = [truth.take(end, axis=axis).ravel() for axis in range(3) for end in (0, -1)]
    whole = ~np.isin(pairs.true_labels[true], np.concatenate(cut))
    real, error = np.zeros(len(objects), int), np.full(len(objects), np.nan)
    real[found] = 1
    error[found] = np.where(whole, pairs.true_volume[true] / pairs.pred_volume[found] - 1, np.nan)
    values = {"probability": objects.probability, "spread": objects.volume_uncertainty}
    return {**{n: v.astype(float).round(4) for n, v in values.items()}, "real": real, "error": error.round(4)}
