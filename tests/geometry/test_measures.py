import numpy as np
import pytest

from anystar.geometry.measures import measure
from anystar.geometry.polyhedra import bounding_boxes
from anystar.geometry.rasterise import rasterise
from anystar.geometry.rays import golden_spiral
from tests.geometry import scenes

RAYS = golden_spiral(128)


def ellipsoid_distances(directions, semi_axes, turn):
    return 1 / np.linalg.norm(directions @ turn / semi_axes, axis=1)


def test_ellipsoid_in_micrometres():
    rng = np.random.default_rng(0)
    rays = golden_spiral(512)
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    semi_axes = np.array([9.0, 6.0, 4.0])
    distances = ellipsoid_distances(rays.vertices.astype(float), semi_axes, turn)[None]
    got = measure(np.array([[10, 20, 30]]), distances, rays, spacing=(0.5, 0.5, 0.5))
    assert got.volume[0] == pytest.approx(4 / 3 * np.pi * semi_axes.prod() / 8, rel=0.01)
    p = 1.6075  # Knud Thomsen's formula, within 1.1%
    a, b, c = (semi_axes / 2) ** p
    surface = 4 * np.pi * ((a * b + a * c + b * c) / 3) ** (1 / p)
    assert got.surface[0] == pytest.approx(surface, rel=0.02)
    np.testing.assert_allclose(got.centroid[0], [5, 10, 15], atol=0.01)
    np.testing.assert_allclose(got.semi_axes[0], semi_axes / 2, rtol=0.01)
    np.testing.assert_allclose(np.abs((got.axes[0] * turn.T).sum(axis=1)), 1, atol=0.01)
    extent = np.sqrt(((turn * semi_axes / 2) ** 2).sum(axis=1))
    middle = np.array([5, 10, 15])
    np.testing.assert_allclose(got.box[0], [middle - extent, middle + extent], atol=0.08)


def test_agrees_with_voxels():
    rng = np.random.default_rng(1)
    distances = scenes.smooth_distances(rng, 4, RAYS, radius=(14, 17))
    points = np.full((4, 3), 25.0)
    spacing = (2.0, 1.0, 0.5)
    got = measure(points, distances, RAYS, spacing=spacing)
    loose = bounding_boxes(points, distances, RAYS) * np.array(spacing)
    for n in range(4):
        voxels = np.argwhere(rasterise(points[n : n + 1], distances[n : n + 1], RAYS, (52, 52, 52)))
        places = voxels * np.array(spacing)
        assert got.volume[n] == pytest.approx(len(voxels), rel=0.01)
        np.testing.assert_allclose(got.centroid[n], places.mean(axis=0), atol=0.15)
        variance = np.linalg.eigvalsh(np.cov(places.T))
        np.testing.assert_allclose(got.semi_axes[n], np.sqrt(5 * variance[::-1]), rtol=0.02)
        assert (places.min(axis=0) >= got.box[n, 0] - 0.1).all()
        assert (places.max(axis=0) <= got.box[n, 1] + 0.1).all()
        assert (loose[n, 0] <= got.box[n, 0] + 1e-4).all()
        assert (loose[n, 1] >= got.box[n, 1] - 1e-4).all()


def test_measures_scale_with_size_and_move_with_the_centre():
    distances = scenes.smooth_distances(np.random.default_rng(2), 1, RAYS)
    one = measure(np.zeros((1, 3)), distances, RAYS)
    two = measure(np.full((1, 3), 5.0), 2 * distances, RAYS)
    assert two.volume[0] == pytest.approx(8 * one.volume[0], rel=1e-6)
    assert two.surface[0] == pytest.approx(4 * one.surface[0], rel=1e-6)
    np.testing.assert_allclose(two.centroid, 2 * one.centroid + 5, atol=1e-5)


def test_none_and_nothing():
    empty = measure(np.zeros((0, 3)), np.zeros((0, 128)), RAYS)
    assert empty.volume.shape == (0,)
    assert empty.axes.shape == (0, 3, 3)
    flat = measure(np.ones((1, 3)), np.zeros((1, 128)), RAYS)
    assert flat.volume[0] == flat.surface[0] == 0
    np.testing.assert_array_equal(flat.centroid, [[1, 1, 1]])
    with pytest.raises(ValueError, match="spacing must be positive"):
        measure(np.ones((1, 3)), np.ones((1, 128)), RAYS, spacing=(0, 1, 1))
