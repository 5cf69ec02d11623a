import numpy as np
import pytest
import torch

from anystar.geometry.rays import golden_spiral
from anystar.geometry.star_distances import numba as by_numba
from anystar.geometry.star_distances import star_distances_at
from anystar.geometry.star_distances import torch as distances
from anystar.geometry.star_distances.torch import star_distances
from tests.geometry import scenes

RAYS = golden_spiral(32)


def batch(shape=(13, 24, 31)):
    rng = np.random.default_rng(2)
    return np.stack([scenes.ellipsoids(rng, shape=shape), scenes.blocks(rng, shape=shape)])


@pytest.mark.parametrize("grid", [1, 2])
def test_equals_numba(device, grid):
    labels = batch()
    got = star_distances(torch.tensor(labels, device=device), RAYS, grid=grid)
    assert got.dtype == torch.float32
    want = np.stack([by_numba.star_distances(one, RAYS, grid=grid) for one in labels])
    assert got.shape == want.shape
    error = np.abs(got.cpu().numpy() - want)
    # Rounding decides on which side of a half a share falls where the two are equal.
    assert (error < 1e-4).mean() > 0.9999
    assert error.max() < 0.1


def test_half_precision_memory_and_small_chunks(device, monkeypatch):
    labels = torch.tensor(batch(), device=device)
    full = star_distances(labels, RAYS)
    monkeypatch.setattr(distances, "chunk_size", lambda device: 20_000)
    half = star_distances(labels, RAYS, dtype=torch.float16)
    torch.testing.assert_close(half, full.half(), rtol=0, atol=0)


def test_some_voxels_of_a_batch(device):
    labels = torch.tensor(batch(), device=device)
    everywhere = star_distances(labels, RAYS)
    points = torch.tensor([[1, 3, 7, 9], [0, 0, 0, 0], [0, 12, 23, 30], [1, 6, 11, 15]], device=device)
    got = star_distances_at(labels, points, RAYS)
    torch.testing.assert_close(got, everywhere[points.unbind(1)], rtol=0, atol=0)
    assert star_distances_at(labels, points[:0], RAYS).shape == (0, 32)
    assert star_distances(labels[:0], RAYS).shape == (0, 13, 24, 31, 32)


def test_touching_split_tiny_full_and_wide_labels(device):
    labels = np.zeros((3, 9, 9, 20), np.int64)
    labels[0, 2:7, 2:7, 1:6], labels[0, 2:7, 2:7, 6:12] = 1, 2
    labels[0, 4, 4, 15], labels[0, :, :, 18:] = 70_000, 1
    labels[1] = 2**31 - 1
    want = np.stack([by_numba.star_distances(one, RAYS) for one in labels])
    got = star_distances(torch.tensor(labels, device=device), RAYS)
    np.testing.assert_allclose(got.cpu().numpy(), want, atol=1e-4)
    assert not got[2].any()


def test_a_tensor_on_the_host_goes_through_numba():
    labels = batch()
    got = star_distances(torch.tensor(labels), RAYS, grid=2, dtype=torch.float16)
    want = np.stack([by_numba.star_distances(one, RAYS, grid=2, dtype=np.float16) for one in labels])
    np.testing.assert_array_equal(got.numpy(), want)
    points = np.argwhere(labels)[::50]
    some = star_distances_at(torch.tensor(labels), torch.tensor(points), RAYS)
    for row, (b, *at) in zip(some.numpy(), points.tolist(), strict=True):
        np.testing.assert_array_equal(row, by_numba.star_distances_at(labels[b], np.array([at]), RAYS)[0])


def test_wrong_arguments_are_named(device):
    labels = torch.ones((1, 4, 4, 4), dtype=torch.int32, device=device)
    with pytest.raises(ValueError, match="four axes"):
        star_distances(labels[0], RAYS)
    with pytest.raises(ValueError, match=r"labels must be integers, got torch\.float32"):
        star_distances(labels.float(), RAYS)
    with pytest.raises(ValueError, match=r"labels must be 0 to 2\^31 - 1, got -1 to -1"):
        star_distances(-labels, RAYS)
    with pytest.raises(ValueError, match="grid must be at least 1, got 0"):
        star_distances(labels, RAYS, grid=0)
    with pytest.raises(ValueError, match="dtype must be float32 or float16"):
        star_distances(labels, RAYS, dtype=torch.float64)
    with pytest.raises(ValueError, match="points must lie inside the volumes"):
        star_distances_at(labels, torch.tensor([[1, 0, 0, 0]], device=device), RAYS)
    with pytest.raises(ValueError, match="points must be integers"):
        star_distances_at(labels, torch.zeros((1, 4), device=device), RAYS)
