"""Each augmentation against its definition, written out with NumPy and SciPy."""

import dataclasses

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from anystar.config import ConfigError
from anystar.synth.augment import blur, cutout, kspace, noise, shading
from anystar.synth.augment.base import rescale, run
from anystar.synth.streams import Streams

IMAGE = torch.from_numpy(np.random.default_rng(0).random((2, 1, 12, 16, 20), np.float32))
STREAMS = Streams(0, [0, 1])
ROWS = [0, 1]


def test_bias_field_is_the_exponential_of_a_legendre_series():
    drawn = [shading.BiasField().draw(rng) for rng in STREAMS.scalars("b")]
    ours = shading.BiasField().apply(IMAGE, drawn, STREAMS, ROWS)
    axes = [np.linspace(-1, 1, n) for n in IMAGE.shape[2:]]
    series = np.zeros((4, 4, 4))
    terms = [(i, j, k) for i in range(4) for j in range(4 - i) for k in range(4 - i - j)]
    for term, value in zip(terms, drawn[1].coefficients, strict=True):
        series[term] = value
    field = np.polynomial.legendre.leggrid3d(*axes, series)
    assert len(terms) == 20
    assert np.allclose(ours[1, 0], IMAGE[1, 0].numpy() * np.exp(field), atol=1e-5)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_flicker_gives_every_plane_a_gain_and_an_offset(axis):
    shape = [6, 6, 6]
    shape[axis] = 300
    image = torch.from_numpy(np.random.default_rng(0).random((1, 1, *shape), np.float32))
    drawn = shading.FlickerDrawn(gain=0.3, offset=0.1, share=1.0, step=1.0, axis=axis)
    ours = shading.Flicker().apply(image, [drawn], STREAMS, [1])
    before, after = (np.moveaxis(i[0, 0].numpy(), axis, 0).reshape(300, 36) for i in (image, ours))
    lines = [np.polyfit(x, y, 1) for x, y in zip(before, after, strict=True)]
    gains, offsets = np.transpose(lines)
    assert np.allclose(gains[:, None] * before + offsets[:, None], after, atol=1e-5)
    assert np.log(gains).std() == pytest.approx(0.3, rel=0.15)
    assert offsets.std() == pytest.approx(0.1, rel=0.15)
    assert abs(np.corrcoef(gains[1:], gains[:-1])[0, 1]) < 0.2


def test_flicker_leaves_the_other_planes_alone():
    drawn = shading.FlickerDrawn(gain=0.3, offset=0.0, share=0.25, step=1.0, axis=0)
    image = torch.ones(1, 1, 400, 2, 2)
    gains = shading.Flicker().apply(image, [drawn], STREAMS, [0])[0, 0, :, 0, 0]
    assert (gains != 1).float().mean() == pytest.approx(0.25, abs=0.07)


def test_flicker_is_linear_between_thick_planes():
    drawn = shading.FlickerDrawn(gain=0.0, offset=1.0, share=1.0, step=5.0, axis=0)
    image = torch.ones(1, 1, 60, 2, 2)
    image[..., 1] = 0.0
    offsets = shading.Flicker().apply(image, [drawn], STREAMS, [0])[0, 0, :, 0, 1].numpy()
    bends = np.flatnonzero(np.abs(np.diff(offsets, 2)) > 1e-4)
    assert bends[0] < 5
    assert (np.diff(bends) == 5).all()
    assert offsets.std() > 0.5


def test_gamma():
    ours = shading.Gamma().apply(
        IMAGE * 3 - 1, [shading.GammaDrawn(gamma=g) for g in (0.5, 3.0)], STREAMS, ROWS
    )
    x = IMAGE[1].numpy() * 3 - 1
    low, span = x.min(), np.ptp(x)
    assert np.allclose(ours[1], ((x - low) / span) ** 3.0 * span + low, atol=1e-5)


