import argparse

import pytest
import torch

from anystar.nn.model import NetworkConfig
from anystar.train import TrainConfig
from anystar.train.loop import training_batches
from anystar.train.processes import Processes
from benchmarks.training import __main__ as harness
from benchmarks.training.variants import VARIANTS

TINY = TrainConfig(
    recipes=("mild", "sparse"),
    batch_size=2,
    patch=(16, 16, 16),
    max_points=64,
    decay=0.5,
    network=NetworkConfig(channels=(4, 8), grid=2, num_rays=32, head_channels=8),
)


def test_kept_batches_are_those_of_training(tmp_path):
    theirs = training_batches(TINY, torch.device("cpu"), Processes(), None)[3]
    for _ in range(2):  # made, then read
        kept = harness.Kept(TINY, tmp_path)
        ours = next(harness.batches_of(kept, 2, first=6))
        assert torch.allclose(ours.image, theirs.image, atol=1e-3)
        assert torch.equal(ours.targets.points_P4, theirs.targets.points_P4)
        assert torch.allclose(ours.targets.dist_PR, theirs.targets.dist_PR, rtol=1e-3)
        assert torch.allclose(ours.targets.prob_BZYX, theirs.targets.prob_BZYX, atol=1e-3)
        assert torch.equal(ours.targets.others_Q4, theirs.targets.others_Q4)


def test_a_variant_is_trained_for_its_seconds_and_judged(tmp_path):
    options = argparse.Namespace(seconds=0.3, cache=tmp_path, start=None, held_out=2, save=None)
    found = harness.compare("features1", TINY, options, seed=1)
    assert found.steps > 0
    assert found.average == pytest.approx(found.parts[0] + 0.2 * found.parts[1], rel=1e-3)
    assert all(0 < value < 20 for value in (found.weights, found.average, found.recomputed))


def test_every_variant_can_be_made():
    configs = [variant(TINY) for variant in VARIANTS.values()]
    assert len({repr(config) for config in configs}) == len(configs)
