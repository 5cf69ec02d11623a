import time

import numba as nb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anystar.geometry.body.numba import bodies, radius_tables
from anystar.geometry.nms import DROPPED, KEPT, UNDECIDED, rethreshold, suppress, suppress_partly
from anystar.geometry.nms import spatial_hash as neighbours
from anystar.geometry.polyhedra import bounding_boxes
from anystar.geometry.rays import golden_spiral
from tests import reference
from tests.geometry import scenes

RAYS = golden_spiral(64)


@nb.njit
def overlaps(*args):
    return neighbours._overlaps(*args)


@nb.njit
def estimates(*args):
    return neighbours.overlap_estimates(*args)


@nb.njit
def bounds(*args):
    return neighbours._bounds(*args)


def pairs(points, distances, rays, threshold):
    """What the package decides about pairs: ``(overlaps(n, m), estimates(n, m))``."""
    tables = radius_tables(rays)
    inner, outer, volume = np.empty((3, len(points)), np.float32)
    box = np.empty((len(points), 6), np.float32)
    bodies(distances, tables.solid_angle, tables.reach, inner, outer, volume, box)
    shapes = neighbours.shapes(points, distances, inner, outer, volume, box)
    sampling, room = neighbours.sampling(tables), neighbours.new_room(len(rays))

    def decide(n, m):
        square = float(((shapes.sizes[n, :3] - shapes.sizes[m, :3]) ** 2).sum())
        return overlaps(shapes, sampling, n, m, square, threshold, room)

    return decide, lambda n, m: estimates(shapes, sampling, n, m, threshold, room)


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.5, 0.9])
def test_same_survivors_as_one_after_the_other(threshold):
    for seed in range(2):
        points, distances, prob = scenes.candidates(np.random.default_rng(seed), RAYS, num=400)
        single = np.unique(np.column_stack([points, prob]), axis=0, return_index=True)[1]
        points, distances, prob = points[single], distances[single], prob[single]
        order = np.lexsort((points[:, 2], points[:, 1], points[:, 0], -prob.astype(float)))
        want = reference.suppress(order, pairs(points, distances, RAYS, threshold)[0])
        got = suppress(points, distances, prob, RAYS, threshold=threshold).kept
        assert got.tolist() == want
        assert 20 < len(got) < len(points)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000))
def test_independent_of_input_order_and_threads_and_idempotent(seed):
    rng = np.random.default_rng(seed)
    points, distances, prob = scenes.candidates(rng, RAYS, num=700)
    points[::7], distances[::7], prob[::7] = points[0], distances[0], prob[0]  # the very same one often
    points[1::7], prob[1::7] = points[1], prob[1]  # different ones at one place
    kept = suppress(points, distances, prob, RAYS).kept
    shuffle = rng.permutation(700)
    again = suppress(points[shuffle], distances[shuffle], prob[shuffle], RAYS, num_threads=1)
    np.testing.assert_array_equal(distances[kept], distances[shuffle][again.kept])
    np.testing.assert_array_equal(points[kept], points[shuffle][again.kept])
    twice = suppress(points[kept], distances[kept], prob[kept], RAYS)
    assert twice.kept.tolist() == list(range(len(kept)))
    assert (twice.candidates, twice.survivors) == (len(kept), len(kept))


def test_estimates_are_within_their_stated_error():
    rng = np.random.default_rng(0)
    rays = golden_spiral(96)
    errors = []
    for _ in range(16):
        distances = scenes.smooth_distances(rng, 2, rays, radius=(4.0, 6.0))
        points = np.array([[0, 0, 0], rng.normal(0, 4, 3)])
        exact = reference.overlap(points, distances, rays, step=0.5)
        # At a threshold at the truth both stages are used.
        errors.append(np.array(pairs(points, distances, rays, exact)[1](0, 1)) - exact)
    one, eight = np.abs(errors).T
    assert one.max() < 0.12  # the margin within which one sample per ray does not decide
    assert np.sqrt((one**2).mean()) < 0.05
    assert eight.max() < 0.03
    assert np.sqrt((eight**2).mean()) < 0.012


