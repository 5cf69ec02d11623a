"""The scripts that make what is bundled."""

import importlib
import subprocess
from pathlib import Path

import pytest
import torch

from anystar.cli.train import train
from anystar.nn.checkpoint import load_tensors, save_tensors


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "scripts"))
    return importlib.import_module("train_default")


@pytest.fixture
def trained(script, monkeypatch, tmp_path):
    """Runs the script; training adds 1 to the weights it begins with, and stops early where told."""

    def run(stops=None, words=()):
        calls = []

        def pretend(command, check):
            assert check
            arguments = command[command.index("train") + 1 :]
            calls.append(arguments)
            parsed = train.make_context("train", list(arguments)).params
            out = Path(parsed["out"])
            out.mkdir(exist_ok=True)
            name = out.name.removeprefix("run-")
            start = parsed["start"]
            begun = load_tensors(Path(start))[0]["w"] if start else torch.zeros(2)
            stage = next(stage for stage in script.STAGES if stage.name == name)
            done = script.steps(stage, 1.0) - (name == stops)
            (out / "checkpoint.safetensors").touch()
            card = {"card": {"iterations": done}}
            save_tensors(out / "model.safetensors", {"w": begun + 1, "seen": torch.tensor(3)}, card)

        monkeypatch.setattr(subprocess, "run", pretend)
        monkeypatch.setattr("sys.argv", ["train_default.py", str(tmp_path / "out"), *words])
        script.main()
        return calls

    return run


def test_each_stage_begins_with_the_one_before(script, trained, tmp_path):
    calls = trained()
    assert [call[call.index("--out") + 1].rpartition("run-")[2] for call in calls] == [
        stage.name for stage in script.STAGES
    ]
    # walls is the mean of 4 and 3, thin that of 5.5 and 3.5
    tensors, header = load_tensors(tmp_path / "out" / "default.safetensors")
    assert tensors["w"].tolist() == [4.5, 4.5]
    assert int(tensors["seen"]) == 3
    assert header["card"]["mean_with"] == "walls"


def test_what_is_finished_is_not_done_again_and_what_was_stopped_goes_on(trained, capsys):
    with pytest.raises(SystemExit, match="tissue was stopped"):
        trained(stops="tissue")
    calls = trained()
    assert calls[0][0:1] + calls[0][2:] == ["--out", "--resume", "--iterations", "5000"]
    assert len(calls) == 4
    assert trained() == []
    assert "default.safetensors" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="trained at another --scale"):
        trained(words=("--scale", "0.5"))
