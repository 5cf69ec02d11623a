import numpy as np
import pytest

from anystar.geometry.measures import measure
from anystar.geometry.mesh import template
from anystar.geometry.polyhedra import Polyhedra
from anystar.geometry.rasterise import rasterise
from anystar.geometry.rays import golden_spiral
from tests import scenes

RAYS = golden_spiral(128)


def test_ellipsoid():
    rng = np.random.default_rng(0)
    rays = golden_spiral(512)
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    semi_axes = np.array([9.0, 6.0, 4.0])
    distances = 1 / np.linalg.norm(rays.vertices.astype(float) @ turn / semi_axes, axis=1)
    got = measure(Polyhedra(np.zeros((1, 3)), distances[None], rays))
    assert got.volume[0] == pytest.approx(4 / 3 * np.pi * semi_axes.prod(), rel=0.01)
    p = 1.6075  # Knud Thomsen's formula, within 1.1%
    a, b, c = semi_axes**p
    surface = 4 * np.pi * ((a * b + a * c + b * c) / 3) ** (1 / p)
    assert got.surface[0] == pytest.approx(surface, rel=0.02)


def test_volumes_agree_with_voxels():
    bodies = Polyhedra(
        np.full((4, 3), 25.0),
        scenes.smooth_distances(np.random.default_rng(1), 4, RAYS, radius=(14, 17)),
        RAYS,
    )
    volume = measure(bodies).volume
    for n in range(4):
        assert volume[n] == pytest.approx((rasterise(bodies.take([n]), (52, 52, 52)) > 0).sum(), rel=0.01)


def test_measures_scale_with_size_and_not_with_the_place_or_the_company():
    distances = scenes.smooth_distances(np.random.default_rng(2), 300, RAYS)  # more than are done at once
    one = measure(Polyhedra(np.zeros((300, 3)), distances, RAYS))
    two = measure(Polyhedra(np.full((1, 3), 5.0), 2 * distances[-1:], RAYS))
    assert two.volume[0] == pytest.approx(8 * one.volume[-1], rel=1e-6)
    assert two.surface[0] == pytest.approx(4 * one.surface[-1], rel=1e-6)


def test_the_surface_is_that_of_the_triangles_of_the_mesh():
    distances = np.random.default_rng(3).uniform(0, 9, (40, 128)).astype(np.float32)
    mesh = template(RAYS, 2)
    radii = distances.astype(np.float64) @ mesh.mixture.T
    for body, surface in zip(
        radii, measure(Polyhedra(np.zeros((40, 3)), distances, RAYS)).surface, strict=True
    ):
        a, b, c = (body[:, None] * mesh.directions)[mesh.faces].transpose(1, 0, 2)
        assert surface == pytest.approx(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2, rel=1e-12)


def test_none_and_nothing():
    assert measure(Polyhedra(np.zeros((0, 3)), np.zeros((0, 128)), RAYS)).volume.shape == (0,)
    flat = measure(Polyhedra(np.ones((1, 3)), np.zeros((1, 128)), RAYS))
    assert flat.volume[0] == flat.surface[0] == 0