def test_histogram_shift_is_a_monotone_interpolation():
    drawn = [shading.HistogramShift().draw(rng) for rng in STREAMS.scalars("h")]
    ours = shading.HistogramShift().apply(IMAGE, drawn, STREAMS, ROWS)
    x = IMAGE[0].numpy()
    position = (x - x.min()) / np.ptp(x)
    expected = np.interp(position, np.linspace(0, 1, 10), drawn[0].points) * np.ptp(x) + x.min()
    assert np.allclose(ours[0], expected, atol=1e-5)
    assert (np.diff(drawn[0].points) >= 0).all()


def test_blur_equals_scipy_inside():
    image = torch.from_numpy(np.random.default_rng(1).random((1, 1, 40, 40, 40), np.float32))
    ours = blur.blur(image, torch.tensor([[1.0, 2.0, 0.7]]))[0, 0, 12:-12, 12:-12, 12:-12]
    widths = [(s**2 + 1 / 12) ** 0.5 for s in (1.0, 2.0, 0.7)]  # weights are integrals over voxels
    theirs = gaussian_filter(image[0, 0].numpy(), widths, truncate=6)[12:-12, 12:-12, 12:-12]
    assert np.abs(ours.numpy() - theirs).max() < 0.05 * theirs.std()


def test_sharpen_adds_the_difference_of_two_blurs():
    drawn = [blur.GaussianSharpenDrawn(sigma1=0.8, sigma2=0.6, strength=12.0)] * 2
    ours = blur.GaussianSharpen().apply(IMAGE, drawn, STREAMS, ROWS)
    smooth = blur.blur(IMAGE, torch.full((2, 3), 0.8))
    smoother = blur.blur(smooth, torch.full((2, 3), 0.6))
    assert torch.allclose(ours, smooth + 12 * (smooth - smoother), atol=1e-4)


def test_gibbs_keeps_a_ball_of_k_space():
    ours = kspace.GibbsRinging().apply(
        IMAGE, [kspace.GibbsRingingDrawn(alpha=a) for a in (0.0, 0.63)], STREAMS, ROWS
    )
    x = IMAGE[1, 0].numpy()
    frequencies = np.meshgrid(*[np.fft.fftfreq(n, 1 / n) for n in x.shape], indexing="ij")
    mask = sum(f**2 for f in frequencies) <= ((1 - 0.63) * 20 * 2**0.5 / 2) ** 2
    assert np.allclose(ours[1, 0], np.fft.ifftn(np.fft.fftn(x) * mask).real, atol=1e-5)
    assert 0 < mask.mean() < 0.5


def test_spike_is_one_plane_wave():
    drawn = [kspace.KSpaceSpikeDrawn(location=(0.2, 0.3, 0.4), factor=2.5)] * 2
    change = kspace.KSpaceSpike().apply(IMAGE, drawn, STREAMS, ROWS) - IMAGE
    power = np.abs(np.fft.fftn(change[0, 0].numpy()))
    ordered = np.sort(power.ravel())
    assert ordered[-3] < 1e-3 * ordered[-1]
    spectrum = np.fft.fftn(IMAGE[0, 0].numpy())
    magnitude = np.exp(np.log(np.abs(spectrum)).mean() * 2.5)
    old = np.abs(spectrum[2, 4, 8])
    assert power[2, 4, 8] == pytest.approx((magnitude - old) / 2, rel=1e-3)


def test_thick_slices_keep_the_acquired_planes_and_interpolate_between():
    drawn = [blur.ThickSlicesDrawn(step=(4.0, 1.0, 1.0), start=(1.0, 0.0, 0.0))] * 2
    ours = blur.ThickSlices().apply(IMAGE, drawn, STREAMS, ROWS)
    assert torch.allclose(ours[:, :, 1::4], IMAGE[:, :, 1::4], atol=1e-6)
    assert torch.allclose(ours[:, :, 3], (IMAGE[:, :, 1] + IMAGE[:, :, 5]) / 2, atol=1e-6)


