import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anystar.geometry.polyhedra import Polyhedra
from anystar.geometry.rays import golden_spiral
from tests import reference, scenes

RAYS = golden_spiral(8)


def some(num=5, seed=0):
    rng = np.random.default_rng(seed)
    points = rng.uniform(0, 30, (num, 3)).astype(np.float32)
    return Polyhedra(points, rng.uniform(1, 9, (num, 8)), RAYS, rng.uniform(0, 1, num).astype(np.float32))


def same(one, other):
    for name in ("points", "distances", "prob"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_wrong_values_are_named():
    good, points = np.ones((3, 8)), np.zeros((3, 3))
    with pytest.raises(ValueError, match="points must have shape"):
        Polyhedra(np.zeros(3), good, RAYS)
    with pytest.raises(ValueError, match="distances must have shape \\(3, 8\\), got \\(3, 7\\)"):
        Polyhedra(points, good[:, :7], RAYS)
    with pytest.raises(ValueError, match="points must be finite"):
        Polyhedra(np.full((3, 3), np.nan), good, RAYS)
    for value in (np.nan, np.inf, -1):
        bad = good.copy()
        bad[1, 4] = value
        with pytest.raises(ValueError, match=r"finite and not negative, got .* for point 1"):
            Polyhedra(points, bad, RAYS)
    for prob in (np.ones(2), np.full(3, np.nan), np.ones((3, 1))):
        with pytest.raises(ValueError, match="prob must be finite and of shape \\(3,\\)"):
            Polyhedra(points, good, RAYS, prob)
        with pytest.raises(ValueError, match="prob must be finite and of shape \\(3,\\)"):
            Polyhedra(points, good, RAYS).with_prob(prob)
    with pytest.raises(ValueError, match="must have probabilities; give prob"):
        _ = Polyhedra(points, good, RAYS).probabilities


def test_single_and_double_precision_are_kept_and_integers_become_double():
    whole = Polyhedra(np.zeros((2, 3), np.int32), np.ones((2, 8), np.float64), RAYS, np.array([1, 0]))
    assert [a.dtype for a in (whole.points, whole.distances, whole.prob)] == [
        np.float64,
        np.float32,
        np.float64,
    ]
    assert [a.dtype for a in (some().points, some().prob)] == [np.float32, np.float32]


@given(st.lists(st.integers(0, 4)))
def test_rows_taken_one_by_one_and_joined_are_the_rows_taken(rows):
    whole, rows = some(), np.array(rows, int)
    taken = whole.take(rows)
    assert len(taken) == len(rows)
    joined = Polyhedra.joined([whole.take(np.zeros(0, int)), *(whole.take(np.array([row])) for row in rows)])
    same(joined, taken)
    same(whole.take(np.isin(np.arange(5), rows)), whole.take(np.unique(rows)))


def test_scaled_there_and_back_and_drawn_in_the_voxels_that_it_was_scaled_to():
    one = some()
    back = one.scaled(2.0).scaled(0.5)
    np.testing.assert_allclose(back.points, one.points, atol=1e-5)
    np.testing.assert_array_equal(back.distances, one.distances)
    np.testing.assert_allclose(one.scaled(2.0).points, one.on_voxels((0.5,) * 3).points, atol=1e-5)
    np.testing.assert_array_equal(one.on_voxels((3, 2, 1)).distances, one.distances)


def test_bounding_boxes_contain_the_bodies():
    rng, rays = np.random.default_rng(1), golden_spiral(32)
    bodies = Polyhedra(rng.uniform(0, 9, (6, 3)), scenes.smooth_distances(rng, 6, rays), rays)
    offsets = rng.uniform(-12, 12, (6_000, 3))
    for point, distances, (low, high) in zip(
        bodies.points, bodies.distances, bodies.bounding_boxes(), strict=True
    ):
        held = point + offsets[reference.is_inside(offsets, distances, rays)]
        assert (held >= low).all()
        assert (held <= high).all()
        assert (high - low <= 2 * distances.max() + 1e-3).all()
