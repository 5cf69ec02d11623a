import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anystar.geometry.polyhedra import Polyhedra
from anystar.geometry.rasterise import rasterise
from anystar.geometry.rays import golden_spiral
from anystar.geometry.star_distances import star_distances
from tests import reference, scenes

RAYS = golden_spiral(96)


def iou(a, b):
    return (a & b).sum() / (a | b).sum()


def test_agrees_with_a_test_of_every_voxel_in_any_number_of_threads(monkeypatch):
    rng = np.random.default_rng(0)
    points = rng.uniform(-3, 28, (8, 3))
    distances = scenes.smooth_distances(rng, 8, RAYS)
    prob = np.array([0.5, 0.9, 0.1, 0.5, 0.7, 0.2, 0.5, 0.3])
    bodies = Polyhedra(points, distances, RAYS, prob)
    got = rasterise(bodies, (24, 26, 28))
    want = reference.rasterise(points, distances, RAYS, (24, 26, 28), prob)
    assert got.dtype == np.int32
    assert (got == want).mean() > 0.999
    for num_threads in "12":
        monkeypatch.setenv("OMP_NUM_THREADS", num_threads)
        np.testing.assert_array_equal(rasterise(bodies, (24, 26, 28)), got)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000))
def test_returns_convex_objects_from_their_distances(seed):
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    grid = np.moveaxis(np.indices((31, 31, 31)), 0, -1) - 15
    mask = ((grid @ turn / rng.uniform(5.5, 10, 3)) ** 2).sum(-1) <= 1
    distances = star_distances(mask.astype(np.int32), np.array([[15, 15, 15]]), RAYS)
    again = rasterise(Polyhedra(np.array([[15, 15, 15]]), distances, RAYS), mask.shape) > 0
    assert iou(mask, again) > 0.94


def test_higher_probability_then_the_first_wins():
    points = np.array([[5, 5, 4], [5, 5, 6], [5, 5, 8]])
    distances = np.full((3, 96), 2.5)
    bodies = Polyhedra(points, distances, RAYS)
    row = rasterise(bodies.with_prob(np.array([0.1, 0.3, 0.2])), (11, 11, 13))[5, 5]
    assert row.tolist() == [0, 0, 1, 1, 2, 2, 2, 2, 2, 3, 3, 0, 0]
    assert rasterise(bodies, (11, 11, 13))[5, 5].tolist() == [0, 0, 1, 1, 1, 1, 1, 2, 2, 3, 3, 0, 0]


def test_a_body_moved_by_whole_voxels_keeps_its_voxels():
    distances = scenes.smooth_distances(np.random.default_rng(3), 1, RAYS)
    first = rasterise(Polyhedra(np.array([[12.25, 12, 12]]), distances, RAYS), (30, 30, 30))
    second = rasterise(Polyhedra(np.array([[15.25, 14, 13]]), distances, RAYS), (30, 30, 30))
    np.testing.assert_array_equal(first[:27, :28, :29], second[3:, 2:, 1:])


def test_border_outside_and_nothing():
    distances = np.full((2, 96), 4.0)
    volume = rasterise(Polyhedra(np.array([[-2, 5, 5], [5, 5, -50]]), distances, RAYS), (10, 10, 10))
    assert set(np.unique(volume)) == {0, 1}
    assert volume[2:].max() == 1
    assert volume[3:].max() == 0
    assert not rasterise(Polyhedra(np.zeros((0, 3)), np.zeros((0, 96)), RAYS), (3, 4, 5)).any()
    assert rasterise(Polyhedra(np.zeros((1, 3)), np.ones((1, 96)), RAYS), (0, 4, 5)).shape == (0, 4, 5)
    point = Polyhedra(np.ones((1, 3)), np.zeros((1, 96)), RAYS)
    assert rasterise(point, (3, 3, 3)).sum() == 1  # its own voxel


def test_wrong_arguments_are_named():
    bodies = Polyhedra(np.zeros((2, 3)), np.ones((2, 96)), RAYS)
    with pytest.raises(ValueError, match="shape must be three integers"):
        rasterise(bodies, (3, 4))
    with pytest.raises(ValueError, match="shape must be at least 0"):
        rasterise(bodies, (3, -4, 5))
    with pytest.raises(ValueError, match="start must be three integers"):
        rasterise(bodies, (3, 4, 5), start=(0, 0.5, 0))
    with pytest.raises(ValueError, match="spacing must be positive"):
        rasterise(bodies, (3, 4, 5), spacing=(0, 1, 1))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.sampled_from([(1.0, 1.0, 1.0), (3.7, 1.0, 1.3)]))
def test_a_part_is_drawn_as_in_the_whole(seed, spacing):
    rng = np.random.default_rng(seed)
    shape = (24, 30, 28)
    points = rng.uniform(-3, 31, (40, 3)) / spacing
    distances = scenes.smooth_distances(rng, 40, RAYS)
    prob = rng.integers(0, 5, 40) / 5
    bodies = Polyhedra(points, distances, RAYS, prob)
    whole = rasterise(bodies, shape, spacing=spacing)
    start = tuple(int(rng.integers(0, n)) for n in shape)
    stop = tuple(int(rng.integers(a, n + 1)) for a, n in zip(start, shape, strict=True))
    size = tuple(b - a for a, b in zip(start, stop, strict=True))
    part = rasterise(bodies, size, spacing=spacing, start=start)
    box = tuple(slice(a, b) for a, b in zip(start, stop, strict=True))
    np.testing.assert_array_equal(part, whole[box])


def test_anisotropic_voxels_sample_the_cubic_ones():
    rng = np.random.default_rng(0)
    points = rng.uniform(4, 26, (6, 3))
    distances = rng.uniform(3, 6, (6, 1)) * np.ones(96)
    fine = rasterise(Polyhedra(points, distances, RAYS), (30, 30, 30))
    size = (3.0, 2.0, 1.0)
    coarse = rasterise(Polyhedra(points / size, distances, RAYS), (10, 15, 30), spacing=size)
    assert coarse.max() > 0
    assert (coarse == fine[::3, ::2]).mean() > 0.999
