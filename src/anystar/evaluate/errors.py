"""Where errors come from: false negatives and positives, merged or split objects, loose boundaries.

At a threshold of the overlap (intersection over union), one-to-one matching leaves true objects without a
partner (false negatives) and predicted ones (false positives). Every one of them gets exactly one kind, the
first that holds; an object *lies in* another if at least half of its voxels do:

============== ============================================= =============================================
kind           a true object without a partner               a predicted object without a partner
============== ============================================= =============================================
merged         lies with another true one in one prediction  holds two or more true objects
split          holds two or more predictions                 lies with another prediction in one true object
loose          overlaps by ``loose`` to the threshold a      overlaps by ``loose`` to the threshold a
               prediction of none of these kinds             true object of none of these kinds
missed         none of these                                 cannot be
spurious       cannot be                                     none of these
============== ============================================= =============================================

"Lies with another in one" is tested before "holds several". Exchanging ground truth and prediction therefore
exchanges missed with spurious and merged with split, and nothing else. The kinds of the true
objects add up to the false negatives of :func:`anystar.evaluate.match_labels`, those of the predicted ones to
its false positives; ``missed`` and ``spurious`` are those without another reason.
``loose`` partners are assigned one to one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from anystar.errors import InputError
from anystar.evaluate.assign import assign
from anystar.evaluate.overlap import Overlap, overlap

__all__ = ["KINDS", "Errors", "Outcomes", "classify_errors"]

KINDS = ("missed", "spurious", "merged", "split", "loose")
"""What can be wrong with an object; ``found`` is what can be right."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcomes:
    """Outcome of each object of one side (ground truth or prediction), in ascending order of their labels."""

    label: np.ndarray
    "(N,) int64, the objects' labels."
    kind: np.ndarray
    "(N,) str: ``found`` or one of :data:`KINDS`."
    partner: np.ndarray
    "(N,) int64: label of the other side's object that it was matched to, or else overlaps most; 0 if none."
    iou: np.ndarray
    "(N,) float64: intersection over union with the partner, 0 without one."
    volume_vox: np.ndarray
    "(N,) int64, voxels."
    partner_volume_vox: np.ndarray
    "(N,) int64, voxels of the partner, 0 without one."

    def count(self, kind: str) -> int:
        """Return how many objects are of a kind."""
        return int(np.count_nonzero(self.kind == kind))


@dataclass(frozen=True, kw_only=True, eq=False)
class Errors:
    """The outcomes of all true and all predicted objects at one threshold."""

    threshold: float
    "Intersection over union from which a pair counts as found."
    loose: float
    "Intersection over union from which an unmatched pair counts as loose."
    true: Outcomes
    "Outcomes of the true objects: found, missed, merged, split or loose."
    pred: Outcomes
    "Outcomes of the predicted objects: found, spurious, merged, split or loose."

    def counts(self) -> dict[str, tuple[int, int]]:
        """Return, for ``found`` and each of :data:`KINDS`, how many true and how many predicted objects."""
        return {kind: (self.true.count(kind), self.pred.count(kind)) for kind in ("found", *KINDS)}


