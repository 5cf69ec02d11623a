"""Which volume of a file: the same options for every command that reads images."""

import json

import click
import numpy as np
import pytest
import tifffile

from anystar import io
from anystar.arrays import Volume
from anystar.cli import main
from anystar.io.files import shared_axes
from anystar.report.table import read_table
from anystar.workflow.annotated import read_pairs

CHOICES = {"channel", "time", "series", "axes"}
READERS = {"segment", "measure", "report", "tune", "train", "evaluate"}


@pytest.mark.parametrize("name", sorted(READERS | {"timecourse"}))
def test_every_command_that_reads_images_takes_them(name):
    command = main.get_command(click.Context(main), name)
    expected = CHOICES - ({"time"} if name == "timecourse" else set())
    assert expected <= {param.name for param in command.params}


@pytest.fixture
def as_times(tmp_path, cells):
    """An image and its labels, saved with their planes as time points; and the labels as a plain volume."""
    image = io.read(cells).data
    labels = np.where(image > 100, 1, 0).astype(np.uint16)
    labels[6:] *= 2
    for name, data in (("image", image), ("labels", labels)):
        tifffile.imwrite(tmp_path / f"{name}.tif", data, imagej=True, metadata={"axes": "TYX"})
    io.write(tmp_path / "plain.nii", Volume(data=labels, spacing=(1, 1, 1)))
    return tmp_path


def test_measure_takes_axes_for_image_and_labels(as_times, run, refused):
    image, labels, table = as_times / "image.tif", as_times / "labels.tif", as_times / "t.csv"
    message = refused("measure", labels, image, "--table", table, folder=as_times)
    assert "--axes ZYX" in message
    for each in (labels, as_times / "plain.nii"):
        result = run("measure", each, image, "--table", table, "--axes", "ZYX", "--overwrite")
        assert result.exit_code == 0, result.output
        assert read_table(table)[0]["intensity_mean"].tolist() == [200, 200]
    alone = run("measure", labels, "--table", table, "--axes", "ZYX", "--overwrite")
    assert alone.exit_code == 0, alone.output


def test_evaluate_takes_axes(as_times, run):
    labels, scores = as_times / "labels.tif", as_times / "scores.json"
    result = run("evaluate", labels, labels, "--axes", "ZYX", "--json", scores)
    assert result.exit_code == 0, result.output
    assert json.loads(scores.read_text())["files"]["labels.tif"]["mean_ap"] == 1


def test_axes_are_shared_only_by_files_that_state_the_same(as_times):
    image, labels = as_times / "image.tif", as_times / "labels.tif"
    assert shared_axes(labels, image, "ZYX") == "ZYX"
    assert shared_axes(labels, image, None) is None
    assert shared_axes(as_times / "plain.nii", image, "ZYX") is None


def test_pairs_take_a_series_of_the_images_and_check_labels(tmp_path, cells):
    image = io.read(cells).data
    labels = np.where(image > 100, 1, 0).astype(np.uint16)
    path = tmp_path / "two.tif"
    with tifffile.TiffWriter(path) as writer:  # not equal, so a choice has to be made
        writer.write(image[:, :9], metadata={"axes": "ZYX"})
        writer.write(image, metadata={"axes": "ZYX"})
    io.write(tmp_path / "labels.tif", Volume(data=labels))
    (pair,) = read_pairs(path, tmp_path / "labels.tif", series=1)
    np.testing.assert_array_equal(pair.image, image)
    with pytest.raises(io.FileError, match=r"two.tif .*series="):
        read_pairs(path, tmp_path / "labels.tif")
    noise = np.random.default_rng(0).integers(0, 1000, image.shape).astype(np.uint16)
    io.write(tmp_path / "noise.tif", Volume(data=noise))
    with pytest.raises(io.FileError, match="intensities, not labels"):
        read_pairs(cells, tmp_path / "noise.tif")


def test_report_takes_them(as_times, cells, model, run):
    labels, image, page = as_times / "plain.nii", as_times / "image.tif", as_times / "r.html"
    failed = run("report", labels, "--images", image, "-o", page)
    assert failed.exit_code == 2
    assert "--axes ZYX" in failed.stderr
    result = run("report", labels, "--images", image, "--axes", "ZYX", "-o", page)
    assert result.exit_code == 0, result.output
