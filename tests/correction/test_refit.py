"""Polyhedra fitted to masks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anystar.correction.refit import fit_polyhedron, interpolate_planes
from anystar.geometry.polyhedra import Polyhedra
from anystar.geometry.rasterise import rasterise
from anystar.geometry.rays import golden_spiral

RAYS = golden_spiral(96)


def overlap(one, other):
    return np.count_nonzero(one & other) / np.count_nonzero(one | other)


@given(st.floats(3, 9), st.sampled_from([(1.0, 1.0, 1.0), (3.0, 1.0, 1.0), (1.0, 2.0, 1.0)]))
@settings(max_examples=20)
def test_a_ball_is_fitted_by_its_radius(radius, aspect):
    shape = tuple(int(np.ceil(24 / edge)) for edge in aspect)
    middle = (np.array(shape) - 1) / 2
    grid = (np.moveaxis(np.indices(shape), 0, -1) - middle) * np.array(aspect)
    mask = np.linalg.norm(grid, axis=-1) <= radius
    fitted = fit_polyhedron(mask, RAYS, aspect=aspect)
    np.testing.assert_allclose(fitted.points[0], middle, atol=0.5)
    assert abs(np.median(fitted.distances) - radius) < max(1, max(aspect) / 2)
    drawn = rasterise(fitted, shape, spacing=aspect) > 0
    assert overlap(drawn, mask) > 0.7


def test_a_polyhedron_is_found_again():
    distances = 8 + 2 * RAYS.vertices[:, 1]
    body = Polyhedra(np.array([[15.0, 15, 15]]), distances[None], RAYS)
    mask = rasterise(body, (31, 31, 31)) > 0
    assert overlap(rasterise(fit_polyhedron(mask, RAYS, aspect=(1, 1, 1)), mask.shape) > 0, mask) > 0.9


def test_a_centre_outside_of_the_object_moves_into_it():
    ring = np.zeros((3, 21, 21), bool)
    away = np.hypot(*(np.indices((21, 21)) - 10))
    ring[:] = (away > 6) & (away < 10)
    z, y, x = np.round(fit_polyhedron(ring, RAYS, aspect=(1, 1, 1)).points[0]).astype(int)
    assert ring[z, y, x]


def test_planes_that_were_left_out_are_interpolated():
    ball = np.linalg.norm(np.indices((21, 21, 21)) - 10, axis=0) <= 8
    sketch = ball.copy()
    sketch[np.arange(21) % 3 != 1] = False
    filled = interpolate_planes(sketch, (1, 1, 1))
    np.testing.assert_array_equal(filled[sketch], True)
    assert overlap(filled, ball) > 0.85
    drawn = rasterise(fit_polyhedron(sketch, RAYS, aspect=(1, 1, 1), complete=True), ball.shape) > 0
    assert overlap(drawn, ball) > 0.85


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_one_outline_becomes_as_thick_as_it_is_wide(axis):
    mask = np.linalg.norm(np.indices((21, 21, 21)) - 10, axis=0) <= 8
    flat = np.zeros_like(mask)
    chosen = tuple(10 if i == axis else slice(None) for i in range(3))
    flat[chosen] = mask[chosen]
    drawn = rasterise(fit_polyhedron(flat, RAYS, aspect=(1, 1, 1), complete=True), mask.shape) > 0
    assert overlap(drawn, mask) > 0.9
    assert fit_polyhedron(flat, RAYS, aspect=(1, 1, 1)).distances.min() < 0.7  # not a sketch: flat


def test_a_single_voxel_is_an_object():
    fitted = fit_polyhedron(np.ones((1, 1, 1), bool), RAYS, aspect=(4, 1, 1), complete=True)
    assert np.isfinite(fitted.distances).all()
    assert (fitted.distances >= 0.5).all()
