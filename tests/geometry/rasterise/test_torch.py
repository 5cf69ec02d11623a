import numpy as np
import pytest

from anystar.geometry.polyhedra import Polyhedra
from anystar.geometry.rasterise import numba, rasterise
from anystar.geometry.rasterise import torch as by_torch
from anystar.geometry.rays import golden_spiral
from tests import scenes

RAYS = golden_spiral(96)
SHAPE = (24, 26, 28)


def bodies(num=12):
    rng = np.random.default_rng(0)
    points = rng.uniform(-3, 28, (num, 3))
    prob = rng.integers(0, 4, num) / 4  # with ties
    return Polyhedra(points, scenes.smooth_distances(rng, num, RAYS), RAYS, prob)


def drawn(device, some, shape, *, spacing=(1.0, 1.0, 1.0), start=(0, 0, 0)):
    return by_torch.rasterise(some, shape, spacing, start, device)


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (3.0, 2.0, 1.0)])
def test_equals_numba(device, monkeypatch, spacing):
    monkeypatch.setattr(by_torch, "chunk_size", lambda device: 5000)
    some = bodies()
    some.points[11] = 400  # outside
    want = numba.rasterise(some, SHAPE, spacing, (0, 0, 0))
    got = drawn(device, some, SHAPE, spacing=spacing)
    assert got.dtype == np.int32
    assert len(np.unique(want)) > 8
    assert (got != want).sum() <= 2  # a centre just on the surface


def test_a_part_is_drawn_as_in_the_whole(device):
    whole = drawn(device, bodies(), SHAPE)
    part = drawn(device, bodies(), (9, 20, 11), start=(8, 3, 17))
    assert len(np.unique(part)) > 3
    np.testing.assert_array_equal(part, whole[8:17, 3:23, 17:28])


def test_nothing_to_draw_and_nowhere(device):
    assert not drawn(device, bodies(0), (3, 4, 5)).any()
    point = Polyhedra(np.ones((1, 3)), np.ones((1, 96)), RAYS)
    assert drawn(device, point, (0, 4, 5)).shape == (0, 4, 5)
    assert (
        drawn(device, Polyhedra(point.points, 0 * point.distances, RAYS), (3, 3, 3)).sum() == 1
    )  # its own voxel
    outside = Polyhedra(point.points - 9, point.distances, RAYS)
    assert not drawn(device, outside, (3, 3, 3)).any()


def test_the_device_makes_no_difference(device):
    got = rasterise(bodies(), SHAPE, device=device)
    assert (got != rasterise(bodies(), SHAPE)).sum() <= (0 if device.type == "cpu" else 2)
