import argparse
import re
import sys

import pytest
import torch

from anystar.nn.checkpoint import load_model_file, save_model_file
from anystar.nn.model import NetworkConfig, StarNet
from anystar.train import TrainConfig
from anystar.train.loop import training_batches
from anystar.train.processes import Processes
from benchmarks.training import __main__ as harness
from benchmarks.training import models
from benchmarks.training.held_out import Kept, batches_of
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
        kept = Kept(TINY, tmp_path)
        ours = next(batches_of(kept, 2, first=6))
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


def test_weights_between_two_models_are_judged_beside_both(tmp_path, monkeypatch, capsys):
    files = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        files.append(tmp_path / f"{seed}.safetensors")
        save_model_file(files[-1], StarNet(TINY.network).state_dict(), TINY.network, {"seed": seed})
    monkeypatch.setattr(models, "small_config", lambda: TINY)
    monkeypatch.setattr(models, "_STATISTICS", 2)
    words = [*map(str, files), "--recipes", "mild", "--held-out", "2", "--mix", "0.25"]
    monkeypatch.setattr(sys, "argv", ["models", *words, "--cache", str(tmp_path), "--save", str(tmp_path)])
    models.main()
    losses = [float(x) for x in re.findall(r"\| (\d+\.\d{3}) \|", capsys.readouterr().out)]
    assert len(losses) == 3
    assert len(set(losses)) == 3
    one, two = (load_model_file(file).network.state_dict()["prob.weight"] for file in files)
    between = load_model_file(tmp_path / "mix-0.25.safetensors").network.state_dict()["prob.weight"]
    assert torch.allclose(between, 0.75 * one + 0.25 * two, atol=1e-3)