def classify_errors(
    ground_truth: np.ndarray, pred: np.ndarray, *, threshold: float = 0.5, loose: float = 0.1
) -> Errors:
    """Classify every true and every predicted object: found, or the kind of error.

    Parameters
    ----------
    ground_truth, pred : numpy.ndarray
        Label images of one shape, any integer type, 0 is background.
    threshold : float
        In (0, 1]: intersection over union from which a pair counts as found, as in
        :func:`anystar.evaluate.match_labels`.
    loose : float
        Above 0, at most ``threshold``.

    Raises
    ------
    ValueError
        If the shapes differ, the values are not labels or a threshold is out of range.

    Examples
    --------
    >>> ground_truth = np.array([[[1, 1, 1, 1, 0, 2, 2, 3, 3, 0, 4]]])
    >>> pred = np.array([[[5, 5, 6, 6, 0, 7, 7, 7, 7, 8, 0]]])
    >>> errors = classify_errors(ground_truth, pred, threshold=0.6)
    >>> errors.true.kind.tolist()
    ['split', 'merged', 'merged', 'missed']
    >>> errors.pred.kind.tolist()
    ['split', 'split', 'merged', 'spurious']
    """
    if not 0 < threshold <= 1:
        raise InputError(f"threshold must be above 0 and at most 1, got {threshold}")
    if not 0 < loose <= threshold:
        raise InputError(f"loose must be above 0 and at most the threshold {threshold}, got {loose}")
    pairs = overlap(ground_truth, pred)
    iou = pairs.iou
    matched = assign(pairs.true_index, pairs.pred_index, iou, threshold)
    t, p = pairs.true_index, pairs.pred_index
    true_kind = _start(len(pairs.true_labels), t[matched], "missed")
    pred_kind = _start(len(pairs.pred_labels), p[matched], "spurious")

    true_in_pred = 2 * pairs.shared >= pairs.true_volume[t]
    pred_in_true = 2 * pairs.shared >= pairs.pred_volume[p]
    merger = np.bincount(p[true_in_pred], minlength=len(pred_kind)) >= 2
    divided = np.bincount(t[pred_in_true], minlength=len(true_kind)) >= 2
    # "Holds several" first, so that "lies with another in one" overrides it.
    _mark(true_kind, divided, "split")
    _mark(pred_kind, merger, "merged")
    _mark(true_kind, np.bincount(t[true_in_pred & merger[p]], minlength=len(true_kind)) > 0, "merged")
    _mark(pred_kind, np.bincount(p[pred_in_true & divided[t]], minlength=len(pred_kind)) > 0, "split")

    left = np.flatnonzero((true_kind[t] == "missed") & (pred_kind[p] == "spurious"))
    near = left[assign(t[left], p[left], iou[left], loose)] if len(left) else left
    true_kind[t[near]] = "loose"
    pred_kind[p[near]] = "loose"
    fixed = np.concatenate([matched, near])
    return Errors(
        threshold=threshold,
        loose=loose,
        true=_outcomes(pairs, true_kind, fixed, swapped=False),
        pred=_outcomes(pairs, pred_kind, fixed, swapped=True),
    )


def _start(num: int, found: np.ndarray, otherwise: str) -> np.ndarray:
    kind = np.full(num, otherwise, f"U{max(map(len, KINDS))}")
    kind[found] = "found"
    return kind


def _mark(kind: np.ndarray, where: np.ndarray, name: str) -> None:
    """Set the kind of objects without a partner."""
    kind[where & (kind != "found")] = name


def _outcomes(pairs: Overlap, kind: np.ndarray, fixed: np.ndarray, *, swapped: bool) -> Outcomes:
    """Attach to each object its assigned partner, else the one that it overlaps most."""
    sides = [
        (pairs.true_index, pairs.true_labels, pairs.true_volume),
        (pairs.pred_index, pairs.pred_labels, pairs.pred_volume),
    ]
    (index, label, volume), (other, other_label, other_volume) = sides[::-1] if swapped else sides
    iou = pairs.iou
    rank = iou.copy()
    rank[fixed] += 1
    order = np.argsort(rank, kind="stable")
    best = np.full(len(label), -1)
    best[index[order]] = order  # of several pairs the last, best one stays
    some = best >= 0
    partner, overlapped, size = np.zeros(len(label), np.int64), np.zeros(len(label)), np.zeros_like(volume)
    partner[some] = other_label[other[best[some]]]
    overlapped[some] = iou[best[some]]
    size[some] = other_volume[other[best[some]]]
    return Outcomes(
        label=label.astype(np.int64),
        kind=kind,
        partner=partner,
        iou=overlapped,
        volume_vox=volume,
        partner_volume_vox=size,
    )
