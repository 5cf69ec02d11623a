"""A profile measures a training step, whole."""

import dataclasses

import pytest
import torch

from anystar.nn.model import NetworkConfig, StarNet
from anystar.train import profile
from anystar.train.loop import training_batches
from anystar.train.processes import Processes
from anystar.train.profile import Profile
from tests.train.test_processes import ALONE


def test_the_operations_are_those_of_the_layers():
    """Two operations a weight and output voxel forward; twice that backward, but for the image's gradient."""
    config = dataclasses.replace(
        ALONE, network=NetworkConfig(channels=(4, 8), grid=2, num_rays=32, head_channels=8)
    )
    found = profile(config, device="cpu", steps=1, warmup=0)
    voxels = {1: 8**3, 2: 4**3}  # a grid of 2 on 16^3
    batch = training_batches(config, torch.device("cpu"), Processes(), None)[0]
    forward, first = 0, None
    for name, module in StarNet(config.network).named_modules():
        if type(module).__name__ == "Conv3d":
            level = 2 if "down" in name else 1
            if "up.0" in name:
                level = 1
            places = voxels[level] * config.batch_size
            if name == "dist":  # at the points that are learnt only
                places = len(batch.targets.taught_N4())
            cost = 2 * module.weight.numel() * places
            forward += cost
            first = cost if first is None else first
    assert found.flop == pytest.approx(3 * forward - first, rel=1e-6)
    assert list(found.seconds) == [
        "samples", "targets", "transfer", "forward and loss", "backward", "optimiser and average",
    ]  # fmt: skip
    assert min(found.seconds.values()) > 0


def test_the_text_adds_up():
    found = Profile(
        device="a machine",
        precision="float32",
        batch_size=2,
        seconds={"samples": 0.2, "forward and loss": 0.1, "backward": 0.1},
        flop=2e9,
        peak=40e9,
    )
    text = found.as_text()
    assert "samples                    200.0 ms  50.0%" in text
    assert "400.0 ms: 5.00 samples per second" in text
    assert "10 GFLOP/s, 25% of the 40 GFLOP/s" in text
