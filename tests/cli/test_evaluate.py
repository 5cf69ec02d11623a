"""``anystar evaluate`` on files and folders."""

import json
import re

import numpy as np
import pytest

from anystar import io
from anystar.arrays import Volume


@pytest.fixture
def labels(tmp_path):
    """A ground truth of two blocks and a prediction that has one of them and a false one."""
    ground_truth, pred = np.zeros((2, 6, 8, 8), np.int32)
    ground_truth[1:3, 1:4, 1:4], ground_truth[1:3, 5:8, 5:8] = 1, 2
    pred[1:3, 1:4, 1:4], pred[4:6, 1:4, 5:8] = 70_000, 3
    for name, data in (("ground_truth.tif", ground_truth), ("pred.tif", pred)):
        io.write(tmp_path / name, Volume(data=data))
    return tmp_path


def test_two_files(labels, run):
    result = run("evaluate", labels / "pred.tif", labels / "ground_truth.tif", "--json", labels / "s.json")
    assert result.exit_code == 0, result.output
    assert "mean AP over IoU 0.1 to 0.9: 0.333" in result.stdout
    content = json.loads((labels / "s.json").read_text())
    half = content["total"]["scores"][4]
    assert {k: half[k] for k in ("threshold", "tp", "fp", "fn")} == {
        "threshold": 0.5,
        "tp": 1,
        "fp": 1,
        "fn": 1,
    }
    files = {"pred": "pred.tif", "ground_truth": "ground_truth.tif"}
    assert content["files"]["pred.tif"] == files | content["total"]


def test_chosen_thresholds(labels, run):
    result = run("evaluate", labels / "pred.tif", labels / "ground_truth.tif", "--iou", 0.5, "--iou", 0.75)
    assert [line.split()[0] for line in result.stdout.splitlines()[1:3]] == ["0.50", "0.75"]


def test_folders_match_by_name_whatever_the_ending(labels, run):
    for folder in ("pred", "ground_truth"):
        (labels / folder).mkdir()
    for name in ("a", "b"):
        io.write(labels / "pred" / f"{name}.npy", io.read(labels / "pred.tif"))
        io.write(labels / "ground_truth" / f"{name}.nii.gz", io.read(labels / "ground_truth.tif"))
    result = run("evaluate", labels / "pred", labels / "ground_truth", "--json", labels / "s.json")
    assert result.exit_code == 0, result.output
    content = json.loads((labels / "s.json").read_text())
    assert list(content["files"]) == ["a", "b"]
    assert content["total"]["scores"][0]["tp"] == 2
    assert "all 2 files:" in result.stdout

    io.write(labels / "pred" / "b.npy", Volume(data=np.zeros((2, 3, 4), np.uint8)))
    result = run("evaluate", labels / "pred", labels / "ground_truth")
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert "has the shape (2, 3, 4) but" in line
    assert "1 of 2 pairs failed" in result.stdout

    (labels / "pred" / "b.npy").rename(labels / "pred" / "c.npy")
    result = run("evaluate", labels / "pred", labels / "ground_truth")
    assert result.exit_code == 1
    assert [line.split("anystar: ")[1] for line in result.stderr.splitlines()] == [
        f"{labels / 'pred'} lacks b; the others are compared",
        f"{labels / 'ground_truth'} lacks c; the others are compared",
    ]
    assert "left out for want of a partner" in result.stdout
    assert "mean AP over IoU" in result.stdout


def test_spacings_must_agree_and_empty_labels_are_said(labels, run, refused):
    data = io.read(labels / "pred.tif").data
    for name, spacing in (("a.tif", (2, 1, 1)), ("b.tif", (3, 1, 1))):
        io.write(labels / name, Volume(data=data, spacing=spacing))
    line = refused("evaluate", labels / "a.tif", labels / "b.tif", folder=labels)
    assert "a.tif has the voxel size 2 x 1 x 1 but" in line
    io.write(labels / "none.tif", Volume(data=data * 0))
    result = run("evaluate", labels / "none.tif", labels / "ground_truth.tif")
    assert result.exit_code == 0
    assert "none.tif has no object found; it counts, but check" in result.stderr
    assert "labelled object" in run("evaluate", labels / "pred.tif", labels / "none.tif").stderr


