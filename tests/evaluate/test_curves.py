"""Accuracy curves and their intervals."""

import numpy as np
import pytest

from anystar.evaluate import (
    THRESHOLDS,
    accuracy_curve,
    add_scores,
    find_outcomes,
    match_labels,
    mean_accuracy,
)
from tests.evaluate.peer_scores import random_pair


def rng():
    return np.random.default_rng(3)


def test_the_values_are_those_of_all_objects_pooled():
    pairs = [random_pair(seed) for seed in range(4)]
    curve = accuracy_curve([find_outcomes(*p) for p in pairs], rng=rng(), num_resamples=50)
    each = [match_labels(*p) for p in pairs]
    pooled = add_scores(each)
    assert curve.thresholds == THRESHOLDS
    assert [a.value for a in curve.accuracy] == pytest.approx([s.accuracy for s in pooled])
    assert [q.value for q in curve.panoptic_quality] == pytest.approx([s.panoptic_quality for s in pooled])
    assert curve.mean_accuracy.value == pytest.approx(mean_accuracy(pooled))
    assert curve.mean_over_volumes == pytest.approx(np.mean([mean_accuracy(s) for s in each]))
    assert (curve.num_volumes, curve.num_true) == (4, pooled[0].num_true)
    assert curve.at(0.5) == curve.accuracy[4]


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
    volumes = [find_outcomes(*random_pair(seed)) for seed in range(6)]
    half = accuracy_curve(volumes, rng=rng(), num_resamples=3000).at(0.5)
    low, high = naive_bootstrap(volumes, 1500)
    assert high - low > 0.1
    assert [half.low, half.high] == pytest.approx([low, high], abs=0.03)


def test_perfect_nothing_and_repeatable():
    truth, pred = random_pair(1)
    perfect = accuracy_curve([find_outcomes(truth, truth)] * 2, rng=rng())
    assert {(a.low, a.value, a.high) for a in perfect.accuracy} == {(1, 1, 1)}
    nothing = accuracy_curve([find_outcomes(truth, truth * 0)], rng=rng())
    assert {(a.low, a.value, a.high) for a in nothing.accuracy} == {(0, 0, 0)}
    rows = [find_outcomes(truth, pred)]
    assert accuracy_curve(rows, rng=rng()) == accuracy_curve(rows, rng=rng())
    with pytest.raises(ValueError, match="at least one, got none"):
        accuracy_curve([], rng=rng())


def test_more_volumes_narrow_the_interval():
    volumes = [find_outcomes(*random_pair(seed)) for seed in range(3)]
    few = accuracy_curve(volumes, rng=rng()).mean_accuracy
    many = accuracy_curve(volumes * 16, rng=rng()).mean_accuracy
    assert many.value == pytest.approx(few.value)
    assert many.high - many.low < 0.5 * (few.high - few.low)
