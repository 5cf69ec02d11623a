"""Each augmentation equals MONAI's for the same draws, where MONAI has it; every difference is stated.

MONAI is what the paper's sequence is made of. Our draws are put into its transforms.
"""

import numpy as np
import pytest
import torch
from monai import transforms as monai

from anystar.synth.augment import blur, cutout, kspace, noise, shading
from anystar.synth.augment.base import rescale
from anystar.synth.streams import Streams

EVEN = torch.from_numpy(np.random.default_rng(0).random((2, 1, 16, 20, 24), np.float32))
ODD = torch.from_numpy(np.random.default_rng(1).random((2, 1, 15, 21, 25), np.float32))
STREAMS = Streams(0, [0, 1])
ROWS = [0, 1]


class Replay:
    """Gives out prepared numbers in the place of a transform's random state."""

    def __init__(self, *fields):
        self.fields = list(fields)

    def normal(self, mean, deviation, size):
        return mean + deviation * self.fields.pop(0).numpy().reshape(size)


def applied(stage, drawn, image):
    return stage.apply(image, drawn, STREAMS, ROWS)


def theirs(transform, image, **how):
    return torch.stack([torch.as_tensor(np.asarray(transform(one.clone(), **how))) for one in image])


def always(transform):
    transform._do_transform = True
    return transform


def test_rescale():
    assert torch.allclose(rescale(EVEN * 7 - 3), theirs(monai.ScaleIntensity(0, 1), EVEN * 7 - 3), atol=1e-6)


def test_bias_field():
    drawn = [shading.BiasField().draw(rng) for rng in STREAMS.scalars("b")]
    ours = applied(shading.BiasField(), drawn, EVEN)
    for row, d in enumerate(drawn):
        transform = always(monai.RandBiasField(degree=3))
        transform._coeff = list(d.coefficients)
        assert torch.allclose(ours[row], theirs(transform, EVEN, randomize=False)[row], atol=1e-5)


def test_gaussian_noise():
    ours = applied(noise.GaussianNoise(), [noise.DeviationDrawn(deviation=0.07)] * 2, EVEN)
    for row in ROWS:
        transform = always(monai.RandGaussianNoise())
        transform.noise = 0.07 * STREAMS.normal("gaussian-noise", EVEN.shape[1:])[row].numpy()
        assert torch.allclose(ours[row], theirs(transform, EVEN, randomize=False)[row], atol=1e-6)


def test_rician_noise():
    ours = applied(noise.RicianNoise(), [noise.DeviationDrawn(deviation=0.04)] * 2, EVEN)
    for row in ROWS:
        fields = [STREAMS.normal(f"rician-{part}", EVEN.shape[1:])[row] for part in "ri"]
        transform = always(monai.RandRicianNoise(std=0.04, sample_std=False))
        transform.R = Replay(*fields)
        expected = torch.as_tensor(np.asarray(transform(EVEN[row], randomize=False)))
        assert torch.allclose(ours[row], expected, atol=1e-6)


