"""Kinds of errors against a literal reading of their definition, and by symmetry."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from anystar.evaluate import KINDS, classify_errors, match_labels

LABELS = hnp.arrays(np.int32, (3, 5, 6), elements=st.integers(0, 5))
SWAPPED = {
    "missed": "spurious",
    "spurious": "missed",
    "merged": "split",
    "split": "merged",
}


def literal(ground_truth, pred, threshold):
    """The kinds but for 'loose', object by object, in the order of the table; those found are given."""
    errors = classify_errors(ground_truth, pred, threshold=threshold)
    true_ids, pred_ids = ([i for i in np.unique(a) if i] for a in (ground_truth, pred))

    def lies_in(a, i, b, j):
        return 2 * np.count_nonzero((a == i) & (b == j)) >= np.count_nonzero(a == i)

    kinds = {}
    for t in true_ids:
        held_by = [p for p in pred_ids if lies_in(ground_truth, t, pred, p)]
        together = [p for p in held_by if sum(lies_in(ground_truth, o, pred, p) for o in true_ids) >= 2]
        holds = [p for p in pred_ids if lies_in(pred, p, ground_truth, t)]
        kinds["true", t] = "merged" if together else "split" if len(holds) >= 2 else "other"
    for p in pred_ids:
        held_by = [t for t in true_ids if lies_in(pred, p, ground_truth, t)]
        together = [t for t in held_by if sum(lies_in(pred, o, ground_truth, t) for o in pred_ids) >= 2]
        holds = [t for t in true_ids if lies_in(ground_truth, t, pred, p)]
        kinds["pred", p] = "split" if together else "merged" if len(holds) >= 2 else "other"
    for side, outcomes in (("true", errors.true), ("pred", errors.pred)):
        for label, kind in zip(outcomes.label, outcomes.kind, strict=True):
            if kind == "found":
                kinds[side, label] = "found"
    return kinds


@settings(max_examples=100, deadline=None)
@given(LABELS, LABELS, st.sampled_from([0.15, 0.3, 0.5, 0.8]))
def test_equals_the_definition(ground_truth, pred, threshold):
    errors = classify_errors(ground_truth, pred, threshold=threshold)
    expected = literal(ground_truth, pred, threshold)
    for side, outcomes in (("true", errors.true), ("pred", errors.pred)):
        found = {
            (side, label): kind if kind in ("found", "merged", "split") else "other"
            for label, kind in zip(outcomes.label, outcomes.kind, strict=True)
        }
        assert found == {key: kind for key, kind in expected.items() if key[0] == side}


@settings(max_examples=100, deadline=None)
@given(LABELS, LABELS)
def test_kinds_add_up_to_the_scores_and_truth_and_prediction_are_symmetric(ground_truth, pred):
    errors = classify_errors(ground_truth, pred, threshold=0.5)
    (scores,) = match_labels(ground_truth, pred, thresholds=[0.5])
    counts = errors.counts()
    assert counts["found"] == (scores.tp, scores.tp)
    assert sum(counts[k][0] for k in KINDS) == scores.fn
    assert sum(counts[k][1] for k in KINDS) == scores.fp
    assert counts["loose"][0] == counts["loose"][1]
    assert counts["missed"][1] == counts["spurious"][0] == 0
    # Above a half no pair competes with another, so the matching itself is symmetric.
    swapped = classify_errors(pred, ground_truth, threshold=0.51, loose=0.5)
    straight = classify_errors(ground_truth, pred, threshold=0.51, loose=0.5)
    assert [SWAPPED.get(k, k) for k in straight.true.kind] == swapped.pred.kind.tolist()
    assert [SWAPPED.get(k, k) for k in straight.pred.kind] == swapped.true.kind.tolist()


def boxes(*parts):
    volume = np.zeros((10, 10, 40), np.uint16)
    for label, start, stop in parts:
        volume[2:8, 2:8, start:stop] = label
    return volume


CASES = {
    "the same": ([(1, 2, 10)], [(9, 2, 10)], ["found"], ["found"]),
    "missed": ([(1, 2, 10)], [], ["missed"], []),
    "spurious": ([], [(1, 2, 10)], [], ["spurious"]),
    "far off": ([(1, 2, 10)], [(1, 9, 18)], ["missed"], ["spurious"]),
    "merged in equal parts": ([(1, 2, 10), (2, 10, 18)], [(1, 2, 18)], ["found", "merged"], ["found"]),
    "merged": ([(1, 2, 8), (2, 8, 14), (3, 14, 20)], [(1, 2, 20)], ["merged"] * 3, ["merged"]),
    "split": ([(1, 2, 20)], [(1, 2, 8), (2, 8, 14), (3, 14, 20)], ["split"], ["split"] * 3),
    "a piece too many": ([(1, 2, 20)], [(1, 2, 16), (2, 16, 20)], ["found"], ["found", "split"]),
    "too small": ([(1, 2, 20)], [(1, 2, 8)], ["loose"], ["loose"]),
    "too large": ([(1, 2, 8)], [(1, 2, 20)], ["loose"], ["loose"]),
}


@pytest.mark.parametrize("case", CASES)
def test_simple_cases(case):
    ground_truth, pred, true_kind, pred_kind = CASES[case]
    errors = classify_errors(boxes(*ground_truth), boxes(*pred))
    assert errors.true.kind.tolist() == true_kind
    assert errors.pred.kind.tolist() == pred_kind


def test_partners_and_sizes():
    errors = classify_errors(boxes((3, 2, 20), (5, 30, 32)), boxes((7, 2, 8), (8, 20, 26)))
    assert errors.true.partner.tolist() == [7, 0]
    assert errors.true.iou.tolist() == pytest.approx([6 / 18, 0])
    assert errors.true.volume_vox.tolist() == [18 * 36, 2 * 36]
    assert errors.true.partner_volume_vox.tolist() == [6 * 36, 0]
    assert errors.pred.partner.tolist() == [3, 0]


def test_thresholds_are_checked():
    with pytest.raises(ValueError, match="threshold must be above 0 and at most 1, got 0"):
        classify_errors(boxes(), boxes(), threshold=0)
    with pytest.raises(ValueError, match=r"loose must be above 0 and at most the threshold 0\.5, got 0\.6"):
        classify_errors(boxes(), boxes(), loose=0.6)
