"""The scores of an image taken apart by object, so that they can be resampled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from anystar.evaluate.assign import assign
from anystar.evaluate.matching import THRESHOLDS, Scores, check_thresholds
from anystar.evaluate.overlap import overlap

__all__ = ["ObjectCounts", "count_by_object"]


@dataclass(frozen=True, kw_only=True, eq=False)
class ObjectCounts:
    """What every object contributes to the counts at every threshold.

    A row is a true object with the predictions that are nearest to it, or a prediction that touches no true
    object. Sums over the rows are exactly the counts of :func:`anystar.evaluate.match_labels`; rows, not
    counts, are what a bootstrap over instances resamples.
    """

    thresholds: tuple[float, ...]
    "(T,) intersection over union from which a pair counts."
    tp: np.ndarray
    "(U, T) int64, 1 where the row's true object is found."
    fp: np.ndarray
    "(U, T) int64, predictions of the row without a partner."
    fn: np.ndarray
    "(U, T) int64, 1 where the row's true object is not found."
    sum_iou: np.ndarray
    "(U, T) float64, intersection over union of the found object."

    def __len__(self) -> int:
        return len(self.tp)

    def scores(self) -> tuple[Scores, ...]:
        """Return the counts of the image."""
        tp, fp, fn = (a.sum(axis=0) for a in (self.tp, self.fp, self.fn))
        return tuple(
            Scores(
                threshold=t,
                num_true=int(tp[k] + fn[k]),
                num_pred=int(tp[k] + fp[k]),
                tp=int(tp[k]),
                sum_iou=float(self.sum_iou[:, k].sum()),
            )
            for k, t in enumerate(self.thresholds)
        )


def count_by_object(
    ground_truth: np.ndarray, pred: np.ndarray, *, thresholds: Sequence[float] = THRESHOLDS
) -> ObjectCounts:
    """Match two label images at every threshold and return what each object contributes to the counts.

    Parameters
    ----------
    ground_truth, pred : numpy.ndarray
        Label images of one shape, 0 is background.
    thresholds : sequence of float
        In (0, 1].

    Raises
    ------
    ValueError
        If the shapes differ, the values are not labels or a threshold is out of range.

    Examples
    --------
    >>> ground_truth = np.array([[[1, 1, 1, 0, 2, 2, 0]]])
    >>> rows = count_by_object(ground_truth, np.array([[[5, 5, 0, 0, 0, 0, 6]]]), thresholds=[0.6, 0.7])
    >>> rows.tp.tolist(), rows.fp.tolist(), rows.fn.tolist()
    ([[1, 0], [0, 0], [0, 0]], [[0, 1], [0, 0], [1, 1]], [[0, 1], [1, 1], [0, 0]])
    """
    check_thresholds(thresholds)
    pairs = overlap(ground_truth, pred)
    iou, num_true, num_pred = pairs.iou, len(pairs.true_labels), len(pairs.pred_labels)
    matches = [assign(pairs.true_index, pairs.pred_index, iou, t) for t in thresholds]
    home = _homes(pairs.true_index, pairs.pred_index, iou, matches[int(np.argmin(thresholds))], num_pred)
    alone = home < 0
    home[alone] = num_true + np.arange(np.count_nonzero(alone))
    shape = (num_true + int(alone.sum()), len(thresholds))
    tp, fp, fn, sum_iou = (np.zeros(shape, t) for t in (np.int64, np.int64, np.int64, np.float64))
    fn[:num_true] = 1
    for k, matched in enumerate(matches):
        rows = pairs.true_index[matched]
        tp[rows, k], fn[rows, k], sum_iou[rows, k] = 1, 0, iou[matched]
        left = np.ones(num_pred, bool)
        left[pairs.pred_index[matched]] = False
        np.add.at(fp[:, k], home[left], 1)
    return ObjectCounts(thresholds=tuple(map(float, thresholds)), tp=tp, fp=fp, fn=fn, sum_iou=sum_iou)


def _homes(
    true_index: np.ndarray, pred_index: np.ndarray, iou: np.ndarray, matched: np.ndarray, num_pred: int
) -> np.ndarray:
    """Return the true object each prediction belongs to: its partner, else the nearest, else -1."""
    home = np.full(num_pred, -1, np.int64)
    ascending = np.argsort(iou, kind="stable")
    home[pred_index[ascending]] = true_index[ascending]
    home[pred_index[matched]] = true_index[matched]
    return home
