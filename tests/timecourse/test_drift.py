"""Displacements that are known, under changes of brightness, noise and cropping."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, shift

from anystar.timecourse import DriftMeter

RNG = np.random.default_rng(1)


def organ(shape=(64, 80, 80)):
    """A textured ellipsoid in the dark."""
    z, y, x = np.ogrid[tuple(slice(-1, 1, n * 1j) for n in shape)]
    texture = gaussian_filter(RNG.normal(size=shape), 3)
    return np.where((z / 0.7) ** 2 + (y / 0.6) ** 2 + (x / 0.75) ** 2 < 1, 100 + 200 * texture, 5)


@pytest.mark.parametrize("moved", [(0, 0, 0), (1.5, 0, 0), (0, -2, 3), (4, 6, -5), (-7, 0, 2.5)])
def test_a_moved_organ_with_other_brightness_and_noise(moved):
    frame = organ()
    later = shift(frame, moved, order=1, mode="nearest")
    later[:, :, 40:] *= 1.3  # half of it lights up
    later += RNG.normal(0, 10, frame.shape)
    drift = DriftMeter(frame).measure(later)
    assert drift.shift == pytest.approx(moved, abs=0.5)
    assert drift.distance == max(map(abs, drift.shift))


def test_brightness_alone_is_no_movement():
    frame = organ()
    meter = DriftMeter(frame)
    for factor, offset in ((0.3, 0), (4, 100)):
        drift = meter.measure(frame * factor + offset)
        assert drift.distance < 0.05
        assert drift.similarity == pytest.approx(1, abs=1e-4)


def test_another_content_is_not_similar():
    assert abs(DriftMeter(RNG.random((20, 30, 30))).measure(RNG.random((20, 30, 30))).similarity) < 0.2


def test_thin_and_constant_frames():
    flat = RNG.random((1, 40, 50))
    assert DriftMeter(flat).measure(flat).shift == pytest.approx((0, 0, 0), abs=1e-6)
    assert DriftMeter(flat).measure(np.ones_like(flat)).similarity == 0
