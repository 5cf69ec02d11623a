"""The same scores as the ``stardist`` package and as panoptica, on 200 random pairs."""

import json

import pytest

from anystar.evaluate import find_outcomes, match_labels
from tests.evaluate import peer_scores

RECORDED = json.loads(peer_scores.PATH.read_text())
OURS = {
    "n_true": "num_true",
    "n_pred": "num_pred",
    "mean_true_score": "mean_true_iou",
    "mean_matched_score": "mean_matched_iou",
}


def ours(scores):
    found = scores.as_dict() | {"num_true": scores.num_true, "num_pred": scores.num_pred}
    return [found[OURS.get(name, name)] for name in peer_scores.NAMES]


def test_equals_stardist():
    assert len(RECORDED["stardist"]) == peer_scores.NUM_PAIRS
    for seed, expected in enumerate(RECORDED["stardist"]):
        scores = match_labels(*peer_scores.random_pair(seed), thresholds=peer_scores.THRESHOLDS)
        for one, other in zip(scores, expected, strict=True):
            assert ours(one) == pytest.approx(other, abs=1e-6), (seed, one.threshold)


def test_equals_panoptica():
    assert len(RECORDED["panoptica"]) == peer_scores.NUM_PAIRS
    for seed, expected in enumerate(RECORDED["panoptica"]):
        (half,) = match_labels(*peer_scores.random_pair(seed), thresholds=[0.5])
        found = [half.panoptic_quality, half.mean_matched_iou, half.f1, half.tp]
        assert found == pytest.approx(expected, abs=1e-6, nan_ok=True), seed


def test_the_rows_of_objects_add_up_to_the_same():
    for seed in range(peer_scores.NUM_PAIRS):
        truth, pred = peer_scores.random_pair(seed)
        thresholds = (0.7, 0.1, 0.5)
        rows = find_outcomes(truth, pred, thresholds=thresholds)
        for one, other in zip(rows.scores(), match_labels(truth, pred, thresholds=thresholds), strict=True):
            assert one.as_dict() == pytest.approx(other.as_dict())
        assert len(rows) >= rows.scores()[0].num_true
        assert ((rows.tp + rows.fn) <= 1).all()


def test_the_recorded_scores_are_the_packages_own():
    pytest.importorskip("stardist.matching")
    for seed in range(0, peer_scores.NUM_PAIRS, 20):
        found = peer_scores.stardist(*peer_scores.random_pair(seed))
        assert found == [pytest.approx(row, abs=1e-8) for row in RECORDED["stardist"][seed]]
