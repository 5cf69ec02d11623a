"""Instances against a ground truth: one-to-one matching by overlap and the scores that follow from it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from anystar.errors import InputError
from anystar.evaluate.assign import assign
from anystar.evaluate.overlap import overlap_of_blocks

__all__ = [
    "THRESHOLDS",
    "Scores",
    "add_scores",
    "check_thresholds",
    "match_blocks",
    "match_labels",
    "mean_ap",
]

THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""Intersection over union from which a pair counts as found, by default."""


@dataclass(frozen=True, kw_only=True)
class Scores:
    """Counts and scores at one overlap threshold; every ratio of 0 to 0 is 0."""

    threshold: float
    "Intersection over union from which a pair counts."
    num_true: int
    "Objects in the ground truth."
    num_pred: int
    "Objects in the prediction."
    tp: int
    "Matched pairs."
    sum_iou: float
    "Sum of the matched pairs' intersection over union."

    @property
    def fp(self) -> int:
        """Predicted objects without a partner."""
        return self.num_pred - self.tp

    @property
    def fn(self) -> int:
        """True objects without a partner."""
        return self.num_true - self.tp

    @property
    def ap(self) -> float:
        """Average precision, TP / (TP + FP + FN), as StarDist and the Data Science Bowl 2018 define it."""
        return _ratio(self.tp, self.tp + self.fp + self.fn)

    @property
    def precision(self) -> float:
        """TP / (TP + FP)."""
        return _ratio(self.tp, self.num_pred)

    @property
    def recall(self) -> float:
        """TP / (TP + FN)."""
        return _ratio(self.tp, self.num_true)

    @property
    def f1(self) -> float:
        """2 TP / (2 TP + FP + FN)."""
        return _ratio(2 * self.tp, self.num_true + self.num_pred)

    @property
    def mean_matched_iou(self) -> float:
        """Mean intersection over union of the matched pairs."""
        return _ratio(self.sum_iou, self.tp)

    @property
    def mean_true_iou(self) -> float:
        """Mean intersection over union of all true objects, 0 for those not found."""
        return _ratio(self.sum_iou, self.num_true)

    @property
    def panoptic_quality(self) -> float:
        """Sum of IoU / (TP + FP / 2 + FN / 2), Kirillov et al. 2019."""
        return _ratio(2 * self.sum_iou, self.num_true + self.num_pred)

    def as_dict(self) -> dict[str, float]:
        """Return all numbers by name."""
        counts = ("threshold", "num_true", "num_pred", "tp", "fp", "fn")
        ratios = ("ap", "precision", "recall", "f1", "mean_matched_iou", "mean_true_iou", "panoptic_quality")
        return {name: getattr(self, name) for name in (*counts, *ratios)}


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def check_thresholds(thresholds: Sequence[float]) -> None:
    """Raise ``InputError`` unless there are thresholds, all above 0 and at most 1."""
    if not thresholds or not all(0 < t <= 1 for t in thresholds):
        raise InputError(f"thresholds must be above 0 and at most 1, got {list(thresholds)}")


def match_labels(
    ground_truth: np.ndarray, pred: np.ndarray, *, thresholds: Sequence[float] = THRESHOLDS
) -> tuple[Scores, ...]:
    """Match predicted to true objects one to one and count, as StarDist's ``matching`` does.

    Parameters
    ----------
    ground_truth, pred : numpy.ndarray
        Label images of one shape, 0 is background.
    thresholds : sequence of float
        In (0, 1].

    Returns
    -------
    tuple of Scores
        One per threshold, in their order.

    Raises
    ------
    ValueError
        If the shapes differ, the values are not labels or a threshold is out of range.

    Examples
    --------
    >>> ground_truth = np.array([[[1, 1, 1, 0, 2, 2]]])
    >>> (half,) = match_labels(ground_truth, np.array([[[5, 5, 0, 0, 0, 6]]]), thresholds=[0.6])
    >>> half.tp, half.fp, half.fn, round(half.panoptic_quality, 3)
    (1, 1, 1, 0.333)
    """
    return match_blocks([(ground_truth, pred)], thresholds=thresholds)


def match_blocks(
    blocks: Iterable[tuple[np.ndarray, np.ndarray]], *, thresholds: Sequence[float] = THRESHOLDS
) -> tuple[Scores, ...]:
    """Match as :func:`match_labels` does, for images that are read block by block.

    Parameters
    ----------
    blocks : iterable of pairs of numpy.ndarray
        Ground truth and prediction, of one shape each. Every voxel of the images is in exactly one block; an
        object has the same number in all.
    thresholds : sequence of float
        In (0, 1].

    Returns
    -------
    tuple of Scores
        One per threshold, in their order: those of the whole images.
    """
    check_thresholds(thresholds)
    pairs, scores = overlap_of_blocks(blocks), []
    num_true, num_pred, iou = len(pairs.true_labels), len(pairs.pred_labels), pairs.iou
    for t in map(float, thresholds):
        matched = assign(pairs.true_index, pairs.pred_index, iou, t)
        tp, sum_iou = len(matched), float(iou[matched].sum())
        scores.append(Scores(threshold=t, num_true=num_true, num_pred=num_pred, tp=tp, sum_iou=sum_iou))
    return tuple(scores)


def add_scores(results: Iterable[Sequence[Scores]]) -> tuple[Scores, ...]:
    """Add up the counts of several images, threshold by threshold: every object weighs the same.

    Raises
    ------
    ValueError
        If there is nothing to add or the thresholds differ.
    """
    results = list(results)
    if not results or len({tuple(s.threshold for s in scores) for scores in results}) != 1:
        raise InputError(f"results must be of the same thresholds and at least one, got {len(results)}")
    return tuple(
        Scores(
            threshold=same[0].threshold,
            num_true=sum(s.num_true for s in same),
            num_pred=sum(s.num_pred for s in same),
            tp=sum(s.tp for s in same),
            sum_iou=sum(s.sum_iou for s in same),
        )
        for same in zip(*results, strict=True)
    )


def mean_ap(scores: Sequence[Scores]) -> float:
    """Return the mean of the AP over the thresholds."""
    return sum(s.ap for s in scores) / len(scores)
