import numpy as np
import pytest
import torch
from scipy.ndimage import map_coordinates

from anystar.synth.fields import lattice, perlin, perlin_gradients, sample, smooth_noise, upsample_sum
from anystar.synth.streams import Streams


def literal_perlin(gradients, num):
    """Return gradient noise voxel by voxel, corner by corner (Perlin 2002)."""
    cells = gradients.shape[-1] - 1
    out = np.zeros((num,) * 3)
    for index in np.ndindex(out.shape):
        position = np.array(index) * cells / num
        base = position.astype(int)
        for corner in np.ndindex(2, 2, 2):
            node = base + corner
            offset = position - node
            t = 1 - np.abs(offset)
            weight = np.prod(6 * t**5 - 15 * t**4 + 10 * t**3)
            out[index] += weight * gradients[(slice(None), *node)] @ offset
    return out


def test_perlin_equals_the_literal_definition():
    gradients = perlin_gradients(Streams(0, [3]).fields("p"), 3, "cpu")
    assert np.allclose(perlin(gradients, 12)[0], literal_perlin(gradients[0].numpy(), 12), atol=1e-5)


def test_perlin_vanishes_at_nodes_and_has_zero_mean():
    values = perlin(perlin_gradients(Streams(0, range(20)).fields("p"), 8, "cpu"), 32)
    assert values[:, ::4, ::4, ::4].abs().max() < 1e-6
    assert abs(float(values.mean())) < 0.01
    assert 0.15 < float(values.std()) < 0.25


def test_perlin_has_no_power_beyond_its_lattice():
    values = perlin(perlin_gradients(Streams(0, range(8)).fields("p"), 4, "cpu"), 64)
    power = torch.fft.rfftn(values, dim=(1, 2, 3)).abs().square().sum((0, 1, 2))
    assert power[:9].sum() / power.sum() > 0.97


@pytest.mark.parametrize("zeros", [False, True])
def test_sample_equals_scipy(zeros):
    rng = np.random.default_rng(0)
    field = torch.from_numpy(rng.random((1, 2, 5, 6, 7), np.float32))
    coords = torch.from_numpy(rng.uniform(0, 4, (1, 3, 3, 3, 3)).astype(np.float32))
    ours = sample(field, coords, zeros=zeros)[0]
    for channel in range(2):
        theirs = map_coordinates(field[0, channel], np.moveaxis(coords[0].numpy(), -1, 0), order=1)
        assert np.allclose(ours[channel], theirs, atol=1e-5)


def test_sampling_the_lattice_returns_the_field():
    field = torch.rand(1, 1, 4, 5, 6, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(sample(field, lattice((4, 5, 6), "cpu")[None]), field, atol=1e-6)


def test_smooth_noise_has_the_stated_grain():
    lattices = smooth_noise(Streams(0, range(200)), "t", extent=32, scales=(8,), deviation=3.0)
    assert lattices[0].shape == (200, 4, 4, 4)
    assert abs(float(lattices[0].std()) - 3) < 0.1
    fine = upsample_sum(lattices, 32)
    assert torch.allclose(fine[..., ::31, ::31, ::31], lattices[0][..., ::3, ::3, ::3], atol=1e-5)


def test_perlin_of_a_flat_box_is_that_of_its_nodes():
    gradients = perlin_gradients(Streams(0, range(1)).fields("p"), (2, 5, 3), "cpu")
    cube = torch.zeros(1, 3, 6, 6, 6)
    cube[:, :, :3, :, :4] = gradients
    flat = perlin(gradients, (7, 20, 12), step=0.25)
    assert torch.allclose(flat, perlin(cube, 20)[:, :7, :, :12], atol=1e-5)
