"""The thresholds that do best on annotated volumes, from one run of the network each.

StarDist (``optimize_thresholds``) searches the probability threshold by golden sections, with suppression,
drawing and matching at every trial. Here five probability thresholds share a drawing, at the lowest of them:
a higher one leaves objects out, and hardly changes the others (it takes their least probable voters).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from anystar.evaluate.assign import assign
from anystar.evaluate.overlap import overlap
from anystar.predict.result import Result

__all__ = ["IOU", "NMS", "Judged", "Tuned", "tune"]

IOU = (0.3, 0.5, 0.7)
"""Overlaps from which an object counts as found; accuracy is averaged over them. StarDist's."""
NMS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)
"""Suppression thresholds that are tried."""
_STEP = 0.01
_HIGHEST = 0.95
_SHARING = 5
"""Probability thresholds that share a drawing."""


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A segmented volume with its truth."""

    result: Result
    """With all candidates that any threshold needs."""
    truth: np.ndarray
    """Labels, int, shape of the volume: 0 is background, -1 unknown."""


@dataclass(frozen=True, kw_only=True)
class Tuned:
    """The best thresholds, and what was tried."""

    prob: float
    nms: float
    accuracy: float
    """Mean over the overlaps of TP / (TP + FP + FN), all objects of all volumes together."""
    probs: np.ndarray
    """Probability thresholds that were tried, ascending, shape ``(P,)``."""
    table: dict[float, np.ndarray]
    """By suppression threshold, the accuracy at each of ``probs``."""


def tune(judged: Sequence[Judged], *, iou: Sequence[float] = IOU, nms: Sequence[float] = NMS) -> Tuned:
    """Find the thresholds with the best mean accuracy.

    Of probability thresholds that do equally well, the one in their middle is taken, as the least likely to
    be a matter of luck. Objects that lie mostly where the truth is unknown count neither for nor against.

    Parameters
    ----------
    judged : sequence of Judged
        At least one.
    iou : sequence of float
        In (0, 1].
    nms : sequence of float
        Suppression thresholds to try, in [0, 1].
    """
    floor = max(j.result.candidates.floor for j in judged)
    probs = np.round(np.arange(np.ceil(floor / _STEP - 1e-9), _HIGHEST / _STEP + 1) * _STEP, 6)
    table = {}
    for threshold in nms:
        counts = np.sum([_counts(one, float(threshold), probs, iou) for one in judged], axis=0)
        found, wanted, matched = counts[0], counts[1], counts[2:]
        total = found + wanted - matched
        table[float(threshold)] = (matched / np.maximum(total, 1)).mean(0)
    best = max(float(values.max()) for values in table.values())
    name, values = next((n, v) for n, v in table.items() if v.max() >= best - 1e-12)
    top = probs[values >= best - 1e-12]
    middle = float(top[np.argmin(np.abs(top - np.median(top)))])
    return Tuned(prob=middle, nms=name, accuracy=best, probs=probs, table=table)


def _counts(judged: Judged, nms: float, probs: np.ndarray, iou: Sequence[float]) -> np.ndarray:
    """Return objects found, objects wanted, and matched pairs at each overlap, by probability threshold."""
    out = np.zeros((2 + len(iou), len(probs)), np.int64)
    single = probs.astype(np.float32)
    for first in range(0, len(probs), _SHARING):
        columns = slice(first, first + _SHARING)
        out[:, columns] = _drawn_at(judged, nms, float(single[first]), single[columns], iou)
    return out


def _drawn_at(judged: Judged, nms: float, prob: float, probs: np.ndarray, iou: Sequence[float]) -> np.ndarray:
    """Return the counts at thresholds of at least ``prob``, of the objects that are drawn at it."""
    drawn = judged.result.rethreshold(prob=prob, nms=nms)
    found = drawn.objects.probability
    pairs = overlap(np.maximum(judged.truth, 0), drawn.labels)
    unknown = np.bincount(drawn.labels[judged.truth < 0], minlength=len(found) + 1)[1:]
    judgeable = 2 * unknown <= drawn.objects.volume_vox
    prob_of_pair = found[pairs.pred_labels[pairs.pred_index] - 1]
    judgeable_pair = judgeable[pairs.pred_labels[pairs.pred_index] - 1]
    out = np.zeros((2 + len(iou), len(probs)), np.int64)
    for column, threshold in enumerate(probs):
        out[0, column] = int((judgeable & (found >= threshold)).sum())
        rows = judgeable_pair & (prob_of_pair >= threshold)
        for line, needed in enumerate(iou, start=2):
            out[line, column] = len(
                assign(pairs.true_index[rows], pairs.pred_index[rows], pairs.iou[rows], needed)
            )
    out[1] = len(pairs.true_labels)
    return out
