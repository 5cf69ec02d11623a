import numpy as np
import pytest
import torch

from anystar.geometry.rays import golden_spiral
from anystar.geometry.star_distances import numba, star_distances
from anystar.geometry.star_distances import torch as by_torch
from tests import scenes

RAYS = golden_spiral(32)


def batch(shape=(13, 24, 31)):
    rng = np.random.default_rng(2)
    return np.stack([scenes.ellipsoids(rng, shape=shape), scenes.blocks(rng, shape=shape)])


def everywhere(labels, device, rays=RAYS):
    """What torch and what Numba make of all voxels of a batch, two arrays ``(B, Z, Y, X, R)``."""
    points = np.argwhere(np.ones(labels.shape, bool))
    where = torch.tensor(points, device=device)
    got = by_torch.star_distances(torch.tensor(labels, dtype=torch.int32, device=device), where, rays)
    assert got.dtype == torch.float32
    each = np.argwhere(np.ones(labels.shape[1:], bool))
    want = np.stack([numba.star_distances(one, each, rays) for one in labels])
    shape = (*labels.shape, len(rays))
    return got.cpu().numpy().reshape(shape), want.reshape(shape)


def test_equals_numba(device):
    got, want = everywhere(batch(), device)
    error = np.abs(got - want)
    # Rounding decides on which side of a half a share falls where the two are equal.
    assert (error < 1e-4).mean() > 0.9999
    assert error.max() < 0.1


def test_small_chunks_make_no_difference(device, monkeypatch):
    whole, _ = everywhere(batch(), device)
    monkeypatch.setattr(by_torch, "chunk_size", lambda device: 20_000)
    parts, _ = everywhere(batch(), device)
    np.testing.assert_array_equal(parts, whole)


def test_touching_split_tiny_full_and_wide_labels(device):
    labels = np.zeros((3, 9, 9, 20), np.int64)
    labels[0, 2:7, 2:7, 1:6], labels[0, 2:7, 2:7, 6:12] = 1, 2
    labels[0, 4, 4, 15], labels[0, :, :, 18:] = 70_000, 1
    labels[1] = 2**31 - 1
    got, want = everywhere(labels, device)
    np.testing.assert_allclose(got, want, atol=1e-4)
    assert not got[2].any()


def test_a_tensor_gives_the_distances_of_its_volumes_where_it_is(device):
    labels = batch()
    points = np.random.default_rng(0).permutation(np.argwhere(labels))[:300]
    some = star_distances(torch.tensor(labels, device=device), torch.tensor(points, device=device), RAYS)
    assert some.device.type == device.type
    close = 0 if device.type == "cpu" else 1e-3
    for b in range(2):
        mine = points[:, 0] == b
        want = star_distances(labels[b], points[mine, 1:], RAYS)
        np.testing.assert_allclose(some[mine].cpu().numpy(), want, atol=close, rtol=0)
    nothing = torch.zeros((0, 4), dtype=torch.int64, device=device)
    assert star_distances(torch.tensor(labels, device=device), nothing, RAYS).shape == (0, 32)


def test_wrong_arguments_are_named(device):
    labels = torch.ones((1, 4, 4, 4), dtype=torch.int32, device=device)
    point = torch.zeros((1, 4), dtype=torch.int64, device=device)
    with pytest.raises(ValueError, match="four axes"):
        star_distances(labels[0], point, RAYS)
    with pytest.raises(ValueError, match=r"labels must be integers, got torch\.float32"):
        star_distances(labels.float(), point, RAYS)
    with pytest.raises(ValueError, match=r"labels must be 0 to 2\^31 - 1, got -1 to -1"):
        star_distances(-labels, point, RAYS)
    with pytest.raises(ValueError, match="points must lie inside the volumes"):
        star_distances(labels, torch.tensor([[1, 0, 0, 0]], device=device), RAYS)
    with pytest.raises(ValueError, match="points must be integers"):
        star_distances(labels, torch.zeros((1, 4), device=device), RAYS)
