"""``anystar train --fine-tune``."""

import numpy as np
import pytest
from click.testing import CliRunner

import anystar
from anystar.cli import main
from tests.workflow.test_fine_tuning import corrected


def run(*arguments):
    return CliRunner().invoke(main, [str(a) for a in arguments])


@pytest.fixture
def files(tmp_path):
    volume = corrected()
    labels, image = tmp_path / "balls_labels.tif", tmp_path / "balls.tif"
    anystar.write(image, volume.image)
    anystar.write(labels, volume.labels, like=volume.image)
    return labels, image


@pytest.mark.slow
def test_one_line_makes_a_model_and_prints_scores_before_and_after(files, tmp_path):
    done = run("train", "--fine-tune", *files, "--iterations", 2, "--device", "cpu")
    assert done.exit_code == 0, done.output
    assert "6 objects were learnt from, in 2 steps" in done.stdout
    assert "on 2 objects that were held out:  before   after" in done.stdout
    assert "AP at IoU 0.5" in done.stdout
    model = tmp_path / "balls_model" / "balls.safetensors"
    assert f"wrote {model}" in done.stdout
    assert model.exists()
    again = run("train", "--fine-tune", *files, "--iterations", 2)
    assert again.exit_code == 2
    assert "holds a run already; continue it with --resume" in again.stderr


def test_only_what_was_reviewed_counts(files, tmp_path):
    labels, image = files
    shape = anystar.read(image).shape
    anystar.write(tmp_path / "balls_labels_reviewed.tif", np.zeros(shape, np.uint8), like=anystar.read(image))
    done = run("train", "--fine-tune", labels, image)
    assert done.exit_code == 2
    assert "only what was reviewed counts, 0% of the volume" in done.stdout
    assert "no object of balls is reviewed; confirm or correct some first" in done.stderr


@pytest.mark.parametrize(
    "more",
    [("--recipe", "wide"), ("--config", "x.toml"), ("--profile",), ("--images", "a"), ("--thin", "0.5")],
)
def test_options_that_the_preset_chooses_are_refused(files, more, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.toml").write_text("")
    done = run("train", "--fine-tune", *files, *more)
    assert done.exit_code == 2
    assert f"--fine-tune chooses {more[0]} itself; leave one of them out" in done.stderr


def test_labels_and_image_that_are_swapped_are_recognised(files):
    labels, image = files
    done = run("train", "--fine-tune", image, labels)
    assert done.exit_code == 2
    assert "swapped" in done.stderr
