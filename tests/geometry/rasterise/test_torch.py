import numpy as np
import pytest
import torch

from anystar.geometry.rasterise import numba as by_numba
from anystar.geometry.rasterise import rasterise
from anystar.geometry.rasterise import torch as raster
from anystar.geometry.rays import golden_spiral
from tests.geometry import scenes

RAYS = golden_spiral(96)
SHAPE = (24, 26, 28)


def bodies(num=12):
    rng = np.random.default_rng(0)
    points = rng.uniform(-3, 28, (num, 3))
    prob = rng.integers(0, 4, num) / 4  # with ties
    return points, scenes.smooth_distances(rng, num, RAYS), prob


@pytest.mark.parametrize("voxel_size", [(1.0, 1.0, 1.0), (3.0, 2.0, 1.0)])
def test_equals_numba(device, monkeypatch, voxel_size):
    monkeypatch.setattr(raster, "chunk_size", lambda device: 5000)
    points, distances, prob = bodies()
    points[11] = 400  # outside
    labels = np.random.default_rng(1).permutation(12) * 1000 + 70_000
    want = by_numba.rasterise(points, distances, RAYS, SHAPE, prob=prob, labels=labels, voxel_size=voxel_size)
    got = rasterise(
        torch.tensor(points, device=device),
        torch.tensor(distances, device=device),
        RAYS,
        SHAPE,
        prob=torch.tensor(prob, device=device),
        labels=torch.tensor(labels, device=device),
        voxel_size=voxel_size,
    )
    assert got.dtype == torch.int32
    assert len(np.unique(want)) > 8
    assert (got.cpu().numpy() != want).sum() <= 2  # a centre just on the surface


def test_a_part_is_drawn_as_in_the_whole(device):
    points, distances, prob = (torch.tensor(a, device=device) for a in bodies())
    whole = rasterise(points, distances, RAYS, SHAPE, prob=prob)
    part = rasterise(points, distances, RAYS, (9, 20, 11), prob=prob, start=(8, 3, 17))
    assert part.unique().numel() > 3
    assert torch.equal(part, whole[8:17, 3:23, 17:28])
    with pytest.raises(ValueError, match="start must be three integers"):
        rasterise(points, distances, RAYS, SHAPE, start=(0, 0.5, 0))


def test_nothing_to_draw_and_nowhere(device):
    none = torch.zeros((0, 3), device=device), torch.zeros((0, 96), device=device)
    assert not rasterise(*none, RAYS, (3, 4, 5)).any()
    point, distances = torch.ones((1, 3), device=device), torch.ones((1, 96), device=device)
    assert rasterise(point, distances, RAYS, (0, 4, 5)).shape == (0, 4, 5)
    assert rasterise(point, 0 * distances, RAYS, (3, 3, 3)).sum() == 1  # its own voxel
    assert not rasterise(point - 9, distances, RAYS, (3, 3, 3)).any()


def test_wrong_arguments_are_named(device):
    points, distances = torch.zeros((2, 3), device=device), torch.ones((2, 96), device=device)
    with pytest.raises(ValueError, match="shape must be three integers"):
        rasterise(points, distances, RAYS, (3, 4))
    with pytest.raises(ValueError, match="labels must be 1 to 2\\^31 - 1, got 0 to 1"):
        rasterise(points, distances, RAYS, (3, 4, 5), labels=torch.tensor([0, 1], device=device))
    with pytest.raises(ValueError, match="labels must be integers of shape \\(2,\\)"):
        rasterise(points, distances, RAYS, (3, 4, 5), labels=torch.ones(2, device=device))
    with pytest.raises(ValueError, match="prob must be numbers of shape \\(2,\\)"):
        rasterise(points, distances, RAYS, (3, 4, 5), prob=torch.ones(3, device=device))


def test_a_tensor_on_the_host_goes_through_numba():
    points, distances, prob = bodies()
    got = rasterise(*(torch.tensor(a) for a in (points, distances)), RAYS, SHAPE, prob=torch.tensor(prob))
    np.testing.assert_array_equal(got.numpy(), by_numba.rasterise(points, distances, RAYS, SHAPE, prob=prob))
