"""``anystar reproduce`` with a real network on toy volumes."""

import csv
import json
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
import tifffile

from anystar import io
from anystar.arrays import Volume
from anystar.predict.registry import DEFAULT_MODEL
from tests.scenes import noisy_balls

MODEL = Path(str(resources.files("anystar") / "models" / f"{DEFAULT_MODEL}.safetensors"))


@pytest.fixture
def toy(tmp_path):
    """One volume of sixteen balls, far easier than anything real."""
    image, labels = noisy_balls((28, 28, 56), seed=4, num=16)
    place = Volume(data=image, spacing=(1, 1, 1))
    io.write(tmp_path / "data" / "toy_image.tif", place)
    io.write(tmp_path / "data" / "toy_labels.tif", labels, like=place)
    return tmp_path


def test_a_toy_reproduction_of_everything(toy, run):
    options = ["--data", toy / "data", "-o", toy / "out", "--model", DEFAULT_MODEL, "--cut"]
    options += ["--network", f"toy={MODEL}"]  # in the place of one trained on it: training takes too long
    options += ["--corruption", "planes", "--stardist", toy / "no-model", "--device", "cpu"]
    result = run("reproduce", *options)
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == 1, result.output
    assert (
        result.stderr
        == "anystar: no environment for stardist is given; name its Python with --stardist-python\n"
    )
    assert "left out (1):" in result.stdout
    for name in ("accuracy", "domains", "robustness", "peers"):
        for ending in ("md", "csv", "png", "svg"):
            assert f"wrote {toy / 'out' / name}.{ending}" in result.stdout
    for name in ("domains", "ablations", "peers"):
        assert f"wrote {toy / 'out' / name}-slices.png" in result.stdout
    assert "trained-on-all" in (toy / "out/accuracy.md").read_text()
    assert "toy-trained-on-all" in (toy / "out/domains.md").read_text()
    with open(toy / "out/accuracy.csv", newline="") as file:
        half = next(r for r in csv.DictReader(file) if r["iou"] == "0.5")
    assert half["chosen"] == "searched on toy-held-out"
    assert float(half["ap"]) > 0.5
    used = json.loads((toy / "out/used.json").read_text())
    assert list(used) == ["datasets", "accuracy", "domains", "robustness", "ablations", "peers"]
    assert str(toy / "data/toy_image.tif") in used["accuracy"]["files"]

    before = {p: p.read_bytes() for p in (toy / "out").rglob("*.csv")}
    result = run("reproduce", "accuracy", "peers", *options)
    assert "segments" not in result.stdout
    assert {p: p.read_bytes() for p in before} == before


def test_bad_input(tmp_path, refused):
    np.save(tmp_path / "a_image.npy", np.zeros((8, 8, 8)))
    np.save(tmp_path / "a_labels.npy", np.ones((8, 8, 8), int))
    for words, message in (
        (["acuracy"], "unknown experiment 'acuracy'; did you mean 'accuracy'?"),
        (["--only", "b"], "has no data set 'b'; known: a"),
        (["--corruption", "blurr"], "unknown corruption 'blurr'; did you mean 'blur'?"),
        (["--network", "x"], "--network takes NAME=PATH, got 'x'; write"),
        (["--network", "b=c"], "--network b=c: there is no data set 'b'; known: a"),
        (["--model", "non"], "unknown model 'non'"),
        (["--iterations", 3], "--iterations belongs to --train; give both"),
        (["--labels", "=c"], "--labels takes NAME=PATH"),
    ):
        line = refused("reproduce", *words, "--data", tmp_path, "-o", tmp_path / "out", folder=tmp_path)
        assert message in line, line
    line = refused("reproduce", "--data", tmp_path / "no", folder=tmp_path)
    assert "is not a folder; give the folder that holds the data sets" in line


def test_the_course_of_a_series_of_ones_own(toy, run):
    """Regions that brighten by half from the second half on."""
    labels = io.read(toy / "data/toy_labels.tif")
    gain = np.where(np.arange(20) < 10, 1.0, 1.5)
    frames = np.stack([(labels.data > 0) * 100.0 * g + 20 for g in gain]).astype(np.float32)
    tifffile.imwrite(toy / "series.tif", frames, metadata={"axes": "TZYX"}, ome=True)
    options = ["--data", toy / "data", "-o", toy / "out", "--series", toy / "series.tif"]
    options += ["--series-labels", toy / "data/toy_labels.tif"]
    result = run("reproduce", "timecourse", *options)
    assert result.exit_code == 0, result.output
    assert (toy / "out/timecourse/curves.csv").stat().st_size > 1000
    assert (toy / "out/timecourse/curves.png").stat().st_size > 10_000
    assert "is there already" in run("reproduce", "timecourse", *options).stdout
    missing = run("reproduce", "timecourse", "--data", toy / "data", "-o", toy / "new")
    assert missing.exit_code == 0
    assert "not run: the paper's series is not public" in missing.stdout
