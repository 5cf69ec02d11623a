"""Matching of points against trying every assignment."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from anystar.evaluate import match_centres

POINTS = st.integers(0, 5).flatmap(lambda n: hnp.arrays(float, (n, 3), elements=st.integers(0, 6).map(float)))


def reference(ground_truth, pred, reach):
    """The most pairs within reach and, among those, the least total distance."""
    if len(ground_truth) > len(pred):
        ground_truth, pred = pred, ground_truth
    best = (0, 0.0)
    for order in permutations(range(len(pred)), len(ground_truth)):
        far = [float(np.linalg.norm(ground_truth[i] - pred[j])) for i, j in enumerate(order)]
        near = [d for d in far if d <= reach]
        best = min(best, (-len(near), sum(near)))
    return -best[0], best[1]


@settings(max_examples=80, deadline=None)
@given(POINTS, POINTS, st.sampled_from([1.0, 2.5, 5.0]))
def test_equals_the_reference(ground_truth, pred, reach):
    found = match_centres(ground_truth, pred, max_distance=reach)
    tp, total = reference(ground_truth, pred, reach)
    assert found.tp == tp
    if tp:
        assert found.mean_distance * tp == pytest.approx(total)


def test_spacing_and_ratios():
    ground_truth = np.array([[0, 0, 0], [10, 0, 0], [20, 0, 0.0]])
    pred = np.array([[1, 0, 0], [10, 3, 0.0]])
    assert match_centres(ground_truth, pred, max_distance=3).tp == 2
    found = match_centres(ground_truth, pred, max_distance=3, spacing=(4, 1, 1))
    assert (found.tp, found.num_true, found.num_pred) == (1, 3, 2)
    assert (found.precision, found.recall, found.f1) == (0.5, pytest.approx(1 / 3), 0.4)
    assert found.mean_distance == 3


def test_nothing():
    none, one = np.zeros((0, 3)), np.zeros((1, 3))
    assert match_centres(none, none, max_distance=1).f1 == 0
    assert match_centres(one, none, max_distance=1).recall == 0
    found = match_centres([], one, max_distance=1)
    assert (found.precision, np.isnan(found.mean_distance)) == (0, True)


def test_bad_arguments():
    with pytest.raises(ValueError, match="max_distance must be above 0"):
        match_centres(np.zeros((1, 3)), np.zeros((1, 3)), max_distance=0)
    with pytest.raises(ValueError, match=r"pred must have the shape \(N, 3\)"):
        match_centres(np.zeros((1, 3)), np.zeros((1, 2)), max_distance=1)
