import os
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anystar.geometry.nms import DROPPED, KEPT, UNDECIDED, suppress, suppress_partly
from anystar.geometry.polyhedra import Polyhedra
from anystar.geometry.rays import golden_spiral
from tests import reference, scenes
from tests.geometry.nms.test_overlap import pairs

RAYS = golden_spiral(64)


def bodies(points, distances, prob):
    return Polyhedra(points, distances, RAYS, prob)


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.5, 0.9])
def test_same_survivors_as_one_after_the_other(threshold):
    for seed in range(2):
        some = scenes.candidates(np.random.default_rng(seed), RAYS, num=400)
        some = some.take(np.unique(np.column_stack([some.points, some.prob]), axis=0, return_index=True)[1])
        order = np.lexsort((*some.points.T[::-1], -some.prob.astype(float)))
        want = reference.suppress(order, pairs(some.points, some.distances, RAYS, threshold)[0])
        got = suppress(some, threshold=threshold)
        assert got.tolist() == want
        assert 20 < len(got) < len(some)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000))
def test_independent_of_input_order_and_threads_and_idempotent(seed):
    rng = np.random.default_rng(seed)
    some = scenes.with_twins(scenes.candidates(rng, RAYS, num=700))
    kept = some.take(suppress(some))
    shuffled = some.take(rng.permutation(700))
    with mock.patch.dict(os.environ, OMP_NUM_THREADS="1"):
        again = shuffled.take(suppress(shuffled))
    np.testing.assert_array_equal(kept.distances, again.distances)
    np.testing.assert_array_equal(kept.points, again.points)
    assert suppress(kept).tolist() == list(range(len(kept)))


def test_ties_go_to_the_smaller_position():
    points = np.array([[5, 5, 6], [5, 5, 5], [5, 4, 9], [4, 9, 9]])
    distances, prob = np.full((4, 64), 20.0), np.full(4, 0.5)
    assert suppress(bodies(points, distances, prob)).tolist() == [3]
    assert suppress(bodies(points, distances, prob), threshold=1).tolist() == [3, 2, 1, 0]


def test_none_one_and_all_alike():
    nothing = suppress(bodies(np.zeros((0, 3)), np.zeros((0, 64)), np.zeros(0)))
    assert (nothing.dtype, len(nothing)) == (np.int64, 0)
    assert suppress(bodies(np.zeros((1, 3)), np.ones((1, 64)), np.ones(1))).tolist() == [0]
    assert suppress(bodies(np.zeros((5000, 3)), np.ones((5000, 64)), np.ones(5000))).tolist() == [0]
    flat = suppress(bodies(np.zeros((3, 3)), np.zeros((3, 64)), np.ones(3)))
    assert len(flat) == 3  # bodies without volume overlap nothing


def test_small_body_inside_a_large_one_is_dropped_and_the_other_way_round():
    points = np.array([[0, 0, 0], [3, 3, 3]])
    distances = np.stack([np.full(64, 20.0), np.full(64, 2.0)])
    assert suppress(bodies(points, distances, np.array([0.9, 0.8]))).tolist() == [0]
    assert suppress(bodies(points, distances, np.array([0.8, 0.9]))).tolist() == [1]


@pytest.mark.parametrize("size", [1e3, 1e6, 1e30])
def test_one_huge_outlier_changes_only_what_it_covers(size):
    some = scenes.candidates(np.random.default_rng(3), RAYS)
    far = np.array([[1e9 + 3 * size, 0, 0]])
    outlier = bodies(far, np.full((1, 64), min(size, 1e9)), np.zeros(1))
    with_outlier = suppress(Polyhedra.joined([some, outlier]))
    assert with_outlier.tolist() == [*suppress(some).tolist(), len(some)]


@pytest.mark.parametrize("threshold", [1.5, -0.1, float("nan")])
def test_wrong_arguments_are_named(threshold):
    some = scenes.candidates(np.random.default_rng(6), RAYS, num=10)
    nothing = np.zeros(10, np.uint8)
    with pytest.raises(ValueError, match="threshold must be from 0 to 1, got"):
        suppress(some, threshold=threshold)
    with pytest.raises(ValueError, match="threshold must be from 0 to 1, got"):
        suppress_partly(some, nothing, nothing, threshold=threshold)
    with pytest.raises(ValueError, match="must have probabilities"):
        suppress(Polyhedra(some.points, some.distances, RAYS))


def part_by_part(some, *, size, threshold):
    """Suppress cube by cube, each seeing its neighbourhood only, again and again until all is decided."""
    boxes = some.bounding_boxes()
    cube = np.unique(some.points // size, axis=0, return_inverse=True)[1].ravel()
    status = np.full(len(some), UNDECIDED, np.uint8)
    for rounds in range(1, 30):
        for own in range(cube.max() + 1):
            mine = cube == own
            low, high = boxes[mine, 0].min(0), boxes[mine, 1].max(0)
            near = ((boxes[:, 0] <= high) & (boxes[:, 1] >= low)).all(1) & (status != DROPPED)
            rows = np.flatnonzero(near | mine & (status != DROPPED))
            status[rows] = suppress_partly(some.take(rows), status[rows], mine[rows], threshold=threshold)
        if (status != UNDECIDED).all():
            return status, rounds
    raise AssertionError("it does not come to an end")


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 1000),
    size=st.sampled_from([7, 15, 40, 1000]),
    threshold=st.sampled_from([0.0, 0.3, 0.9, 1.0]),
)
def test_part_by_part_it_comes_to_the_same(seed, size, threshold):
    some = scenes.candidates(np.random.default_rng(seed), RAYS, num=500)
    some = some.take(np.unique(some.points, axis=0, return_index=True)[1])
    status, rounds = part_by_part(some, size=size, threshold=threshold)
    want = suppress(some, threshold=threshold)
    assert np.flatnonzero(status == KEPT).tolist() == sorted(want.tolist())
    assert rounds < 15


def test_without_its_neighbours_a_candidate_can_be_dropped_but_not_kept():
    points = np.array([[0, 0, 0], [0, 0, 1], [0, 0, 2], [0, 0, 40]])
    some = bodies(points, np.full((4, 64), 5.0), np.array([0.9, 0.8, 0.7, 0.6]))
    nothing = np.zeros(4, bool)
    assert suppress_partly(some, np.zeros(4, np.uint8), nothing).tolist() == [UNDECIDED] * 4
    known = np.array([KEPT, UNDECIDED, UNDECIDED, UNDECIDED])
    assert suppress_partly(some, known, nothing).tolist() == [KEPT, DROPPED, DROPPED, UNDECIDED]
    # The second may yet be kept, so that the third, complete as it is, must wait
    third = np.array([False, False, True, False])
    assert suppress_partly(some, np.zeros(4, np.uint8), third).tolist() == [UNDECIDED] * 4
