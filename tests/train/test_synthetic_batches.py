"""Samples cut to a few planes: what stacks thinner than their objects look like."""

import dataclasses
from unittest import mock

import numpy as np
import pytest
import torch

from anystar.config import ConfigError
from anystar.geometry.rays import golden_spiral
from anystar.predict.tiling import TileConfig
from anystar.synth.recipes import get_recipe
from anystar.train.config import small_config
from anystar.train.labelled import LabelledConfig
from anystar.train.synthetic_batches import _BEYOND, Samples, TrainingBatches, thinned


@pytest.fixture
def samples():
    z, y, x = np.indices((48, 48, 48))
    labels = np.zeros((2, 48, 48, 48), np.int32)
    for row in range(2):
        for number, at in enumerate([(8, 8, 8), (16, 22, 10), (24, 10, 24)], start=1):
            labels[row][np.linalg.norm(np.stack([z, y, x], -1) - at, axis=-1) < 7] = number
    image = torch.arange(2 * 48**3, dtype=torch.float32).view(2, 1, 48, 48, 48)
    return Samples(image, torch.from_numpy(labels), range(2))


@pytest.mark.parametrize("seed", range(12))
def test_what_is_kept_is_the_sample_and_nothing_is_known_beyond(samples, seed):
    made = thinned(samples, np.random.default_rng(seed), divisor=8)
    axis = int(np.argmin(made.labels.shape[1:]))
    size = made.labels.shape[1 + axis]
    assert size % 8 == 0
    image, labels, known = (
        np.moveaxis(t.numpy(), 1 + axis, 1) for t in (made.image[:, 0], made.labels, made.known)
    )
    planes = np.flatnonzero(known.any((0, 2, 3)))
    first, last = planes[0], planes[-1]
    assert len(planes) == last - first + 1 <= 24
    assert _BEYOND in (first, size - 1 - last)
    assert min(first, size - 1 - last) >= _BEYOND
    assert (image[:, :first] == image[:, first : first + 1]).all()
    assert (image[:, last + 1 :] == image[:, last : last + 1]).all()
    original = np.moveaxis(samples.image[:, 0].numpy(), 1 + axis, 1)
    start = int(np.flatnonzero((original[0] == image[0, first]).all((1, 2)))[0])
    assert (image[:, planes] == original[:, start : start + len(planes)]).all()
    ground_truth = np.moveaxis(samples.labels.numpy(), 1 + axis, 1)[:, start : start + len(planes)]
    found, sure = labels[:, planes], known[:, planes]
    assert not labels[:, :first].any()
    assert not labels[:, last + 1 :].any()
    assert ((found > 0) == (ground_truth > 0))[sure].all()
    for row in range(2):
        counts = np.unique(ground_truth[row][ground_truth[row] > 0], return_counts=True)[1]
        assert found[row].max() == (counts >= 10).sum()
        assert (~sure[row]).sum() == counts[counts < 10].sum()


def test_an_object_in_two_pieces_is_its_larger_one_and_the_other_is_not_known():
    labels = torch.zeros(1, 48, 40, 8, dtype=torch.int32)
    labels[0, 20:, 4:16] = 1  # a clamp: two feet, joined at the far end
    labels[0, 20:, 30:34] = 1
    labels[0, 40:] = 1
    rng = mock.Mock(
        **{"integers.side_effect": [0, 22], "uniform.return_value": np.log(6), "random.return_value": 0}
    )
    made = thinned(Samples(torch.rand(1, 1, 48, 40, 8), labels, range(1)), rng, divisor=8)
    assert made.labels.shape == (1, 16, 40, 8)
    inside = slice(_BEYOND, _BEYOND + 6)
    assert (made.labels[0, inside, 4:16] == 1).all()
    assert not made.labels[0, :, 16:].any()
    assert not made.known[0, inside, 30:34].any()
    assert made.known[0, inside, :30].all()


def test_the_share_of_steps_is_kept_and_every_process_cuts_alike():
    common = {"seed": 3, "shape": (16, 16, 16), "rays": golden_spiral(32), "grid": 2, "max_points": 20}
    common |= {"batch_size": 1, "thin": 0.4, "divisor": 8}
    parts = [TrainingBatches([get_recipe("wide")], rank=r, world_size=2, **common) for r in range(2)]
    thin = 0
    for step in range(25):
        made = [part[step] for part in parts]
        assert made[0].image.shape == made[1].image.shape
        thin += made[0].targets.valid_BZYX is not None
    assert 4 <= thin <= 16
    assert torch.equal(parts[0][2].image, parts[0][2].image)


def test_they_are_seen_as_prediction_sees_thin_volumes():
    assert TileConfig().margin == _BEYOND


def test_impossible_shares_are_refused():
    with pytest.raises(ConfigError, match="thin must be within"):
        small_config(thin=1.5)
    labelled = LabelledConfig(images="images", labels="labels")
    with pytest.raises(ConfigError, match="thin must be 0 if labelled"):
        dataclasses.replace(small_config(), recipes=(), labelled=labelled, thin=0.1)
