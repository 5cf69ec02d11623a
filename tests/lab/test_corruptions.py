"""Corruptions do what their strength says, and nothing at 0."""

import numpy as np
import pytest
from scipy import ndimage

from anystar.lab.corruptions import CORRUPTIONS, corrupt
from tests.scenes import noisy_balls


def rng():
    return np.random.default_rng(0)


@pytest.fixture(scope="module")
def image():
    """Bright balls of about contrast 1, so that strengths can be read off."""
    return noisy_balls((24, 30, 36), seed=2)[0]


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_worse_with_strength_and_repeatable(image, name):
    kind = CORRUPTIONS[name]
    assert kind.strengths[0] == 0
    assert list(kind.strengths) == sorted(set(kind.strengths))
    assert corrupt(image, kind, 0, rng=rng()) is image
    assert corrupt(image * 7.0, kind, 0, rng=rng()).dtype == np.float64
    plain = corrupt(image, CORRUPTIONS["noise"], 1e-9, rng=rng())
    changes = []
    for strength in kind.strengths[1:]:
        worse = corrupt(image, kind, strength, rng=rng())
        assert worse.shape == image.shape
        assert worse.dtype == np.float32
        assert np.isfinite(worse).all()
        np.testing.assert_array_equal(worse, corrupt(image, kind, strength, rng=rng()))
        changes.append(np.abs(worse - plain).mean())
    assert changes == sorted(changes)
    assert changes[0] > 0


def test_blur_noise_and_inversion_mean_what_they_say(image):
    plain = corrupt(image, CORRUPTIONS["noise"], 1e-9, rng=rng())
    blurred = corrupt(image, CORRUPTIONS["blur"], 1.5, rng=rng())
    np.testing.assert_allclose(blurred, ndimage.gaussian_filter(plain, 1.5), atol=1e-5)
    noise = corrupt(image, CORRUPTIONS["noise"], 0.2, rng=rng()) - plain
    assert noise.std() == pytest.approx(0.2, rel=0.02)
    np.testing.assert_allclose(corrupt(image, CORRUPTIONS["inversion"], 1, rng=rng()), 1 - plain, atol=1e-6)


def test_planes_are_kept_interpolated_or_lost(image):
    plain = corrupt(image, CORRUPTIONS["noise"], 1e-9, rng=rng())
    thin = corrupt(image, CORRUPTIONS["planes"], 4, rng=rng())
    np.testing.assert_allclose(thin[::4], plain[::4], atol=1e-6)
    np.testing.assert_allclose(thin[2], (plain[0] + plain[4]) / 2, atol=1e-6)
    lost = corrupt(image, CORRUPTIONS["missing"], 0.25, rng=rng())
    black = ~lost.any(axis=(1, 2))
    assert black.sum() == 6
    np.testing.assert_allclose(lost[~black], plain[~black], atol=1e-6)


def test_the_bias_field_is_smooth_and_bounded(image):
    flat = np.full((24, 30, 36), 1.0)
    flat[0, 0, 0] = 0
    field = np.log(corrupt(flat, CORRUPTIONS["bias"], 1.5, rng=rng())[1:])
    assert -1.51 < field.min() < field.max() < 1.51
    assert np.ptp(field) > 2
    assert max(np.abs(np.diff(field, axis=a)).max() for a in range(3)) < 0.8


def test_flicker_is_a_gain_a_plane(image):
    plain = corrupt(image, CORRUPTIONS["noise"], 1e-9, rng=rng())
    flickering = corrupt(image, CORRUPTIONS["flicker"], 0.2, rng=rng())
    gains = np.log([worse.max() / before.max() for worse, before in zip(flickering, plain, strict=True)])
    np.testing.assert_allclose(flickering, plain * np.exp(gains)[:, None, None], atol=1e-5)
    assert gains.std() == pytest.approx(0.2, rel=0.3)


def test_a_negative_strength_is_refused(image):
    with pytest.raises(ValueError, match="strength must be at least 0, got -1"):
        corrupt(image, CORRUPTIONS["blur"], -1, rng=rng())