def test_coarse_voxels_are_acquired_alike_along_all_axes():
    drawn = blur.CoarseVoxels(step=(2.0, 2.0)).draw(np.random.default_rng(0))
    assert drawn.step == pytest.approx((2.0, 2.0, 2.0))
    ours = blur.CoarseVoxels().apply(IMAGE[:1], [dataclasses.replace(drawn, start=(0.0,) * 3)], STREAMS, [0])
    assert torch.allclose(ours[..., ::2, ::2, ::2], IMAGE[:1, :, ::2, ::2, ::2], atol=1e-6)
    assert torch.allclose(ours[..., 1, 2, 2], (IMAGE[:1, :, 0, 2, 2] + IMAGE[:1, :, 2, 2, 2]) / 2, atol=1e-6)


@pytest.mark.parametrize(
    ("stage", "drawn", "deviation"),
    [
        (noise.GaussianNoise(), noise.DeviationDrawn(deviation=0.2), 0.2),
        (noise.PhotonNoise(), noise.PhotonNoiseDrawn(photons=50.0, dark=0.5), 0.0),
    ],
)
def test_noise_moments(stage, drawn, deviation):
    flat = torch.zeros(2, 1, 40, 40, 40)
    noisy = stage.apply(flat, [drawn] * 2, STREAMS, ROWS)
    if deviation:
        assert float(noisy.std()) == pytest.approx(deviation, rel=0.02)
        assert abs(float(noisy.mean())) < 0.005
    else:  # a constant image counts dark photons only: mean 25, variance 25
        assert float(noisy.mean()) == pytest.approx(0.5, rel=0.02)
        assert float((noisy * 50).var()) == pytest.approx(25, rel=0.05)


def test_rician_noise_is_a_magnitude():
    flat = torch.zeros(2, 1, 40, 40, 40)
    noisy = noise.RicianNoise().apply(flat, [noise.DeviationDrawn(deviation=0.1)] * 2, STREAMS, ROWS)
    assert float(noisy.min()) >= 0
    assert float(noisy.mean()) == pytest.approx(0.1 * np.sqrt(np.pi / 2), rel=0.02)  # Rayleigh


@pytest.mark.parametrize("kind", ["gaussian", "poisson", "speckle"])
def test_final_noise_leaves_blank_regions_blank(kind):
    image = IMAGE.clone()
    image[:, :, :4] = 0
    noisy = noise.FinalNoise().apply(image, [noise.FinalNoiseDrawn(kind=kind)] * 2, STREAMS, ROWS)
    assert (noisy[:, :, :4] == 0).all()
    assert not torch.equal(noisy, image)
    assert float(noisy.min()) >= 0
    assert float(noisy.max()) <= 1


def test_cutout_blanks_cubes():
    stage = cutout.Cutout(holes=2, side=5)
    drawn = [stage.draw(rng) for rng in STREAMS.scalars("c")]
    ours = stage.apply(IMAGE, drawn, STREAMS, ROWS)
    blank = (ours[0, 0] == 0).sum()
    assert 125 <= blank <= 250
    assert torch.equal(ours[0, 0] == 0, ~torch.from_numpy(cutout.Cutout.mask(drawn[0], IMAGE.shape[2:])))


def test_run_applies_a_stage_to_its_share_of_samples():
    streams = Streams(0, range(400))
    image = torch.ones(400, 1, 4, 4, 4)
    out, record = run([("invert", shading.Attenuation(probability=0.3))], image, streams)
    got = sum(bool(r) for r in record)
    assert 90 < got < 150
    changed = (out != image).flatten(1).any(1)
    assert changed.tolist() == [bool(r) for r in record]


def test_rescale_maps_a_constant_to_zero():
    assert rescale(torch.full((1, 1, 2, 2, 2), 7.0)).abs().max() == 0
    assert rescale(IMAGE).amax((1, 2, 3, 4)).tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    "make",
    [
        lambda: noise.GaussianNoise(probability=1.5),
        lambda: noise.GaussianNoise(deviation=(0.2, 0.1)),
        lambda: shading.Gamma(gamma=(0.0, 1.0)),
        lambda: kspace.GibbsRinging(alpha=(0.0, 1.5)),
        lambda: blur.ThickSlices(step=(0.5, 2.0)),
        lambda: shading.Flicker(share=(0.5, 1.5)),
    ],
)
def test_bad_knobs_are_refused(make):
    with pytest.raises(ConfigError):
        make()
