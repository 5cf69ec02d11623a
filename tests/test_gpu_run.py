"""The timed GPU run from its beginning to its end, on a CPU."""

import importlib
import json
from pathlib import Path

import pytest
import torch

from anystar.nn.checkpoint import load_model_file, save_model_file
from anystar.nn.model import NetworkConfig, StarNet


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "scripts"))
    return importlib.import_module("gpu_run")


@pytest.fixture
def tiny(tmp_path):
    network = NetworkConfig(channels=(4, 8), grid=2, num_rays=32, head_channels=8, distances="exponential")
    path = tmp_path / "tiny.safetensors"
    with torch.random.fork_rng():
        torch.manual_seed(0)
        save_model_file(path, StarNet(network).state_dict(), network, {"seed": 3})
    return path


def checked(out):
    """The findings of a run that went well, and its files."""
    found = json.loads((out / "findings.json").read_text())
    assert list(found) == ["machine", "targets", "network", "samples", "generator", "step", "training"]
    assert not [name for name, part in found.items() if "FAILED" in str(part["found"])]
    files = list(out.iterdir())
    assert len(files) <= 8
    assert max(path.stat().st_size for path in files) < 16_000_000
    steps = found["training"]["found"]["steps"]
    assert load_model_file(out / "final.safetensors").card["iterations"] == steps > 0
    assert (out / "log.csv").read_text().count("\n") > 1
    return found


def test_a_run_checks_measures_and_trains(script, tiny, tmp_path):
    out = tmp_path / "out"
    script.main([str(out), "--minutes", "0.2", "--from", str(tiny), "--device", "cpu", "--patch", "16"])
    found = checked(out)
    assert found["targets"]["found"]["largest difference of distances"] == 0
    card = load_model_file(out / "final.safetensors").card
    assert card["seed"] == 4  # samples that the weights have not seen
    assert card["recipes"] == ["universal", "packed", "universal", "sparse"]


def test_what_fails_is_noted_and_the_rest_goes_on(script, tiny, tmp_path, monkeypatch):
    def fails(*_):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(script, "check_network", fails)
    out = tmp_path / "out"
    script.main([str(out), "--minutes", "0.1", "--from", str(tiny), "--device", "cpu", "--patch", "16"])
    found = json.loads((out / "findings.json").read_text())
    assert found["network"]["found"] == "FAILED: RuntimeError: out of memory"
    assert found["training"]["found"]["steps"] > 0


def test_weights_are_renewed_and_those_of_before_kept(script, tiny, tmp_path):
    run, out = tmp_path / "run", tmp_path / "out"
    run.mkdir()
    out.mkdir()
    (run / "log.csv").write_text("step\n")
    for content in ("first", "second", "third"):
        (run / "model.safetensors").write_text(content)
        script.keep(run, out)
    assert (out / "model.safetensors").read_text() == "third"
    assert (out / "before.safetensors").read_text() == "second"


@pytest.mark.slow
def test_a_rehearsal_of_three_minutes(script, tmp_path):
    """As on a GPU, with the default model."""
    script.main([str(tmp_path / "out"), "--minutes", "3", "--device", "cpu"])
    checked(tmp_path / "out")
    card = load_model_file(tmp_path / "out" / "final.safetensors").card
    assert card["from"]["model"] == "grain-small"
    assert 0 < card["config"]["minutes"] < 2.7
