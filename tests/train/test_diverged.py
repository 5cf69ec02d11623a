"""What is not finite never reaches the weights, and what is on the disk goes together."""

import dataclasses
import math

import pytest
import torch

from anystar.config import ConfigError
from anystar.nn.checkpoint import load_tensors
from anystar.train import LabelledConfig, LabelledVolumes, fit, prepare, state
from anystar.train.loop import training_batches, training_step
from anystar.train.processes import Processes
from anystar.train.state import TrainState
from anystar.train.synthetic_batches import TrainingBatches
from tests.scenes import annotated_balls
from tests.train.test_loop import TINY

CPU = torch.device("cpu")


def spoilt(batch):
    return batch._replace(image=batch.image * math.nan)


def spoil(monkeypatch, steps):
    """Let the batches of some steps be NaN."""
    make = TrainingBatches.__getitem__
    monkeypatch.setattr(
        TrainingBatches,
        "__getitem__",
        lambda self, step: spoilt(make(self, step)) if step in steps else make(self, step),
    )


def test_a_step_without_a_finite_gradient_changes_no_weight():
    trained = TrainState(TINY, CPU)
    batches = training_batches(TINY, CPU, Processes(), None)
    training_step(trained, batches[0], CPU)
    before = {k: v.clone() for k, v in trained.network.state_dict().items() if v.is_floating_point()}
    training_step(trained, spoilt(batches[1]), CPU)
    after = trained.network.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())
    assert all(value.isfinite().all() for value in trained.tensors().values())
    assert (trained.step, int(trained.skipped), trained.diverged) == (2, 1, False)
    training_step(trained, batches[2], CPU)
    assert int(trained.skipped) == 0
    assert not all(torch.equal(after[name], value) for name, value in before.items())


def test_a_few_bad_steps_are_survived(tmp_path, monkeypatch):
    spoil(monkeypatch, {1, 2})
    events = list(fit(TINY, tmp_path, device="cpu"))
    assert [math.isfinite(e.losses["total"]) for e in events] == [True, False, False, True]
    tensors, header = load_tensors(tmp_path / "checkpoint.safetensors")
    assert header["step"] == 4
    assert all(value.isfinite().all() for value in tensors.values())


def test_training_that_diverges_stops_and_keeps_the_last_checkpoint(tmp_path, monkeypatch):
    spoil(monkeypatch, range(3, 100))
    config = dataclasses.replace(TINY, iterations=40, log_every=20, checkpoint_every=2)
    message = (
        "no step from 4 to 8 had a finite gradient, and nothing is saved since step 6; "
        "go on from there with a lower --learning-rate"
    )
    with pytest.raises(ConfigError) as raised:
        list(fit(config, tmp_path, device="cpu"))
    assert str(raised.value) == message
    tensors, header = load_tensors(tmp_path / "checkpoint.safetensors")
    assert header["step"] == 6
    assert all(value.isfinite().all() for value in tensors.values())


def test_a_checkpoint_knows_of_no_best_model_that_is_not_there(tmp_path, monkeypatch):
    settings = LabelledConfig(images="a", labels="b", diameter=8.0)
    volumes = prepare([annotated_balls(num=24, radius=4)], settings)
    labelled = LabelledVolumes(training=volumes, validation=volumes)
    config = dataclasses.replace(TINY, recipes=(), labelled=settings, iterations=2)
    write = state.save_model_file

    def full(path, *rest):
        if path.name == "best.safetensors":
            raise OSError(28, "No space left on device")
        write(path, *rest)

    monkeypatch.setattr(state, "save_model_file", full)
    with pytest.raises(OSError, match="No space left"):
        list(fit(config, tmp_path, device="cpu", labelled=labelled))
    checkpoint = tmp_path / "checkpoint.safetensors"
    assert not checkpoint.exists() or load_tensors(checkpoint)[1]["best"] is None
