"""The learning rate over a run, runs that end by the clock, and runs that are extended."""

import dataclasses

import pytest
import torch

from anystar.config import ConfigError
from anystar.nn.checkpoint import load_tensors
from anystar.train import fit
from anystar.train.loop import BEFORE_DECAY
from anystar.train.state import TrainState
from tests.train.test_loop import TINY, rows


def rates(config, seconds=0.0):
    state = TrainState(config, torch.device("cpu"))
    state.seconds = seconds
    found = []
    for state.step in range(config.iterations):
        found.append(state.learning_rate() / config.learning_rate)
    return found


def test_the_rate_falls_from_the_first_step_or_over_the_last_share():
    config = dataclasses.replace(TINY, iterations=10)
    assert rates(config) == pytest.approx([1 - k / 10 for k in range(10)])
    late = dataclasses.replace(config, decay=0.4, warmup=2)
    assert rates(late) == pytest.approx([0.5, 1, 1, 1, 1, 1, 1, 0.75, 0.5, 0.25])


def test_by_the_clock_it_falls_with_the_minutes_left():
    config = dataclasses.replace(TINY, iterations=10, minutes=1.0, decay=0.5)
    assert rates(config, 20)[:2] == pytest.approx([1, 1])
    assert rates(config, 45)[:2] == pytest.approx([0.5, 0.5])
    assert rates(config, 45)[9] == pytest.approx(0.2)  # steps run out before
    assert rates(config, 61)[0] == 0


def test_a_run_ends_when_its_minutes_are_over(tmp_path):
    config = dataclasses.replace(TINY, iterations=10**6, minutes=1e-5)
    assert len(list(fit(config, tmp_path, device="cpu"))) == 1
    assert list(fit(config, tmp_path, resume=True, device="cpu")) == []
    header = load_tensors(tmp_path / "checkpoint.safetensors")[1]
    assert header["step"] == 1


def test_an_extended_run_equals_one_that_was_planned_so(tmp_path):
    """It goes on from before the decay, so that nothing of the first, shorter one remains."""
    short = dataclasses.replace(TINY, iterations=5, decay=0.4)
    long = dataclasses.replace(short, iterations=10)
    for _ in fit(short, tmp_path / "extended", device="cpu"):
        pass
    assert load_tensors(tmp_path / "extended" / BEFORE_DECAY)[1]["step"] == 4
    for config, folder in ((long, "extended"), (long, "planned")):
        for _ in fit(config, tmp_path / folder, resume=folder == "extended", device="cpu"):
            pass
    ends = [load_tensors(tmp_path / n / "checkpoint.safetensors")[0] for n in ("extended", "planned")]
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[1])
    assert [r["step"] for r in rows(tmp_path / "extended" / "log.csv")] == [str(k) for k in range(1, 11)]


def test_a_run_stopped_in_its_decay_goes_on_there(tmp_path):
    config = dataclasses.replace(TINY, iterations=6, decay=0.5)
    for event in fit(config, tmp_path / "parts", device="cpu"):
        if event.step == 5:
            break
    for folder in ("parts", "whole"):
        for _ in fit(config, tmp_path / folder, resume=folder == "parts", device="cpu"):
            pass
    ends = [load_tensors(tmp_path / n / "checkpoint.safetensors")[0] for n in ("parts", "whole")]
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[1])


@pytest.mark.parametrize("changes", [{"decay": 0.0}, {"decay": 1.5}, {"minutes": -1.0}])
def test_a_schedule_that_makes_no_sense_is_refused(changes):
    with pytest.raises(ConfigError, match=next(iter(changes))):
        dataclasses.replace(TINY, **changes)
