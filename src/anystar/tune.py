"""The thresholds that do best on annotated volumes, from one run of the network each.

StarDist (``optimize_thresholds``) searches the probability threshold by golden sections, with suppression,
drawing and matching at every trial. Here five probability thresholds share a drawing, at the lowest of them:
a higher one leaves objects out, and hardly changes the others (it takes their least probable voters). What
looks best is drawn at its own threshold before it is believed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from anystar.evaluate.assign import assign
from anystar.evaluate.overlap import overlap
from anystar.predict.result import Result

__all__ = ["IOU", "NMS", "Judged", "Tuned", "score", "tune"]

IOU = (0.3, 0.5, 0.7)
"""Overlaps from which an object counts as found; the AP is averaged over them, as in StarDist."""
NMS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)
"""Suppression thresholds that are tried."""
_STEP = 0.01
_HIGHEST = 0.95
_SHARING = 5
"""Probability thresholds that share a drawing."""


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A segmented volume with its ground truth."""

    result: Result
    """With all candidates that any threshold needs."""
    ground_truth: np.ndarray
    """Labels, int, shape of the volume: 0 is background, -1 unknown."""


@dataclass(frozen=True, kw_only=True)
class Tuned:
    """The best thresholds, and what was tried."""

    prob: float
    nms: float
    mean_ap: float
    """Mean over the overlaps of TP / (TP + FP + FN), all objects of all volumes together; of just what these
    thresholds segment."""
    probs: np.ndarray
    """Probability thresholds that were tried, ascending, shape ``(P,)``."""
    table: dict[float, np.ndarray]
    """By suppression threshold, the mean AP at each of ``probs``: exact at every fifth, and where it looked
    best."""


def tune(judged: Sequence[Judged], *, iou: Sequence[float] = IOU, nms: Sequence[float] = NMS) -> Tuned:
    """Find the thresholds with the best mean AP.

    Of probability thresholds that do equally well, the middle one is chosen, as it depends least on chance.
    Of equally good overlaps (``nms_thresh``), that of the first result is chosen if it is among them, else
    the middle one. Objects that lie mostly where the ground truth is unknown count neither for nor against.

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
    shared = [probs[first : first + _SHARING] for first in range(0, len(probs), _SHARING)]
    table = {
        threshold: np.concatenate(
            [_mean_ap([_counts(one, threshold, some, iou) for one in judged]) for some in shared]
        )
        for threshold in sorted(map(float, nms))
    }
    exact = set()
    while (chosen := _best(table, judged[0].result.nms_thresh)) not in exact:
        threshold, column = chosen
        table[threshold][column] = score(judged, prob=float(probs[column]), nms=threshold, iou=iou)
        exact.add(chosen)
    threshold, column = chosen
    return Tuned(
        prob=float(probs[column]),
        nms=threshold,
        mean_ap=float(table[threshold][column]),
        probs=probs,
        table=table,
    )


def score(
    judged: Sequence[Judged],
    *,
    prob: float | None = None,
    nms: float | None = None,
    iou: Sequence[float] = IOU,
) -> float:
    """Return the mean AP of what these thresholds segment; parameters as for :func:`tune`.

    By default each volume is drawn with the thresholds that it was segmented with.
    """
    counts = [
        _counts(
            one,
            one.result.nms_thresh if nms is None else nms,
            np.array([one.result.prob_thresh if prob is None else prob]),
            iou,
        )
        for one in judged
    ]
    return float(_mean_ap(counts)[0])


def _best(table: dict[float, np.ndarray], own: float) -> tuple[float, int]:
    """Return the suppression threshold and the column of the best AP, the middle one of equals."""
    best = max(float(values.max()) for values in table.values()) - 1e-12
    tied = [name for name, values in table.items() if values.max() >= best]
    chosen = own if own in tied else tied[(len(tied) - 1) // 2]
    columns = np.flatnonzero(table[chosen] >= best)
    return chosen, int(columns[(len(columns) - 1) // 2])


def _mean_ap(counts: Sequence[np.ndarray]) -> np.ndarray:
    """Return the mean AP over overlaps, of the objects of all volumes together."""
    found, wanted, *matched = np.sum(counts, axis=0)
    return np.asarray((matched / np.maximum(found + wanted - matched, 1)).mean(0))


def _counts(judged: Judged, nms: float, probs: np.ndarray, iou: Sequence[float]) -> np.ndarray:
    """Return objects found, objects wanted, and matched pairs at each overlap, by probability threshold.

    The thresholds ascend and share a drawing: what is returned is exact for the first.
    """
    drawn = judged.result.rethreshold(prob_thresh=float(probs[0]), nms_thresh=nms)
    found = drawn.objects.probability
    pairs = overlap(np.maximum(judged.ground_truth, 0), drawn.labels)
    unknown = np.bincount(drawn.labels[judged.ground_truth < 0], minlength=len(found) + 1)[1:]
    judgeable = 2 * unknown <= drawn.objects.volume_vox
    prob_of_pair = found[pairs.pred_labels[pairs.pred_index] - 1]
    judgeable_pair = judgeable[pairs.pred_labels[pairs.pred_index] - 1]
    out = np.zeros((2 + len(iou), len(probs)), np.int64)
    for column, threshold in enumerate(probs.astype(np.float32)):
        out[0, column] = int((judgeable & (found >= threshold)).sum())
        rows = judgeable_pair & (prob_of_pair >= threshold)
        for line, needed in enumerate(iou, start=2):
            out[line, column] = len(
                assign(pairs.true_index[rows], pairs.pred_index[rows], pairs.iou[rows], needed)
            )
    out[1] = len(pairs.true_labels)
    return out
