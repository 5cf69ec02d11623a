"""Intensities of any range and type are rescaled to [0, 1]."""

import numpy as np

from anystar.preprocess.intensity import intensity_limits, rescale


def test_the_limits_ignore_a_few_hot_voxels_and_the_type():
    rng = np.random.default_rng(0)
    image = rng.integers(100, 200, (40, 40, 40)).astype(np.uint16)
    image[0, 0, :3] = 60_000
    low, high = intensity_limits(image)
    assert 99 <= low <= 105
    assert 195 <= high <= 200
    scaled = rescale(image, (low, high))
    assert scaled.dtype == np.float32
    assert (scaled.min(), scaled.max()) == (0, 1)


def test_few_bright_voxels_on_a_constant_ground_set_the_limits():
    image = np.zeros((40, 40, 40))
    image[3, 3, 3] = 5
    assert intensity_limits(image) == (0, 5)
