"""The paper's intensities: a Gaussian mixture over instances, a texture, three backgrounds."""

import numpy as np
import pytest
import torch

from anystar.synth.fields import lattice, sample
from anystar.synth.mixture import Mixture, MixtureDrawn, paint_mixture, warped_regions
from anystar.synth.objects import Owner
from anystar.synth.streams import Streams

SHAPE, NUM = (32, 32, 32), 8
NOISE = (2 / 3) ** 1.5  # what linear resampling leaves of white noise's deviation


@pytest.fixture(scope="module")
def painted():
    """Eight cubes without background, many samples; intensities divided by the texture."""
    streams = Streams(0, range(40))
    z, y, x = (torch.arange(32) // 16,) * 3
    key = (z[:, None, None] * 4 + y[:, None] * 2 + x + 1).expand(40, -1, -1, -1)
    owner = Owner(index_BZYX=key - 1, depth_BZYX=torch.full(key.shape, 5.0))
    drawn = [MixtureDrawn(kind="random", background_mean=(0.0,), background_deviation=(0.0,))] * 40
    scaled = lattice(SHAPE, "cpu").expand(40, -1, -1, -1, -1)
    image = paint_mixture(Mixture(), drawn, owner, key, scaled, 32, [NUM + 1] * 40, streams)[:, 0]
    tables = streams.uniform("instances", (NUM + 1, 2)).double().numpy()
    noise = streams.normal("voxels", SHAPE) * NOISE
    return image.double().numpy(), key.numpy(), tables, noise.double().numpy()


def test_every_instance_has_its_component_of_the_mixture(painted):
    image, key, tables, noise = painted
    for row in range(5):
        mean, deviation = 25 + 200 * tables[row, :, 0], 5 + 20 * tables[row, :, 1]
        texture = image[row] / (mean[key[row]] + deviation[key[row]] * noise[row])
        assert texture.min() > -1e-3
        assert texture.max() < 1 + 1e-3
        borders = np.abs(np.diff(texture, axis=0))  # a texture does not know where instances end
        assert borders[15].mean() < 2 * borders.mean()


def test_moments_of_the_mixture(painted):
    _, _, tables, noise = painted
    mean, deviation = 25 + 200 * tables[:, 1:, 0], 5 + 20 * tables[:, 1:, 1]
    assert mean.mean() == pytest.approx(125, abs=4 * 200 / np.sqrt(12 * 40 * NUM))
    assert mean.std() == pytest.approx(200 / np.sqrt(12), rel=0.1)
    assert deviation.mean() == pytest.approx(15, abs=4 * 20 / np.sqrt(12 * 40 * NUM))
    assert (mean.min() >= 25) & (mean.max() <= 225) & (deviation.min() >= 5) & (deviation.max() <= 25)
    assert noise.std() == pytest.approx(NOISE, rel=0.01)
    assert np.abs(noise.mean()) < 0.01


def test_what_linear_resampling_leaves_of_white_noise():
    """Linear interpolation at places of any phase keeps (2/3)^1.5 of the deviation, on average."""
    rng = np.random.default_rng(0)
    noise = torch.from_numpy(rng.normal(size=(1, 1, 64, 64, 64)).astype(np.float32))
    places = torch.from_numpy(rng.uniform(1, 62, (1, 40, 40, 40, 3)).astype(np.float32))
    assert float(sample(noise, places).std()) == pytest.approx(NOISE, rel=0.02)


def test_plain_backgrounds_are_darker_than_the_darkest_object():
    rngs = Streams(0, range(200)).scalars("image")
    drawn = [Mixture(backgrounds=("plain",)).draw(rng) for rng in rngs]
    level = np.array([d.background_mean[0] for d in drawn])
    assert (level.min() >= 0) & (level.max() <= 1)
    assert level.mean() == pytest.approx(0.5, abs=0.08)
    assert max(d.background_deviation[0] for d in drawn) <= 5


def test_perlin_backgrounds_have_one_to_twenty_regions():
    rngs = Streams(0, range(400)).scalars("image")
    drawn = [Mixture(backgrounds=("perlin",)).draw(rng) for rng in rngs]
    assert {len(d.background_mean) for d in drawn} == set(range(1, 21))
    means = np.concatenate([d.background_mean for d in drawn])
    assert means.mean() == pytest.approx(125, abs=5)
    scaled = lattice((48, 48, 48), "cpu")[None]
    region = warped_regions(Mixture(), [5], [0], scaled, 128, Streams(3, [0]))[0]
    shares = np.bincount(region.flatten().numpy(), minlength=5) / region.numel()
    assert len(shares) == 5
    assert (shares > 0).sum() >= 2
    same = (region[1:] == region[:-1]).float().mean()
    assert same > 0.9, "regions are large"
