"""Annotated volumes are prepared as prediction prepares an image."""

import dataclasses

import numpy as np
import pytest

from anystar.preprocess import Preprocessing
from anystar.preprocess.arrays import whole_box
from anystar.preprocess.intensity import intensity_limits
from anystar.train import LabelledConfig, prepare
from tests.scenes import annotated_balls

CONFIG = LabelledConfig(images="images", labels="labels", diameter=14.0)


@pytest.mark.parametrize("dimmest", [1.0, 0.4])
@pytest.mark.parametrize("blank", [(), (20, 21)])
def test_training_sees_the_intensities_that_prediction_sees(dimmest, blank):
    volume = annotated_balls(num=80, radius=7.0)
    image = volume.image * np.linspace(1.0, dimmest, 80, dtype=np.float32)
    image[list(blank)] = 0
    (ready,) = prepare([dataclasses.replace(volume, image=image)], CONFIG)
    preprocessing = Preprocessing.fit(image)
    assert preprocessing.illumination is not None or dimmest == 1
    assert (preprocessing.blank_planes is None) == (blank == ())
    np.testing.assert_array_equal(ready.image, preprocessing.apply(image).read(whole_box(image.shape)))


def test_uneven_illumination_is_corrected():
    volume = annotated_balls(num=80, radius=7.0)
    image = volume.image * np.linspace(1.0, 0.4, 80, dtype=np.float32)
    (ready,) = prepare([dataclasses.replace(volume, image=image)], CONFIG)

    def bright_over_dim(voxels):
        """Objects with odd numbers lie in the bright half of X."""
        odd, even = (np.isin(volume.labels, range(first, 9, 2)) for first in (1, 2))
        return voxels[odd].mean() / voxels[even].mean()

    only_rescaled = Preprocessing(limits=intensity_limits(image)).apply(image).read(whole_box(image.shape))
    assert bright_over_dim(ready.image.numpy()) - 1 < 0.6 * (bright_over_dim(only_rescaled) - 1)


def test_constant_margins_teach_nothing():
    volume = annotated_balls(num=80, radius=7.0)
    noise = np.random.default_rng(0).normal(0, 0.01, volume.image.shape).astype(np.float32)
    (plain,) = prepare([dataclasses.replace(volume, image=volume.image + noise)], CONFIG)
    disc = np.hypot(*np.mgrid[-40:40, -40:40]) < 41
    image = np.where(disc, volume.image + noise, -1)
    around = ((3, 0), (8, 9), (0, 20))
    padded = [np.pad(each, around, constant_values=-1) for each in (volume.image + noise, image)]
    labels = np.pad(volume.labels, around, constant_values=1)
    whole, masked = (
        prepare([dataclasses.replace(volume, image=each, labels=labels)], CONFIG)[0] for each in padded
    )
    np.testing.assert_array_equal(whole.image, plain.image)
    np.testing.assert_array_equal(whole.labels, plain.labels)
    unknown = np.broadcast_to(~disc, masked.labels.shape)
    assert (masked.labels.numpy()[unknown] == -1).mean() > 0.99
    np.testing.assert_array_equal(masked.labels[:, disc], plain.labels[:, disc])