def test_bounds_hold():
    rng = np.random.default_rng(1)
    for _ in range(8):
        distances = scenes.smooth_distances(rng, 2, RAYS, radius=(4.0, 6.0))
        points = np.array([[0, 0, 0], rng.normal(0, 5, 3)])
        exact = reference.overlap(points, distances, RAYS, step=0.5)
        tables = radius_tables(RAYS)
        inner, outer, volume = np.empty((3, 2), np.float32)
        box = np.empty((2, 6), np.float32)
        bodies(distances, tables.solid_angle, tables.reach, inner, outer, volume, box)
        shapes = neighbours.shapes(points, distances, inner, outer, volume, box)
        low, high = bounds(shapes.sizes, 0, 1, float((points[1] ** 2).sum()))
        assert low - 0.02 <= exact <= high + 0.02


def test_ties_go_to_the_smaller_position():
    points = np.array([[5, 5, 6], [5, 5, 5], [5, 4, 9], [4, 9, 9]])
    distances, prob = np.full((4, 64), 20.0), np.full(4, 0.5)
    assert suppress(points, distances, prob, RAYS).kept.tolist() == [3]
    assert suppress(points, distances, prob, RAYS, threshold=1).kept.tolist() == [3, 2, 1, 0]


def test_none_one_and_all_alike():
    nothing = suppress(np.zeros((0, 3)), np.zeros((0, 64)), np.zeros(0), RAYS)
    assert nothing.kept.dtype == np.int64
    assert nothing.survivors == 0
    assert suppress(np.zeros((1, 3)), np.ones((1, 64)), np.ones(1), RAYS).kept.tolist() == [0]
    alike = suppress(np.zeros((5000, 3)), np.ones((5000, 64)), np.ones(5000), RAYS)
    assert alike.kept.tolist() == [0]
    flat = suppress(np.zeros((3, 3)), np.zeros((3, 64)), np.ones(3), RAYS)
    assert flat.survivors == 3  # bodies without volume overlap nothing


def test_small_body_inside_a_large_one_is_dropped_and_the_other_way_round():
    points = np.array([[0, 0, 0], [3, 3, 3]])
    distances = np.stack([np.full(64, 20.0), np.full(64, 2.0)])
    assert suppress(points, distances, np.array([0.9, 0.8]), RAYS).kept.tolist() == [0]
    assert suppress(points, distances, np.array([0.8, 0.9]), RAYS).kept.tolist() == [1]


@pytest.mark.parametrize("size", [1e3, 1e6, 1e30])
def test_one_huge_outlier_changes_only_what_it_covers(size):
    points, distances, prob = scenes.candidates(np.random.default_rng(3), RAYS)
    far = np.array([[1e9, 0, 0]]) + np.array([[3 * size, 0, 0]])
    kept = suppress(points, distances, prob, RAYS).kept
    with_outlier = suppress(
        np.concatenate([points, far]),
        np.concatenate([distances, np.full((1, 64), size)])
        if size < 1e9
        else np.concatenate([distances, np.full((1, 64), 1e9)]),
        np.append(prob, 0.0),
        RAYS,
    )
    assert with_outlier.kept.tolist() == [*kept.tolist(), len(points)]


def test_outliers_do_not_defeat_the_pruning():
    points, distances, prob = scenes.candidates(
        np.random.default_rng(4), RAYS, num=20_000, num_objects=400, extent=300
    )
    plain = min(suppress(points, distances, prob, RAYS).seconds for _ in range(3))
    distances[::2000] = 400.0
    prob[::2000] = 0.001  # ten that everything is near to, and that nothing is dropped for
    outliers = min(suppress(points, distances, prob, RAYS).seconds for _ in range(3))
    assert outliers < 3 * plain + 0.1


