"""``anystar synthesize``: many pairs, killed and started again, and one sample explained."""

import json
import os
import signal
import subprocess
import sys
import time
import tomllib

import numpy as np
import pytest
import zarr

from anystar import io
from anystar.dataset import stores as pairs
from anystar.synth.generate import generate
from anystar.synth.layouts import build_objects
from anystar.synth.recipes import get_recipe, recipe_names
from anystar.synth.streams import Streams

SMALL = ("--shape", 12, 16, 20, "--workers", 1)


def made(run, out, *args):
    result = run("synthesize", out, *args, *SMALL)
    assert result.exit_code == 0, result.output
    return result.stdout


def contents(folder):
    """Every file below a folder with what it holds."""
    return {p.relative_to(folder): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.mark.parametrize("suffix", ["tif", "nii.gz", "npy"])
def test_pairs_are_those_of_generate(tmp_path, run, suffix):
    out = tmp_path / "out"
    said = made(run, out, "-n", 2, "--format", suffix, "--seed", 4, "--recipe", "wide")
    assert "2 pairs to make; about " in said
    assert "2 pairs of wide (seed 4) in" in said
    batch = generate(get_recipe("wide"), seed=4, indices=[0, 1], shape=(12, 16, 20))
    for index in range(2):
        image = io.read(out / "images" / f"{index:06d}.{suffix}").data
        labels = io.read(out / "labels" / f"{index:06d}.{suffix}").data
        assert np.allclose(image, batch.image[index, 0], atol=1e-5)
        assert np.array_equal(labels, batch.labels[index])


def test_zarr_is_read_by_zarr_and_grows(tmp_path, run):
    out = tmp_path / "out"
    for number in (2, 3):
        made(run, out, "-n", number, "--format", "zarr")
        group = zarr.open_group(out / "samples.zarr", mode="r")
        assert group["images"].shape == (number, 12, 16, 20)
    batch = generate(get_recipe("as-mix"), seed=0, indices=[2], shape=(12, 16, 20))
    assert np.allclose(group["images"][2], batch.image[0, 0])
    assert np.array_equal(group["labels"][2], batch.labels[0])


@pytest.mark.parametrize("suffix", ["tif", "nii.gz", "npy", "zarr"])
def test_slices(tmp_path, run, suffix):
    out = tmp_path / "out"
    made(run, out, "-n", 2, "--two-d", "--format", suffix)
    if suffix == "zarr":
        assert zarr.open_group(out / "samples.zarr", mode="r")["labels"].shape == (2, 16, 20)
    elif suffix == "npy":
        assert np.load(out / "images" / "000001.npy").shape == (16, 20)
        assert np.load(out / "labels" / "000001.npy").dtype.kind == "u"
    assert len(contents(out)) == (11 if suffix == "zarr" else 5)


def test_the_manifest_says_how(tmp_path, run):
    out, config = tmp_path / "out", tmp_path / "c.toml"
    config.write_text("[layout]\ndiameter = [6, 9]\n")
    made(run, out, "-n", 3, "--recipe", "wide", "--config", config)
    head, *samples = map(json.loads, (out / "manifest.jsonl").read_text().splitlines())
    assert head["recipe"] == "wide"
    assert head["seed"] == 0
    assert head["config"]["layout"]["diameter"] == [6, 9]
    assert [s["index"] for s in samples] == [0, 1, 2]
    assert all(s["layout"]["num_objects"] >= 0 and "polarity" in s["image"] for s in samples)


def test_started_again_it_adds_only_what_is_missing(tmp_path, run, monkeypatch):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    made(run, whole, "-n", 4)
    made(run, parts, "-n", 2)
    (parts / "labels" / "000000.tif").unlink()  # killed between the two files of a pair
    (parts / "images" / ".999999999.partial.000003.tif").write_bytes(b"half")
    with open(parts / "manifest.jsonl", "a") as file:
        file.write('{"index": 3, "wor')  # killed in the middle of a line
    assert "3 pairs to make, 1 there already" in made(run, parts, "-n", 4)
    assert contents(whole) == contents(parts)
    monkeypatch.setattr(pairs.FileStore, "write", lambda *_: pytest.fail("nothing is left to do"))
    made(run, parts, "-n", 4)


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["npy", "zarr"])
def test_killed_and_started_again_it_ends_with_the_same_files(tmp_path, run, suffix):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    options = ["-n", "12", "--shape", "12", "16", "20", "--format", suffix]
    assert run("synthesize", whole, *options, "--workers", 1).exit_code == 0
    code = "from anystar.cli import main; main()"
    command = [sys.executable, "-c", code, "synthesize", str(killed), *options, "--workers", "2"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 300
    while time.monotonic() < until and process.poll() is None:
        manifest = killed / "manifest.jsonl"
        if manifest.exists() and len(manifest.read_text().splitlines()) > 3:
            break
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    time.sleep(1)  # its workers follow
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert contents(whole) == contents(killed)


@pytest.mark.slow
def test_on_a_dask_cluster_the_same_bytes(tmp_path, run, monkeypatch):
    """Real workers, found by their scheduler's address; a folder that they do not see is refused."""
    from anystar.runtime.cluster import connect

    whole, there = tmp_path / "whole", tmp_path / "there"
    made(run, whole, "-n", 6, "--format", "zarr")
    with connect("local", workers=2) as client:
        options = ("--format", "zarr", "--shape", 12, 16, 20, "--dask", client.scheduler_info()["address"])
        for number in (2, 6):  # and resumed
            result = run("synthesize", there, "-n", number, *options)
            assert result.exit_code == 0, result.output
        assert contents(whole) == contents(there)
        monkeypatch.setattr("anystar.dataset.manifest.Manifest.begin", lambda self: None)
        result = run("synthesize", tmp_path / "unseen", "-n", 2, *options)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert "the Dask worker on" in line
    assert "does not see" in line
    assert "choose a folder on a disk that all workers share" in line


def test_one_sample_is_replayed_and_explained(tmp_path, run):
    result = run("synthesize", tmp_path, "--index", 7, "--seed", 2, "--shape", 16, 16, 16, "--recipe", "wide")
    assert result.exit_code == 0, result.output
    with open(tmp_path / "000007.toml", "rb") as file:
        said = tomllib.load(file)
    batch = generate(get_recipe("wide"), seed=2, indices=[7], shape=(16, 16, 16))
    assert said["index"] == 7
    assert said["instances"] == int(batch.labels.max())
    assert set(said["drawn"]) == set(batch.drawn[0])
    assert len(said["drawn"]["layout"]["centre"]) == said["drawn"]["layout"]["num_objects"]
    assert np.allclose(io.read(tmp_path / "000007_image.tif").data, batch.image[0, 0], atol=1e-6)
    assert (tmp_path / "000007.png").stat().st_size > 5000


def test_previews(tmp_path, run, monkeypatch):
    picture = tmp_path / "p.png"
    made(run, tmp_path / "out", "-n", 2, "--preview", picture)
    assert picture.stat().st_size > 5000
    monkeypatch.setattr("anystar.synth.recipes.recipe_names", lambda: ("as-mix", "wide"))
    result = run("synthesize", tmp_path / "g", "--preview", tmp_path / "g.png", "--shape", 12, 12, 12)
    assert result.exit_code == 0, result.output
    assert (tmp_path / "g.png").stat().st_size > 5000
    assert not (tmp_path / "g").exists()


BAD = {
    "recipe": (["-n", 1, "--recipe", "as-mx"], "unknown recipe 'as-mx'; did you mean 'as-mix'?"),
    "no number": ([], "-n is missing; give -n N"),
    "both": (["-n", 1, "--index", 2], "--index explains one sample and -n makes many; give one"),
    "small": (
        ["-n", 1, "--shape", 4, 64, 64],
        "shape must be three numbers, got 4 64 64; give at least 8 voxels each",
    ),
    "large": (["-n", 1, "--shape", 8, 8, 1025], "at most 1024 voxels per axis, and the shape has 1025"),
    "two numbers": (["-n", 1, "--shape", 64, 64], "--shape"),
    "format": (["-n", 1, "--format", "png"], "'png' is not one of"),
    "preview": (["-n", 1, "--preview", "p.jpg"], "--preview must end in .png, got p.jpg; change"),
    "cluster": (["-n", 1, "--dask", "locl"], "no cluster 'locl'; did you mean 'local'? Or give a scheduler"),
    "config": (["-n", 1, "--config", "no.toml"], "no.toml does not exist; check the name"),
    "much": (["-n", 10**9], "1000000000 pairs need about"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input(tmp_path, refused, case):
    options, message = BAD[case]
    assert message in refused("synthesize", tmp_path / "out", *options, folder=tmp_path)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[layuot]\ndiameter = [6, 9]", "unknown key 'layuot'; did you mean 'layout'?"),
        ("[layout]\ndiameter = [9, 6]", "diameter must be [low, high]"),
        ("layout = 'x'", "layout must be a table of its keys, [layout], got 'x'"),
        ("[image]\nrim = 1.5", "rim must be a probability within [0, 1], got 1.5"),
        ("[layout", "is not valid TOML"),
    ],
)
def test_bad_knobs(tmp_path, run, text, message):
    config = tmp_path / "c.toml"
    config.write_text(text)
    result = run("synthesize", tmp_path / "out", "-n", 1, "--recipe", "wide", "--config", config)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert message in line
    assert str(config) in line
    assert not (tmp_path / "out").exists()


def test_a_folder_of_other_samples_is_refused(tmp_path, run):
    out = tmp_path / "out"
    made(run, out, "-n", 1)
    before = contents(out)
    result = run("synthesize", out, "-n", 2, "--seed", 1, *SMALL)
    assert result.exit_code == 2
    assert "holds samples of seed 0 instead of 1; choose another folder" in result.stderr
    config = tmp_path / "c.toml"
    config.write_text("min_voxels = 30")
    assert (
        "holds samples of other knobs" in run("synthesize", out, "-n", 2, "--config", config, *SMALL).stderr
    )
    assert contents(out) == before


def test_a_full_disk_keeps_what_is_finished(tmp_path, run, monkeypatch):
    write = pairs.FileStore.write

    def fill(self, index, image, labels):
        if index == 2:
            monkeypatch.setattr(io, "write", full)
        write(self, index, image, labels)

    def full(path, *_, **__):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")  # as the system says it: without a name

    monkeypatch.setattr(pairs.FileStore, "write", fill)
    out = tmp_path / "out"
    result = run("synthesize", out, "-n", 4, *SMALL)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert f"{out / 'images' / '000002.tif'}: No space left on device; choose another place" in line
    assert len(contents(out)) == 5
    monkeypatch.undo()
    assert "2 there already" in made(run, out, "-n", 4)


def test_the_files_of_others_are_not_overwritten(tmp_path, run):
    theirs = tmp_path / "out" / "images" / "000000.tif"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("precious")
    result = run("synthesize", tmp_path / "out", "-n", 1, *SMALL)
    assert result.exit_code == 2
    assert "choose another folder, so that nothing is overwritten" in result.stderr
    assert contents(tmp_path / "out") == {theirs.relative_to(tmp_path / "out"): b"precious"}


@pytest.mark.parametrize(("suffix", "place"), [("tif", "000001.tif"), ("zarr", "1.0.0.0")])
def test_an_empty_file_is_made_again(tmp_path, run, suffix, place):
    how = ("-n", 2, "--format", suffix)
    made(run, tmp_path, *how)
    before = contents(tmp_path)
    next(path for path in tmp_path.rglob(place) if path.parent.name == "images").write_bytes(b"")
    assert "1 pairs to make, 1 there already" in made(run, tmp_path, *how)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("line", ['{"foo": 1}', '{"index": "x"}', "[1]", "\udcff"])
def test_lines_of_a_manifest_that_say_nothing_are_left_out(tmp_path, run, line):
    made(run, tmp_path, "-n", 1)
    path = tmp_path / "manifest.jsonl"
    before = path.read_bytes()
    path.write_bytes(before + line.encode(errors="surrogateescape") + b"\n")
    made(run, tmp_path, "-n", 1)
    assert path.read_bytes() == before


def test_a_slice_is_replayed_as_it_was_made(tmp_path, run):
    made(run, tmp_path, "-n", 2, "--two-d", "--format", "npy")
    made(run, tmp_path, "--index", 1, "--two-d", "--format", "npy")
    for folder, part in (("images", "image"), ("labels", "labels")):
        stored = np.load(tmp_path / folder / "000001.npy")
        assert np.array_equal(np.load(tmp_path / f"000001_{part}.npy"), stored)


@pytest.mark.parametrize("recipe", ["as-mix", "wide"])
def test_a_flat_sample_costs_what_its_voxels_cost(recipe):
    """Nothing is as long as the longest side along every axis."""
    shape = (8, 8, 500)
    streams = Streams(0, [0], "cpu")
    drawn = get_recipe(recipe).layout.draw(streams.scalars("layout")[0], 500, shape)
    objects = build_objects([drawn], streams)
    assert objects.noise_B1IJK.numel() < 512**3
    if recipe == "wide":
        assert objects.noise_B1IJK.numel() < 60 * 60 * 500
    batch = generate(get_recipe(recipe), seed=0, indices=[0], shape=shape)
    assert batch.labels.shape == (1, *shape)


def test_a_world_that_would_not_fit_is_refused(tmp_path, run):
    result = run("synthesize", tmp_path, "-n", 1, "--shape", 8, 8, 2000)
    assert result.exit_code == 2
    assert "at most 1024 voxels per axis" in result.stderr


def test_spheres_without_room_are_refused_before_anything_is_made(tmp_path, run):
    config = tmp_path / "c.toml"
    config.write_text("[layout]\nradius_range = [10, 100]\n")
    result = run("synthesize", tmp_path / "out", "-n", 1, "--config", config, *SMALL)
    assert result.exit_code == 2
    assert "layout.radius" in result.stderr
    assert not (tmp_path / "out").exists()


def test_the_help_names_every_recipe(run):
    text = " ".join(run("synthesize", "--help").stdout.split())
    assert f"Recipes: {', '.join(recipe_names())}. " in text
