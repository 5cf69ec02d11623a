"""``anystar train``, and the whole path from nothing to scores at toy size."""

import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from click.testing import CliRunner

from anystar.cli import main
from anystar.cli.train import _config
from anystar.train import load_start

TOY = """
recipes = ["as-brightfg-plainbg"]
iterations = {iterations}
batch_size = 2
patch = [32, 32, 32]
learning_rate = 3e-3
warmup = 10
workers = 0
log_every = 20
checkpoint_every = 50
preview_every = {iterations}
precision = "float32"

[network]
channels = [16, 32, 64]
grid = 2
num_rays = 32
head_channels = 32
distances = "exponential"

[loss]
distance_error = "logarithmic"
background_weight = 0.0
"""


def run(*arguments):
    return CliRunner().invoke(main, [str(a) for a in arguments])


@pytest.mark.slow
def test_from_nothing_to_scores(tmp_path):
    """Train, segment, evaluate: the toy model only has to run, the bundled one must find what is plain."""
    config = tmp_path / "toy.toml"
    config.write_text(TOY.format(iterations=40))
    done = run("train", "--config", config, "--out", tmp_path / "run", "--device", "cpu")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "run" / "previews" / "0000040.png").stat().st_size > 0
    assert len((tmp_path / "run" / "log.csv").read_text().splitlines()) == 1 + 2

    images, truth = tmp_path / "images", tmp_path / "truth"
    images.mkdir()
    truth.mkdir()
    for index, (image, labels) in enumerate(clear_volumes(2)):
        np.save(images / f"{index}.npy", image)
        np.save(truth / f"{index}.npy", labels)
    toy = ["--model", tmp_path / "run" / "model.safetensors", "--diameter", 16]
    for folder, options in (("toy", toy), ("found", [])):
        done = run("segment", images, "-o", tmp_path / folder, "--device", "cpu", *options)
        assert done.exit_code == 0, done.output
    scores = tmp_path / "scores.json"
    done = run("evaluate", tmp_path / "found", truth, "--json", scores)
    assert done.exit_code == 0, done.output
    at = {s["threshold"]: s for s in json.loads(scores.read_text())["total"]["scores"]}
    assert at[0.5]["accuracy"] > 0.7, done.output


def clear_volumes(num):
    """Bright balls of one size on a dark, slightly noisy ground."""
    grid = np.stack(np.meshgrid(*[np.arange(48)] * 3, indexing="ij"), -1)
    rng = np.random.default_rng(5)
    for _ in range(num):
        labels = np.zeros((48, 48, 48), np.int32)
        for number, centre in enumerate([(12, 12, 12), (12, 34, 14), (34, 14, 34), (34, 35, 32)], start=1):
            labels[np.linalg.norm(grid - centre, axis=-1) < 8] = number
        yield (60 + 120 * (labels > 0) + rng.normal(0, 6, labels.shape)).astype(np.float32), labels


@pytest.mark.slow
def test_sigterm_saves_and_resume_goes_on(tmp_path):
    config, out = tmp_path / "toy.toml", tmp_path / "run"
    config.write_text(TOY.format(iterations=100_000).replace("log_every = 20", "log_every = 1"))
    code = "from anystar.cli import main; main()"
    words = [sys.executable, "-c", code, "train", "--config", str(config), "--out", str(out)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not (out / "log.csv").exists():
        time.sleep(0.1)
    while time.monotonic() < deadline and len((out / "log.csv").read_text().splitlines()) < 3:
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    assert "--resume" in output
    steps = int((out / "log.csv").read_text().splitlines()[-1].split(",")[0])
    done = run("train", "--out", out, "--resume", "--iterations", steps + 2, "--device", "cpu")
    assert done.exit_code == 0, done.output
    assert f"{steps + 2} of {steps + 2} iterations, finished" in done.output


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--recipe", "as-mx"], "did you mean 'as-mix'"),
        (["--resume"], "holds no run to resume"),
        (["--config", "missing.toml"], "missing.toml"),
        (["--from", "mild-smal"], "did you mean 'mild-small'"),
        (["--from", "gone.safetensors"], "no model file gone.safetensors"),
    ],
)
def test_bad_input_is_one_line(tmp_path, options, message):
    done = run("train", "--out", tmp_path / "run", *options)
    assert done.exit_code == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_an_unknown_key_names_the_nearest(tmp_path):
    config = tmp_path / "bad.toml"
    config.write_text("iteration = 5\n")
    done = run("train", "--config", config, "--out", tmp_path / "run")
    assert done.exit_code == 2
    assert "did you mean 'iterations'" in done.stderr


def test_from_keeps_the_network_and_the_loss_and_takes_new_samples(tmp_path):
    given = dict.fromkeys(("config_path", "recipes", "iterations", "seed"))
    config = _config(tmp_path, False, given | {"size": "paper", "start": "mild-small"})
    start = load_start("mild-small")
    assert (config.network, config.loss) == (start.network, start.loss)
    assert config.seed not in start.seeds
    given["seed"] = 0
    assert _config(tmp_path, False, given | {"size": "paper", "start": "mild-small"}).seed == 0
