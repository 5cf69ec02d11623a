"""``anystar train``, and the whole path from nothing to scores at toy size."""

import dataclasses
import json
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from click.testing import CliRunner

from anystar.cli import main
from anystar.nn.checkpoint import load_model_file
from anystar.predict.registry import DEFAULT_MODEL
from anystar.train import load_start, paper_config, small_config
from anystar.workflow.training import TrainOptions, train_config

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


def toy(tmp_path, *, iterations):
    """A file of the smallest run."""
    path = tmp_path / "toy.toml"
    path.write_text(TOY.format(iterations=iterations).replace("[32, 32, 32]", "[16, 16, 16]"))
    return path


@pytest.mark.slow
def test_from_nothing_to_scores(tmp_path):
    """Train, segment, evaluate: the toy model only has to run, the bundled one must find what is plain."""
    config = tmp_path / "toy.toml"
    config.write_text(TOY.format(iterations=40))
    done = run("train", "--config", config, "--out", tmp_path / "run", "--device", "cpu")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "run" / "previews" / "0000040.png").stat().st_size > 0
    assert len((tmp_path / "run" / "log.csv").read_text().splitlines()) == 1 + 2

    images, ground_truth = tmp_path / "images", tmp_path / "ground_truth"
    images.mkdir()
    ground_truth.mkdir()
    for index, (image, labels) in enumerate(clear_volumes(2)):
        np.save(images / f"{index}.npy", image)
        np.save(ground_truth / f"{index}.npy", labels)
    toy = ["--model", tmp_path / "run" / "model.safetensors", "--diameter", 16]
    for folder, options in (("toy", toy), ("found", [])):
        done = run("segment", images, "-o", tmp_path / folder, "--device", "cpu", *options)
        assert done.exit_code == 0, done.output
    scores = tmp_path / "scores.json"
    done = run("evaluate", tmp_path / "found", ground_truth, "--json", scores)
    assert done.exit_code == 0, done.output
    at = {s["threshold"]: s for s in json.loads(scores.read_text())["total"]["scores"]}
    assert at[0.5]["ap"] > 0.7, done.output


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
@pytest.mark.parametrize("sent", ["SIGTERM", "SIGINT to all, as a terminal does"])
def test_a_signal_saves_and_resume_goes_on(tmp_path, sent):
    config, out = tmp_path / "toy.toml", tmp_path / "run"
    text = TOY.format(iterations=100_000).replace("log_every = 20", "log_every = 1")
    config.write_text(text.replace("workers = 0", "workers = 1"))
    code = "from anystar.cli import main; main()"
    words = [sys.executable, "-c", code, "train", "--config", str(config), "--out", str(out)]
    process = subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not (out / "log.csv").exists():
        time.sleep(0.1)
    while time.monotonic() < deadline and len((out / "log.csv").read_text().splitlines()) < 3:
        time.sleep(0.1)
    if sent == "SIGTERM":
        process.terminate()
    else:
        os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    assert "Traceback" not in output
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
        (["--from", DEFAULT_MODEL[:-1]], f"did you mean '{DEFAULT_MODEL}'"),
        (["--from", "gone.safetensors"], "no model file gone.safetensors"),
    ],
)
def test_bad_input_is_one_line(tmp_path, options, message):
    done = run("train", "--out", tmp_path / "run", *options)
    assert done.exit_code == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_a_refused_start_leaves_nothing(tmp_path, refused, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    config = toy(tmp_path, iterations=1)
    gone, negative = tmp_path / "gone.toml", tmp_path / "negative.toml"
    gone.write_text('start = "gone.safetensors"\n' + config.read_text())
    negative.write_text("seed = -1\n" + config.read_text())
    for words, message in (
        (["--config", config, "--device", "cuda"], "cuda is not available"),
        (["--config", config, "--from", DEFAULT_MODEL], "another network"),
        (["--config", gone], "no model file gone.safetensors"),
    ):
        assert message in refused("train", "--out", tmp_path / "new" / "run", *words, folder=tmp_path)
    done = run("train", "--out", tmp_path / "new", "--config", negative)
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
    assert "seed must be within" in done.stderr
    assert not (tmp_path / "new").exists()
    done = run("train", "--out", tmp_path / "new", "--config", config, "--device", "cpu")
    assert done.exit_code == 0, done.output


def test_a_run_that_is_further_already_is_left_alone(tmp_path, refused):
    out = tmp_path / "run"
    done = run("train", "--out", out, "--config", toy(tmp_path, iterations=3), "--device", "cpu")
    assert done.exit_code == 0, done.output
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    line = refused("train", "--out", out, "--resume", "--iterations", 2, "--device", "cpu", folder=tmp_path)
    assert "is at step 3 already" in line
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    done = run("train", "--out", out, "--resume", "--iterations", 3, "--device", "cpu")
    assert "3 of 3 iterations, finished" in done.output


def test_a_profile_says_where_the_time_goes_and_writes_nothing(tmp_path, monkeypatch):
    config = toy(tmp_path, iterations=1)
    monkeypatch.chdir(tmp_path)
    done = run("train", "--profile", "--config", config, "--out", "run", "--device", "cpu")
    assert done.exit_code == 0, done.output
    for part in ("samples", "targets", "transfer", "forward and loss", "backward", "optimiser and average"):
        assert re.search(rf"^{part} +[0-9.]+ ms +[0-9.]+%$", done.output, re.M), done.output
    assert re.search(r"[0-9.]+ GFLOP per step; .*, \d+% of the [0-9,]+ GFLOP/s", done.output)
    assert list(tmp_path.iterdir()) == [config]


def test_the_help_says_which_recipe_is_the_default():
    text = " ".join(run("train", "--help").output.split())
    names = [config().recipes[0] for config in (paper_config, small_config)]
    assert "[default: {}; {} with --size small]".format(*names) in text


def test_an_unknown_key_names_the_nearest(tmp_path):
    config = tmp_path / "bad.toml"
    config.write_text("iteration = 5\n")
    done = run("train", "--config", config, "--out", tmp_path / "run")
    assert done.exit_code == 2
    assert "did you mean 'iterations'" in done.stderr


def test_from_keeps_the_network_and_the_loss_and_takes_new_samples(tmp_path):
    config = train_config(TrainOptions(start=DEFAULT_MODEL), out=tmp_path)
    start = load_start(DEFAULT_MODEL)
    assert (config.network, config.loss) == (start.network, start.loss)
    assert config.seed not in start.seeds
    assert train_config(TrainOptions(start=DEFAULT_MODEL, seed=0), out=tmp_path).seed == 0


@pytest.mark.parametrize("named", ["by option", "in the file"])
def test_what_a_file_leaves_out_is_as_the_weights_have_it(tmp_path, named):
    start = load_start(DEFAULT_MODEL)
    path = tmp_path / "mine.toml"
    path.write_text(
        (f'start = "{DEFAULT_MODEL}"\n' if named == "in the file" else "")
        + 'recipes = []\n[loss]\ndistance_weight = 0.3\n[labelled]\nimages = "a"\nlabels = "b"\n'
    )
    options = TrainOptions(start=DEFAULT_MODEL if named == "by option" else None)
    config = train_config(options, config_path=path, out=tmp_path / "run")
    assert config.network == start.network
    assert config.loss == dataclasses.replace(start.loss, distance_weight=0.3)
    assert config.labelled.diameter == start.defaults["diameter"]


def test_training_never_replaces_what_it_reads(tmp_path, refused):
    folder = tmp_path / "models"
    folder.mkdir()
    path = folder / "config.toml"
    path.write_text("# mine\n" + toy(tmp_path, iterations=1).read_text())
    assert "would be replaced" in refused("train", "--config", path, "--out", folder, folder=tmp_path)
    path.rename(tmp_path / "mine.toml")
    (folder / "model.safetensors").write_bytes(b"another's")
    words = ("--config", tmp_path / "mine.toml", "--out", folder, "--device", "cpu")
    assert "would be replaced" in refused("train", *words, folder=tmp_path)


def annotated(tmp_path, num=2):
    images, labels = tmp_path / "images", tmp_path / "labels"
    for folder in (images, labels):
        folder.mkdir()
    for index, (image, ground_truth) in enumerate(clear_volumes(num)):
        np.save(images / f"{index}.npy", image)
        np.save(labels / f"{index}.npy", ground_truth)
    return images, labels


@pytest.mark.slow
def test_annotated_volumes_from_files_to_a_model(tmp_path):
    """Fine-tuned from the bundled model, judged by the volume that was held out."""
    images, labels = annotated(tmp_path)
    words = ["--images", images, "--labels", labels, "--hold-out", 1, "--size", "small", "--iterations", 2]
    done = run("train", "--out", tmp_path / "run", "--from", DEFAULT_MODEL, "--device", "cpu", *words)
    assert done.exit_code == 0, done.output
    assert "4 objects in 1 volume; evaluated on 1.npy" in done.output
    (row,) = (tmp_path / "run" / "log.csv").read_text().splitlines()[1:]
    assert 0 < float(row.split(",")[-1]) < 2
    done = run("train", "--out", tmp_path / "run", "--resume", "--iterations", 3, "--device", "cpu")
    assert done.exit_code == 0, done.output
    assert "3 of 3 iterations, finished" in done.output
    card = load_model_file(tmp_path / "run" / "best.safetensors").card
    assert (card["volumes"], card["objects"]) == (["0.npy"], 4)
    assert card["defaults"] == load_start(DEFAULT_MODEL).defaults
    assert card["from"]["model"] == DEFAULT_MODEL
    assert str(tmp_path) not in json.dumps(card)


def test_a_mask_as_labels_is_learnt_from_with_a_note(tmp_path):
    images, labels = annotated(tmp_path)
    words = [
        "--images",
        images,
        "--labels",
        labels,
        "--config",
        toy(tmp_path, iterations=1),
        "--device",
        "cpu",
    ]
    done = run("train", "--out", tmp_path / "numbered", *words)
    assert done.exit_code == 0, done.output
    assert "note" not in done.output
    np.save(labels / "1.npy", np.load(labels / "1.npy") > 0)
    done = run("train", "--out", tmp_path / "mask", *words)
    assert done.exit_code == 0, done.output
    (note,) = [line for line in done.output.splitlines() if "note" in line]
    assert note.startswith(
        "  note: labels in several pieces, each learnt as one object, in 1.npy; give every"
    )
    assert "scipy.ndimage.label" in note


def test_bad_annotated_volumes_are_one_line(tmp_path):
    images, labels = annotated(tmp_path)
    (labels / "1.npy").rename(labels / "2.npy")
    np.save(images / "small.npy", np.zeros((8, 8, 8), np.uint8))
    judged = ["--validation-images", images, "--validation-labels", labels]
    for words, message in (
        (["--images", images], "belong together; give both"),
        (["--images", images, "--labels", tmp_path / "none"], "none does not exist"),
        (["--images", images, "--labels", labels], "images lacks 2 and .*labels lacks 1, small; give"),
        (
            ["--images", images / "small.npy", "--labels", labels / "0.npy"],
            r"0.npy has the shape .* but .*small.npy \(8, 8, 8\); give files",
        ),
        (
            ["--images", images / "0.npy", "--labels", labels / "0.npy", "--hold-out", 1],
            "leaves none of the 1",
        ),
        (["--images", images, "--labels", labels, "--recipe", "wide"], "leave one of them out"),
        (["--unlabelled-is", "ignore"], "--unlabelled-is need"),
        (
            [*judged, "--images", images, "--labels", labels, "--hold-out", 1],
            "--hold-out evaluates .* leave one of them out",
        ),
    ):
        done = run("train", "--out", tmp_path / "run", *words)
        assert done.exit_code == 2
        assert re.search(message, done.stderr), done.stderr
        assert done.stderr.count("\n") == 1
    assert not (tmp_path / "run").exists()
