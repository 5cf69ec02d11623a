"""Several processes train the network that one would with their batches as one."""

import csv
import dataclasses
import os
import shutil
import subprocess
import sys

import pytest
import torch

from anystar.config import dump_toml
from anystar.geometry.rays import golden_spiral
from anystar.nn.checkpoint import load_model_file, load_tensors
from anystar.nn.model import NetworkConfig
from anystar.synth.recipes import get_recipe
from anystar.train import TrainConfig, fit
from anystar.train.synthetic_batches import TrainingBatches

_GLOO_ABORTED = "terminate called without an active exception"
"""Rarely, a thread of Gloo frees a tensor as the interpreter ends (pytorch/pytorch, pull request 179291)."""
ALONE = TrainConfig(
    recipes=("as-mix", "wide"),
    iterations=4,
    batch_size=2,
    patch=(16, 16, 16),
    workers=0,
    log_every=1,
    checkpoint_every=2,
    precision="float32",
    learning_rate=1e-3,
    network=NetworkConfig(channels=(4, 8), grid=2, num_rays=32, head_channels=8),
)


def test_no_sample_is_made_twice_and_none_left_out():
    common = {"seed": 3, "shape": (16, 16, 16), "rays": golden_spiral(32), "grid": 2, "max_points": 9}
    recipes = [get_recipe("as-mix"), get_recipe("wide")]
    whole = TrainingBatches(recipes, batch_size=4, **common)
    parts = [TrainingBatches(recipes, batch_size=2, rank=r, world_size=2, **common) for r in range(2)]
    for step in (0, 5):
        ours, theirs = whole[step], [part[step] for part in parts]
        assert torch.equal(ours.image, torch.cat([b.image for b in theirs]))
        assert torch.equal(ours.targets.dist_PR, torch.cat([b.targets.dist_PR for b in theirs]))


def test_another_number_of_processes_goes_on_where_the_series_was_left():
    common = {"seed": 3, "shape": (16, 16, 16), "rays": golden_spiral(32), "grid": 2, "max_points": 9}
    seen = []
    for size, num, steps in ((4, 2, range(3)), (1, 3, range(3, 5)), (2, 1, range(5, 6))):
        start = steps[0], len(seen)
        parts = [
            TrainingBatches(
                [get_recipe("wide")], batch_size=size, rank=r, world_size=num, start=start, **common
            )
            for r in range(num)
        ]
        seen += [index for step in steps for part in parts for index in part.indices(step)]
    assert seen == list(range(4 * 2 * 3 + 3 * 2 + 2))


@pytest.mark.slow
def test_two_processes_equal_one_with_the_double_batch(tmp_path):
    """Losses to rounding: statistics, loss and gradients are those of all samples. They could not be if batch
    normalisation or the divisor of the distance loss were each process's own. Weights: Adam makes a step of
    full length of the smallest gradient, so that rounding moves a few of them.
    """
    (tmp_path / "two.toml").write_text(dump_toml(dataclasses.replace(ALONE, batch_size=1)))
    words = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    words += ["-m", "anystar", "train", "--device", "cpu", "--config", "two.toml", "--out", "two"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    for _ in range(2):
        done = subprocess.run(
            words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        if _GLOO_ABORTED not in done.stderr:
            break
        shutil.rmtree(tmp_path / "two")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("4 of 4 iterations, finished") == 1
    for _ in fit(ALONE, tmp_path / "one", device="cpu"):
        pass
    logs = []
    for name in ("one", "two"):
        with open(tmp_path / name / "log.csv", newline="") as file:
            logs.append([float(row["loss"]) for row in csv.DictReader(file)])
    assert len(logs[0]) == 4
    assert logs[1] == pytest.approx(logs[0], rel=1e-4)
    one, two = (load_tensors(tmp_path / n / "checkpoint.safetensors")[0] for n in ("one", "two"))
    assert one.keys() == two.keys()
    for name, value in one.items():
        if name.startswith("network.") and value.is_floating_point():
            assert float((value - two[name]).abs().mean()) < 0.02 * 4 * ALONE.learning_rate, name
    assert load_tensors(tmp_path / "two" / "checkpoint.safetensors")[1]["seen"] == 8
    card = load_model_file(tmp_path / "two" / "model.safetensors").card
    assert card["samples"] == 8
    assert card["device"].startswith("2 x ")
