"""The assignment of small scenes equals the best of all that are possible."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anystar.evaluate.assign import assign


def best(scores, threshold):
    """How many pairs pass, and the sum of their scores, in the best one-to-one assignment of all.

    The best has the most pairs that pass, then the highest sum of all scores, failing ones included.
    """
    rows, columns = scores.shape
    size = max(rows, columns)
    square = np.zeros((size, size))
    square[:rows, :columns] = scores
    every = [square[range(size), order] for order in itertools.permutations(range(size))]
    chosen = max(every, key=lambda s: ((s >= threshold).sum(), s.sum()))
    return (chosen >= threshold).sum(), chosen[chosen >= threshold].sum()


@given(
    st.integers(0, 2**32 - 1),
    st.tuples(st.integers(1, 5), st.integers(1, 5)),
    st.sampled_from([0.1, 0.3, 0.5, 0.7]),
)
def test_it_is_the_best_of_all(seed, shape, threshold):
    rng = np.random.default_rng(seed)
    scores = rng.random(shape) * (rng.random(shape) < 0.6)
    row, column = np.nonzero(scores)
    found = assign(row, column, scores[row, column], threshold)
    assert len(set(row[found])) == len(set(column[found])) == len(found)
    assert (scores[row, column][found] >= threshold).all()
    count, total = best(scores, threshold)
    assert len(found) == count
    assert scores[row, column][found].sum() == pytest.approx(total)


def test_nothing_passes():
    assert assign(np.array([0]), np.array([0]), np.array([0.2]), 0.3).tolist() == []