@pytest.mark.parametrize("image", [EVEN, ODD], ids=["even", "odd"])
def test_spike(image):
    shape = image.shape[2:]
    location = (0.2, 0.61, 0.9)
    ours = applied(kspace.KSpaceSpike(), [kspace.KSpaceSpikeDrawn(location=location, factor=2.5)] * 2, image)
    shifted = tuple((int(p * n) + n // 2) % n for p, n in zip(location, shape, strict=True))
    for row in ROWS:
        level = np.log(np.abs(np.fft.fftn(image[row, 0].numpy())) + 1e-10).mean()
        expected = theirs(monai.KSpaceSpikeNoise(shifted, float(2.5 * level)), image)[row]
        assert torch.allclose(ours[row], expected, atol=1e-4)


def test_gamma():
    image = EVEN * 3 - 1
    ours = applied(shading.Gamma(), [shading.GammaDrawn(gamma=g) for g in (0.5, 4.0)], image)
    for row, gamma in enumerate((0.5, 4.0)):
        assert torch.allclose(ours[row], theirs(monai.AdjustContrast(gamma), image)[row], atol=1e-5)


@pytest.mark.parametrize("sigma", [(0.1, 0.2, 0.33), (1.0, 2.0, 0.5)])
def test_smooth_is_theirs_divided_by_what_their_zero_padding_loses(sigma):
    """MONAI blurs against zeros beyond the border, which darkens it; ours keeps a constant image."""
    ours = applied(blur.GaussianSmooth(), [blur.GaussianSmoothDrawn(sigma=sigma)] * 2, EVEN)
    smooth = monai.GaussianSmooth(sigma)
    expected = theirs(smooth, EVEN) / theirs(smooth, torch.ones_like(EVEN))
    assert torch.allclose(ours, expected, atol=2e-4)  # MONAI cuts its kernel at four sigma


def test_sharpen_inside():
    drawn = [blur.GaussianSharpenDrawn(sigma1=0.9, sigma2=0.6, strength=20.0)] * 2
    ours = applied(blur.GaussianSharpen(), drawn, EVEN)
    expected = theirs(monai.GaussianSharpen(0.9, 0.6, 20.0), EVEN)
    inside = (..., slice(6, -6), slice(6, -6), slice(6, -6))
    assert torch.allclose(ours[inside], expected[inside], atol=5e-3)  # 20 times the cut kernel's 2e-4
    assert (ours - expected)[..., 0, :, :].abs().max() > 1  # their border is zeros, ours is not


@pytest.mark.parametrize("alpha", [0.0, 0.3, 0.63])
def test_gibbs_on_odd_sizes(alpha):
    ours = applied(kspace.GibbsRinging(), [kspace.GibbsRingingDrawn(alpha=alpha)] * 2, ODD)
    assert torch.allclose(ours, theirs(monai.GibbsNoise(alpha), ODD), atol=1e-5)


def test_gibbs_on_even_sizes_is_theirs_with_the_ball_about_zero_frequency():
    """MONAI's ball is half a sample off zero frequency on even sizes, so what it keeps is not real."""
    ours = applied(kspace.GibbsRinging(), [kspace.GibbsRingingDrawn(alpha=0.5)] * 2, EVEN)
    expected = theirs(monai.GibbsNoise(0.5), EVEN)
    assert not torch.allclose(ours, expected, atol=1e-3)
    assert np.corrcoef(ours.flatten(), expected.flatten())[0, 1] > 0.95


def test_histogram_shift():
    drawn = [shading.HistogramShift().draw(rng) for rng in STREAMS.scalars("h")]
    image = EVEN * 5 - 2
    ours = applied(shading.HistogramShift(), drawn, image)
    for row, d in enumerate(drawn):
        transform = always(monai.RandHistogramShift(num_control_points=10))
        transform.reference_control_points = np.linspace(0, 1, 10)
        transform.floating_control_points = np.array(d.points)
        assert torch.allclose(ours[row], theirs(transform, image, randomize=False)[row], atol=1e-4)


def test_cutout():
    stage = cutout.Cutout(holes=5, side=6)
    drawn = [stage.draw(rng) for rng in STREAMS.scalars("c")]
    ours = stage.apply(EVEN, drawn, STREAMS, ROWS)
    for row, d in enumerate(drawn):
        transform = always(monai.RandCoarseDropout(holes=5, spatial_size=6, fill_value=0))
        starts = [
            [int(c * (n - 6 + 1)) for c, n in zip(corner, EVEN.shape[2:], strict=True)]
            for corner in d.corners
        ]
        transform.hole_coords = [(slice(None), *(slice(s, s + 6) for s in start)) for start in starts]
        assert torch.equal(ours[row], theirs(transform, EVEN, randomize=False)[row])


@pytest.mark.parametrize("kind", ["gaussian", "speckle"])
def test_final_noise_is_that_of_scikit_image_on_what_is_not_blank(kind):
    """MONAI has none; the reference takes scikit-image's ``random_noise``."""
    from skimage.util import random_noise

    image = EVEN.clone()
    image[:, :, 3:6] = 0
    ours = applied(noise.FinalNoise(), [noise.FinalNoiseDrawn(kind=kind)] * 2, image)
    for row, generator in enumerate(STREAMS.fields("final-noise", ROWS)):
        draws = torch.randn(image[row].shape, generator=generator).double().numpy()

        class Drawn(np.random.Generator):
            def normal(self, mean, deviation, size, draws=draws):
                return mean + deviation * draws

        plain = image[row].double().numpy()
        theirs_ = random_noise(plain, kind, rng=Drawn(np.random.PCG64(0)), var=0.01)
        assert np.allclose(ours[row], np.where(plain != 0, theirs_, 0), atol=1e-6)


def test_final_poisson_noise_has_the_variance_of_an_8_bit_image():
    image = torch.full((2, 1, 24, 24, 24), 0.4)
    ours = applied(noise.FinalNoise(), [noise.FinalNoiseDrawn(kind="poisson")] * 2, image)
    assert float(ours.mean()) == pytest.approx(0.4, rel=0.01)
    assert float((ours * 256).var()) == pytest.approx(0.4 * 256, rel=0.05)