def test_rethreshold_equals_suppressing_fewer():
    points, distances, prob = scenes.candidates(np.random.default_rng(5), RAYS)
    everything = suppress(points, distances, prob, RAYS)
    likely = np.flatnonzero(prob >= 0.4)
    fewer = suppress(points[likely], distances[likely], prob[likely], RAYS)
    assert rethreshold(everything, prob, 0.4).tolist() == likely[fewer.kept].tolist()


def test_wrong_arguments_are_named():
    points, distances, prob = scenes.candidates(np.random.default_rng(6), RAYS, num=10)
    with pytest.raises(ValueError, match=r"threshold must be from 0 to 1, got 1\.5"):
        suppress(points, distances, prob, RAYS, threshold=1.5)
    with pytest.raises(ValueError, match="prob must be finite"):
        suppress(points, distances, np.where(prob > 0.5, np.nan, prob) * np.nan, RAYS)
    with pytest.raises(ValueError, match="prob must be finite and of shape \\(10,\\), got shape \\(9,\\)"):
        suppress(points, distances, prob[:9], RAYS)
    distances[3, 3] = np.nan
    with pytest.raises(ValueError, match="distances must be finite and not negative, got nan for point 3"):
        suppress(points, distances, prob, RAYS)


@pytest.mark.parametrize("spread", [0.0, 1.5])
def test_very_many_candidates_in_one_spot(spread):
    rng, rays = np.random.default_rng(7), golden_spiral(16)
    points = rng.normal(0, spread, (1_000_000, 3))
    distances = np.full((1_000_000, 16), 6.0, np.float32)
    began = time.process_time()  # the machine may have other things to do
    result = suppress(points, distances, np.full(1_000_000, 0.5), rays)
    assert time.process_time() - began < 10  # a quadratic search would take hours
    assert 1 <= result.survivors < 20


def part_by_part(points, distances, prob, *, size, threshold):
    """Suppress cube by cube, each seeing its neighbourhood only, again and again until all is decided."""
    boxes = bounding_boxes(points, distances, RAYS)
    cube = np.unique(points // size, axis=0, return_inverse=True)[1]
    status = np.full(len(points), UNDECIDED, np.uint8)
    for rounds in range(1, 30):
        for own in range(cube.max() + 1):
            mine = cube == own
            low, high = boxes[mine, 0].min(0), boxes[mine, 1].max(0)
            near = ((boxes[:, 0] <= high) & (boxes[:, 1] >= low)).all(1) & (status != DROPPED)
            rows = np.flatnonzero(near | mine & (status != DROPPED))
            part = (points[rows], distances[rows], prob[rows], RAYS, status[rows], mine[rows])
            status[rows] = suppress_partly(*part, threshold=threshold)
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
    points, distances, prob = scenes.candidates(np.random.default_rng(seed), RAYS, num=500)
    single = np.unique(points, axis=0, return_index=True)[1]
    points, distances, prob = points[single], distances[single], prob[single]
    status, rounds = part_by_part(points, distances, prob, size=size, threshold=threshold)
    want = suppress(points, distances, prob, RAYS, threshold=threshold).kept
    assert np.flatnonzero(status == KEPT).tolist() == sorted(want.tolist())
    assert rounds < 15


def test_without_its_neighbours_a_candidate_can_be_dropped_but_not_kept():
    points = np.array([[0, 0, 0], [0, 0, 1], [0, 0, 2], [0, 0, 40]])
    distances, prob = np.full((4, 64), 5.0, np.float32), np.array([0.9, 0.8, 0.7, 0.6])
    args = (points, distances, prob, RAYS)
    nothing = np.zeros(4, bool)
    assert suppress_partly(*args, np.zeros(4, np.uint8), nothing).tolist() == [UNDECIDED] * 4
    known = np.array([KEPT, UNDECIDED, UNDECIDED, UNDECIDED])
    assert suppress_partly(*args, known, nothing).tolist() == [KEPT, DROPPED, DROPPED, UNDECIDED]
    # The second may yet be kept, so that the third, complete as it is, must wait
    third = np.array([False, False, True, False])
    assert suppress_partly(*args, np.zeros(4, np.uint8), third).tolist() == [UNDECIDED] * 4
