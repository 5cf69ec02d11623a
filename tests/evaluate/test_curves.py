"""Accuracy curves and their intervals."""

import numpy as np
import pytest

from anystar.evaluate import (
    THRESHOLDS,
    add_scores,
    ap_curve,
    count_by_object,
    match_labels,
    mean_ap,
)
from tests.evaluate.peer_scores import random_pair


def rng():
    return np.random.default_rng(3)


def test_the_values_are_those_of_all_objects_pooled():
    pairs = [random_pair(seed) for seed in range(4)]
    curve = ap_curve([count_by_object(*p) for p in pairs], rng=rng(), num_resamples=50)
    each = [match_labels(*p) for p in pairs]
    pooled = add_scores(each)
    assert curve.thresholds == THRESHOLDS
    assert [a.value for a in curve.ap] == pytest.approx([s.ap for s in pooled])
    assert [q.value for q in curve.panoptic_quality] == pytest.approx([s.panoptic_quality for s in pooled])
    assert curve.mean_ap.value == pytest.approx(mean_ap(pooled))
    assert curve.mean_over_volumes == pytest.approx(np.mean([mean_ap(s) for s in each]))
    assert (curve.num_volumes, curve.num_true) == (4, pooled[0].num_true)
    assert curve.at(0.5) == curve.ap[4]


def naive_bootstrap(volumes, number):
    """Draw volumes, and in each its rows, one by one."""
    random, found = np.random.default_rng(8), []
    for _ in range(number):
        tp = whole = 0
        for v in random.integers(0, len(volumes), len(volumes)):
            rows = random.integers(0, len(volumes[v]), len(volumes[v]))
            tp += volumes[v].tp[rows, 4].sum()
            whole += (volumes[v].tp + volumes[v].fp + volumes[v].fn)[rows, 4].sum()
        found.append(tp / whole)
    return np.quantile(found, [0.025, 0.975])


def test_the_interval_is_that_of_a_naive_bootstrap():
    volumes = [count_by_object(*random_pair(seed)) for seed in range(6)]
    half = ap_curve(volumes, rng=rng(), num_resamples=3000).at(0.5)
    low, high = naive_bootstrap(volumes, 1500)
    assert high - low > 0.1
    assert [half.low, half.high] == pytest.approx([low, high], abs=0.03)


def test_perfect_nothing_and_repeatable():
    ground_truth, pred = random_pair(1)
    perfect = ap_curve([count_by_object(ground_truth, ground_truth)] * 2, rng=rng())
    assert {(a.low, a.value, a.high) for a in perfect.ap} == {(1, 1, 1)}
    nothing = ap_curve([count_by_object(ground_truth, ground_truth * 0)], rng=rng())
    assert {(a.low, a.value, a.high) for a in nothing.ap} == {(0, 0, 0)}
    rows = [count_by_object(ground_truth, pred)]
    assert ap_curve(rows, rng=rng()) == ap_curve(rows, rng=rng())
    with pytest.raises(ValueError, match="at least one, got none"):
        ap_curve([], rng=rng())


def test_more_volumes_narrow_the_interval():
    volumes = [count_by_object(*random_pair(seed)) for seed in range(3)]
    few = ap_curve(volumes, rng=rng()).mean_ap
    many = ap_curve(volumes * 16, rng=rng()).mean_ap
    assert many.value == pytest.approx(few.value)
    assert many.high - many.low < 0.5 * (few.high - few.low)
