import numpy as np
import pytest
import torch

from anystar.geometry.object_probability import numba as by_numba
from anystar.geometry.object_probability import object_probability
from tests.geometry import scenes


@pytest.mark.parametrize("anisotropy", [(1, 1, 1), (2, 1, 0.65), (0.1, 7, 40)])
@pytest.mark.parametrize("grid", [1, 2])
def test_equals_numba(device, grid, anisotropy):
    rng = np.random.default_rng(0)
    shape = (19, 22, 37)
    labels = np.stack(
        [
            scenes.ellipsoids(rng, shape=shape),
            scenes.blocks(rng, shape=shape, num=9),
            np.full(shape, 3),  # fills its volume
            np.zeros(shape, int),
            np.arange(np.prod(shape)).reshape(shape),
        ]
    ).astype(np.int32)
    labels[1, :10] = 4  # a slab without a boundary along two axes
    got = object_probability(torch.tensor(labels, device=device), grid=grid, anisotropy=anisotropy)
    assert got.dtype == torch.float32
    want = np.stack([by_numba.object_probability(one, grid=grid, anisotropy=anisotropy) for one in labels])
    np.testing.assert_allclose(got.cpu().numpy(), want, atol=1e-6 if anisotropy == (1, 1, 1) else 1e-4)


def test_huge_labels_and_nothing(device):
    two = torch.tensor([[[[0, 5, 5, 2**31 - 1]]], [[[2**31 - 2, 2**31 - 2, 2**31 - 1, 7]]]], device=device)
    got = object_probability(two)
    np.testing.assert_allclose(got.cpu(), [[[[0, 1, 1, 1]]], [[[1, 0.5, 1, 1]]]], atol=1e-6)
    assert object_probability(two[:0]).shape == (0, 1, 1, 4)
    assert object_probability(two[:, :0]).shape == (2, 0, 1, 4)


def test_a_tensor_on_the_host_goes_through_numba():
    labels = scenes.ellipsoids(np.random.default_rng(0))
    got = object_probability(torch.tensor(labels[None]), grid=2, anisotropy=(2, 1, 1))
    want = by_numba.object_probability(labels, grid=2, anisotropy=(2, 1, 1))
    np.testing.assert_array_equal(got[0].numpy(), want)
