import numpy as np
import pytest
import torch

from anystar.geometry.object_probability import numba, object_probability
from anystar.geometry.object_probability import torch as by_torch
from tests import scenes


@pytest.mark.parametrize("spacing", [(1, 1, 1), (2, 1, 0.65), (0.1, 7, 40)])
@pytest.mark.parametrize("grid", [1, 2])
def test_equals_numba(device, grid, spacing):
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
    got = by_torch.object_probability(torch.tensor(labels, device=device), grid, spacing)
    assert got.dtype == torch.float32
    want = np.stack([numba.object_probability(one, grid, spacing) for one in labels])
    np.testing.assert_allclose(got.cpu().numpy(), want, atol=1e-6 if spacing == (1, 1, 1) else 1e-4)


def test_huge_labels_and_nothing(device):
    values = [[[[0, 5, 5, 2**31 - 1]]], [[[2**31 - 2, 2**31 - 2, 2**31 - 1, 7]]]]
    two, cube = torch.tensor(values, dtype=torch.int32, device=device), (1.0, 1.0, 1.0)
    got = by_torch.object_probability(two, 1, cube)
    np.testing.assert_allclose(got.cpu(), [[[[0, 1, 1, 1]]], [[[1, 0.5, 1, 1]]]], atol=1e-6)
    assert by_torch.object_probability(two[:0], 1, cube).shape == (0, 1, 1, 4)
    assert by_torch.object_probability(two[:, :0], 1, cube).shape == (2, 0, 1, 4)


def test_a_tensor_gives_the_probabilities_of_its_volumes_where_it_is(device):
    labels = scenes.ellipsoids(np.random.default_rng(0))
    got = object_probability(torch.tensor(labels[None], device=device), grid=2, spacing=(2, 1, 1))
    assert got.device.type == device.type
    want = object_probability(labels, grid=2, spacing=(2, 1, 1))
    np.testing.assert_allclose(got[0].cpu().numpy(), want, atol=0 if device.type == "cpu" else 1e-6, rtol=0)
