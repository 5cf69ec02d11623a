"""Matching against a slow, literal reading of StarDist's ``matching``."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.optimize import linear_sum_assignment

from anystar.evaluate import THRESHOLDS, add_scores, match_labels, mean_ap

LABELS = hnp.arrays(np.int32, (3, 5, 6), elements=st.integers(0, 6))


def reference(ground_truth, pred, threshold):
    """StarDist 0.9's matching: a dense matrix, one dense assignment."""
    true_ids, pred_ids = ([i for i in np.unique(a) if i] for a in (ground_truth, pred))
    iou = np.zeros((len(true_ids), len(pred_ids)))
    for i, t in enumerate(true_ids):
        for j, p in enumerate(pred_ids):
            a, b = ground_truth == t, pred == p
            iou[i, j] = (a & b).sum() / (a | b).sum()
    n = min(iou.shape)
    tp, total = 0, 0.0
    if n > 0:
        costs = -(iou >= threshold).astype(float) - iou / (2 * n)
        rows, columns = linear_sum_assignment(costs)
        ok = iou[rows, columns] >= threshold
        tp, total = int(ok.sum()), float(iou[rows, columns][ok].sum())
    fp, fn = len(pred_ids) - tp, len(true_ids) - tp
    return {
        "tp": tp,
        "fp": fp,
        "fn": fn,
        "ap": tp / (tp + fp + fn) if tp else 0,
        "precision": tp / (tp + fp) if tp else 0,
        "recall": tp / (tp + fn) if tp else 0,
        "f1": 2 * tp / (2 * tp + fp + fn) if tp else 0,
        "mean_matched_iou": total / tp if tp else 0,
        "mean_true_iou": total / len(true_ids) if true_ids else 0,
        "panoptic_quality": total / (tp + fp / 2 + fn / 2) if tp else 0,
    }


@settings(max_examples=150, deadline=None)
@given(LABELS, LABELS, st.sampled_from([0.01, 0.1, 0.25, 0.5, 0.51, 0.9, 1.0]))
def test_equals_the_reference(ground_truth, pred, threshold):
    (scores,) = match_labels(ground_truth, pred, thresholds=[threshold])
    expected = reference(ground_truth, pred, threshold)
    found = scores.as_dict()
    assert {k: found[k] for k in expected} == pytest.approx(expected)


def test_equals_the_reference_on_many_touching_objects():
    rng = np.random.default_rng(0)
    grid = np.arange(4 * 4 * 4).reshape(4, 4, 4) + 1
    ground_truth = np.kron(grid, np.ones((3, 4, 4), int))
    pred = np.where(rng.random(ground_truth.shape) < 0.9, np.roll(ground_truth, (1, 2, 1), (0, 1, 2)), 0)
    pred[pred % 7 == 0] = 3
    for threshold in THRESHOLDS[::2]:
        (scores,) = match_labels(ground_truth, pred, thresholds=[threshold])
        expected = reference(ground_truth, pred, threshold)
        assert {k: scores.as_dict()[k] for k in expected} == pytest.approx(expected)


@settings(max_examples=60, deadline=None)
@given(LABELS, LABELS, st.permutations(range(7)))
def test_symmetric_and_blind_to_numbering(ground_truth, pred, order):
    order = [i for i in order if i]
    renamed = np.array([0, *(10**6 * i for i in order)], np.int64)[pred]
    forth, back = match_labels(ground_truth, renamed), match_labels(pred, ground_truth)
    assert [(s.tp, s.fp, s.fn) for s in forth] == [(s.tp, s.fn, s.fp) for s in back]
    assert [s.panoptic_quality for s in forth] == pytest.approx([s.panoptic_quality for s in back])


@given(LABELS)
@settings(max_examples=30, deadline=None)
def test_perfect_against_itself(ground_truth):
    for scores in match_labels(ground_truth, ground_truth, thresholds=[0.5, 1.0]):
        assert scores.fp == scores.fn == 0
        assert scores.ap == scores.panoptic_quality == (1 if ground_truth.any() else 0)


def test_nothing_against_nothing_and_something():
    empty, full = np.zeros((2, 3, 4), np.uint8), np.ones((2, 3, 4), np.uint8)
    assert match_labels(empty, empty)[0].ap == 0
    assert match_labels(full, empty)[0].as_dict()["fn"] == 1
    assert match_labels(empty, full)[0].as_dict()["fp"] == 1


def test_sums_and_mean():
    a = np.array([[[1, 1, 2, 2]]])
    b = np.array([[[1, 1, 0, 2]]])
    one, two = match_labels(a, a), match_labels(a, b)
    together = add_scores([one, two])
    assert [s.tp for s in together] == [4, 4, 4, 4, 4, 3, 3, 3, 3]
    assert mean_ap(one) == pytest.approx(1)
    assert together[-1].ap == pytest.approx(3 / 5)
    with pytest.raises(ValueError, match="same thresholds"):
        add_scores([one, two[:1]])


@pytest.mark.parametrize("thresholds", [[], [0.0], [1.1], [-0.5]])
def test_thresholds_are_checked(thresholds):
    with pytest.raises(ValueError, match="above 0 and at most 1"):
        match_labels(np.zeros((1, 1, 1), int), np.zeros((1, 1, 1), int), thresholds=thresholds)