def test_bad_input(labels, refused):
    io.write(labels / "small.tif", Volume(data=np.zeros((5, 8, 8), np.uint8)))
    io.write(labels / "grey.tif", Volume(data=np.full((6, 8, 8), 0.5, np.float32)))
    io.write(labels / "negative.nii", Volume(data=np.full((6, 8, 8), -1, np.int16)))
    for folder in ("one", "two", "none"):
        (labels / folder).mkdir()
    io.write(labels / "one" / "a.tif", io.read(labels / "pred.tif"))
    io.write(labels / "two" / "b.tif", io.read(labels / "pred.tif"))
    for pred, ground_truth, message in (
        ("pred.tif", "small.tif", r"pred\.tif has the shape \(6, 8, 8\) but .*\(5, 8, 8\); give files"),
        ("grey.tif", "ground_truth.tif", r"grey\.tif has fractional values; give a label image"),
        ("pred.tif", "negative.nii", r"negative\.nii has the negative label -1; give a label image"),
        ("no.tif", "ground_truth.tif", r"no\.tif does not exist; check the name"),
        ("one", "ground_truth.tif", r"are a file and a folder; give two files or two folders"),
        ("one", "two", r"one lacks b and .*two lacks a; give folders of matching names"),
        ("one", "none", r"none holds no images; expected"),
    ):
        line = refused(
            "evaluate", labels / pred, labels / ground_truth, "--json", labels / "s.json", folder=labels
        )
        assert re.search(message, line), line
    line = refused("evaluate", labels / "pred.tif", labels / "ground_truth.tif", "--iou", 0, folder=labels)
    assert "--iou takes a number above 0 and up to 1, got '0'; see" in line
    for folder, name in (("one", "a.npy"), ("two", "a.tif"), ("two", "c_labels.tif"), ("two", "c.nii")):
        io.write(labels / folder / name, io.read(labels / "pred.tif"))
    for pred, ground_truth, first, second in (
        ("one", "two", "a.npy", "a.tif"),
        ("two", "two", "c.nii", "c_labels"),
    ):
        line = refused("evaluate", labels / pred, labels / ground_truth, folder=labels)
        assert re.search(rf"{first} and .*{second}.* would be the same volume; rename one of them", line), (
            line
        )


def test_roles_do_not_count_and_stores_are_no_folders(labels, run):
    for place in (
        "pred/a.tif",
        "pred/b_pred.tif",
        "ground_truth/a_labels.tif",
        "ground_truth/b.zarr",
        "alone.zarr",
    ):
        io.write(labels / place, io.read(labels / f"{'pred' if 'pred' in place else 'ground_truth'}.tif"))
    result = run("evaluate", labels / "pred", labels / "ground_truth", "--json", labels / "s.json")
    assert result.exit_code == 0, result.output
    assert list(json.loads((labels / "s.json").read_text())["files"]) == ["a", "b"]
    assert "0.333" in run("evaluate", labels / "pred.tif", labels / "alone.zarr").stdout


def test_the_scores_replace_no_input_and_nothing_unasked(labels, run, refused):
    pair = ("evaluate", labels / "pred.tif", labels / "ground_truth.tif", "--json")
    before = (labels / "pred.tif").read_bytes()
    line = refused(*pair, labels / "pred.tif", "--overwrite", folder=labels)
    assert "--json must end in .json, got" in line
    (labels / "link.json").symlink_to(labels / "ground_truth.tif")
    line = refused(*pair, labels / "link.json", "--overwrite", folder=labels)
    assert "link.json is an input and would be overwritten; choose another output" in line
    assert (labels / "pred.tif").read_bytes() == before
    (labels / "s.json").write_text("mine")
    line = refused(*pair, labels / "s.json", folder=labels)
    assert "s.json exists already; add --overwrite, or choose another name" in line
    assert (labels / "s.json").read_text() == "mine"
    assert run(*pair, labels / "s.json", "--overwrite").exit_code == 0
    assert json.loads((labels / "s.json").read_text())["total"]
