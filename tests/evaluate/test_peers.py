"""The same scores as the ``stardist`` package and as panoptica, on 200 random pairs."""

import json

import numpy as np
import pytest

from anystar.evaluate import count_by_object, match_labels
from tests.evaluate import peer_scores

RECORDED = json.loads(peer_scores.PATH.read_text())
OURS = {
    "accuracy": "ap",
    "n_true": "num_true",
    "n_pred": "num_pred",
    "mean_true_score": "mean_true_iou",
    "mean_matched_score": "mean_matched_iou",
}


def ours(scores):
    found = scores.as_dict() | {"num_true": scores.num_true, "num_pred": scores.num_pred}
    return [found[OURS.get(name, name)] for name in peer_scores.NAMES]


def test_equals_stardist():
    pairs = [peer_scores.random_pair(seed) for seed in range(peer_scores.NUM_PAIRS)]
    found = [[ours(s) for s in match_labels(*p, thresholds=peer_scores.THRESHOLDS)] for p in pairs]
    print(f"{np.size(found):,} scores of {len(found)} pairs, {farthest(found)}")
    np.testing.assert_allclose(found, RECORDED["stardist"], rtol=0, atol=1e-6)


def farthest(found):
    return f"at most {np.abs(np.array(found) - np.array(RECORDED['stardist'])).max():.0e} from StarDist's"


def test_equals_panoptica():
    assert len(RECORDED["panoptica"]) == peer_scores.NUM_PAIRS
    for seed, expected in enumerate(RECORDED["panoptica"]):
        (half,) = match_labels(*peer_scores.random_pair(seed), thresholds=[0.5])
        found = [half.panoptic_quality, half.mean_matched_iou, half.f1, half.tp]
        assert found == pytest.approx(expected, abs=1e-6, nan_ok=True), seed


def test_the_rows_of_objects_add_up_to_the_same():
    for seed in range(peer_scores.NUM_PAIRS):
        ground_truth, pred = peer_scores.random_pair(seed)
        thresholds = (0.7, 0.1, 0.5)
        rows = count_by_object(ground_truth, pred, thresholds=thresholds)
        for one, other in zip(
            rows.scores(), match_labels(ground_truth, pred, thresholds=thresholds), strict=True
        ):
            assert one.as_dict() == pytest.approx(other.as_dict())
        assert len(rows) >= rows.scores()[0].num_true
        assert ((rows.tp + rows.fn) <= 1).all()


def test_the_recorded_scores_are_the_packages_own():
    pytest.importorskip("stardist.matching")
    found = [peer_scores.stardist(*peer_scores.random_pair(seed)) for seed in range(peer_scores.NUM_PAIRS)]
    print(f"{np.size(found):,} scores of {len(found)} pairs made anew, {farthest(found)} as recorded")
    np.testing.assert_allclose(found, RECORDED["stardist"], rtol=0, atol=1e-8)
