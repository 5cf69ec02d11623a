"""Several probability thresholds in one run of the network."""

import numpy as np
import pytest

import anystar
from anystar import io
from anystar.arrays import Volume
from anystar.errors import InputError
from anystar.workflow.opened import open_file
from anystar.workflow.provenance import read_provenance
from anystar.workflow.segment import segment_thresholds
from tests.cli.conftest import run
from tests.predict.stub import stub_model
from tests.scenes import spots

__all__ = ["run"]


@pytest.fixture
def stub(monkeypatch, tmp_path):
    """A network that takes bright for probable, and an image of brighter and darker objects."""
    model = stub_model()
    monkeypatch.setitem(vars(anystar), "load_model", lambda name=None, device="auto": model)
    image = spots([1.0, 0.95, 0.9, 0.8, 0.7, 0.6])
    io.write(tmp_path / "i.tif", Volume(data=image, spacing=(1.0, 1.0, 1.0)))
    return model


@pytest.mark.parametrize("box", [None, "2:38,3:50,:"])
def test_each_threshold_gives_what_a_run_of_its_own_does(tmp_path, stub, run, box):
    more = () if box is None else ("--box", box)
    words = ("segment", tmp_path / "i.tif", "-o", tmp_path / "l.tif", "--diameter", 8, *more)
    result = run(*words, "--table", tmp_path / "t.csv", "--prob-thresh", 0.8, 0.4, 0.6)
    assert result.exit_code == 0, result.output
    seen = len(stub.network.seen)
    counts = []
    for value in ("0.40", "0.60", "0.80"):
        assert run(*words, "--prob-thresh", value, "--overwrite").exit_code == 0
        labels = io.read(tmp_path / f"l_p{value}.tif").data
        np.testing.assert_array_equal(labels, io.read(tmp_path / "l.tif").data)
        counts.append(labels.max())
        parameters = read_provenance(tmp_path / f"t_p{value}.csv")["parameters"]
        assert parameters["prob_thresh"] == float(value)
        assert parameters["output"] == str(tmp_path / f"l_p{value}.tif")
    assert counts[0] > counts[1] > counts[2] > 0
    assert len(stub.network.seen) == 4 * seen, "the network ran once for all three"
    tables = " ".join(str(tmp_path / f"t_p{v}.csv") for v in ("0.40", "0.60", "0.80"))
    assert f"compare them with: anystar report {tables} -o report.html" in result.stdout


def test_in_blocks_the_network_runs_once_as_well(tmp_path, stub, run):
    words = ("segment", tmp_path / "i.tif", "--diameter", 8, "--memory", "8GB")
    singles = []
    for value in (0.4, 0.7):
        stub.network.seen.clear()
        assert run(*words, "-o", tmp_path / f"{value}.zarr", "--prob-thresh", value).exit_code == 0
        singles.append(io.read_labels(tmp_path / f"{value}.zarr").data)
    runs = len(stub.network.seen)
    more = ("-o", tmp_path / "l.zarr", "--table", tmp_path / "t.csv", "--prob-thresh", 0.7, 0.4)
    result = run(*words, *more)
    assert result.exit_code == 0, result.output
    assert (runs, len(stub.network.seen) - runs) == (2, 3), "only the search ran once more"
    for value, expected in zip(("0.40", "0.70"), singles, strict=True):
        labels = io.read_labels(tmp_path / f"l_p{value}.zarr").data
        np.testing.assert_array_equal(labels, expected)
        assert read_provenance(tmp_path / f"t_p{value}.csv")["parameters"]["prob_thresh"] == float(value)
    assert singles[0].max() > singles[1].max() > 0
    assert not list(tmp_path.glob(".l*"))  # what was kept meanwhile


def test_thresholds_that_are_none_are_refused(tmp_path, stub, run):
    for words in (("--prob-thresh", 0.4, 1.5), ("--prob-thresh", "x")):
        result = run("segment", tmp_path / "i.tif", "-o", tmp_path / "l.tif", *words)
        assert result.exit_code == 2
        assert "--prob-thresh takes a number from 0 to 1" in result.stderr


def test_an_existing_output_of_any_threshold_is_refused(tmp_path, stub, run):
    (tmp_path / "l_p0.50.tif").write_bytes(b"")
    result = run("segment", tmp_path / "i.tif", "-o", tmp_path / "l.tif", "--prob-thresh", 0.4, 0.5)
    assert result.exit_code == 2
    assert "l_p0.50.tif exists already" in result.stderr
    assert not (tmp_path / "l_p0.40.tif").exists()


def test_thresholds_from_python(tmp_path, stub):
    options = anystar.SegmentOptions(diameter=8.0)
    outputs = {p: anystar.Outputs(labels=tmp_path / f"{p}.tif") for p in (0.6, 0.4)}
    opened = open_file(tmp_path / "i.tif", outputs[0.6], options)
    done = segment_thresholds(opened, outputs, stub)
    assert [one.outputs.labels.name for one in done] == ["0.4.tif", "0.6.tif"]
    assert done[0].num_objects > done[1].num_objects
    with pytest.raises(InputError, match="lowest that was kept"):
        stub.segment(io.read(tmp_path / "i.tif"), diameter=8.0).rethreshold(0.05)
