"""Filters, tables, meshes and records of ``anystar segment``, and ``anystar filter``."""

import re
import tomllib

import numpy as np
import pytest
import tifffile

from anystar import io
from anystar.arrays import Volume
from anystar.report.table import read_table


@pytest.fixture
def scene(tmp_path):
    """Balls of different size, one of them at the border, in two channels and three time points."""
    shape = (16, 40, 44)
    grid = np.indices(shape).reshape(3, -1).T
    data = np.full(shape, 10, np.uint16)
    for centre, radius in (((8, 8, 8), 3), ((8, 24, 12), 5), ((8, 20, 30), 6), ((0, 34, 36), 5)):
        far = ((grid - centre) ** 2).sum(axis=1).reshape(shape)
        data[far <= radius**2] = 200
    path = tmp_path / "scene.tif"
    io.write(path, Volume(data=data, spacing=(1, 0.5, 0.5)))
    return path


def numbers(path):
    return sorted(np.unique(io.read(path).data)[1:].tolist())


FILTERS = {
    "small": (["--min-volume", 50], 3),
    "large": (["--max-volume", 200], 3),
    "border": (["--drop-border"], 3),
    "bright": (["--bright"], 4),
    "dark": (["--dark"], 0),
    "contrast": (["--min-contrast", 1], 4),
    "expression": (["--keep", "volume_vox > 300 and not touches_border"], 2),
    "two": (["--drop", "volume_vox > 900", "--drop", "volume_vox < 200"], 2),
}


@pytest.mark.parametrize("case", FILTERS)
def test_filters_at_once_and_afterwards_are_the_same(tmp_path, scene, model, run, case):
    options, count = FILTERS[case]
    out = tmp_path / "out"
    everything = ("segment", scene, "-o", out / "l.tif", "--table", out / "t.parquet")
    assert run(*everything).exit_code == 0
    at_once = run("segment", scene, "-o", out / "f.tif", "--table", out / "f.csv", *options)
    assert at_once.exit_code == 0, at_once.output
    later = run(
        "filter", out / "l.tif", out / "t.parquet", "-o", out / "g.tif", "--table", out / "g.csv", *options
    )
    assert later.exit_code == 0, later.output
    assert numbers(out / "f.tif") == numbers(out / "g.tif") == read_table(out / "f.csv")[0]["label"].tolist()
    assert len(numbers(out / "f.tif")) == count
    assert (out / "f.csv").read_text() == (out / "g.csv").read_text()
    assert f"{count} of 4 objects kept" in later.output
    assert f"{count} objects" in at_once.output
    assert ("filtered out)" in at_once.output) == (count < 4)
    assert ("no object met the conditions" in at_once.output) == (count == 0)


def test_a_mask(tmp_path, scene, model, run):
    mask = np.zeros((16, 40, 44), np.uint8)
    mask[:, :16] = 1
    io.write(tmp_path / "mask.nrrd", Volume(data=mask))
    args = ("--mask", tmp_path / "mask.nrrd")
    out = tmp_path / "out"
    assert run("segment", scene, "-o", out / "l.zarr", "--table", out / "t.csv", *args).exit_code == 0
    table, _ = read_table(out / "t.csv")
    assert len(table) == 1
    assert table["mask_overlap"].tolist() == [1]
    assert run("segment", scene, "-o", out / "all.zarr", "--table", out / "all.csv").exit_code == 0
    result = run("filter", out / "all.zarr", out / "all.csv", "-o", out / "g.zarr", *args)
    assert result.exit_code == 0, result.output
    assert numbers(out / "g.zarr") == numbers(out / "l.zarr")
    assert io.open_image(out / "g.zarr").spacing == (1, 0.5, 0.5)


def test_filter_refuses(tmp_path, scene, model, run, refused):
    out = tmp_path / "out"
    run("segment", scene, "-o", out / "l.tif", "--table", out / "t.csv")
    run("segment", scene, "-o", out / "f.tif", "--table", out / "f.csv", "--drop-border")
    io.write(tmp_path / "small.tif", Volume(data=np.zeros((4, 5, 6), np.uint8)))
    for args, message in (
        (("l.tif", "t.csv", "-o", "x.tif"), r"nothing says what to keep; give --min-volume"),
        (("f.tif", "t.csv", "-o", "x.tif", "--bright"), r"t\.csv does not list the objects of .*f\.tif"),
        (("l.tif", "t.csv", "-o", "l.tif", "--bright"), r"l\.tif is an input and would be overwritten"),
        (("l.tif", "t.csv", "-o", "f.tif", "--bright"), r"f\.tif exists already; add --overwrite"),
        (("l.tif", "t.csv", "-o", "x.tif", "--keep", "sphericity"), r"is a number, not a condition"),
        (("l.tif", "t.csv", "-o", "x.tif", "--mask", "../small.tif"), r"small.tif has shape .*; give"),
        (("l.tif", "l.tif", "-o", "x.tif", "--bright"), r"must end in .csv or .parquet, got"),
        (("l.tif", "t.csv", "-o", "x.tif", "--table", "x.xlsx", "--bright"), r"--table must end in .csv"),
    ):  # fmt: skip
        words = [out / w if re.search(r"\.\w{3,4}$", w) else w for w in args]
        line = refused("filter", *words, folder=tmp_path)
        assert re.search(message, line), line


def test_every_channel_and_time_point(tmp_path, scene, model, run):
    one = io.read(scene).data
    data = np.stack([np.stack([one, one // 2], axis=1)] * 3)
    data[1, :, 0] = np.roll(one, 3, axis=1)
    tifffile.imwrite(tmp_path / "a.tif", data, imagej=True, metadata={"axes": "TZCYX"})
    out = tmp_path / "out"
    args = ("--channel", 0, "--time", "all", "--table", tmp_path / "tables")
    result = run("segment", tmp_path / "a.tif", "-o", out / "l.tif", *args)
    assert result.exit_code == 0, result.output
    assert sorted(p.name for p in out.iterdir()) == [f"l_t{t}.tif" for t in range(3)]
    names = [f"a_t{t}.csv{e}" for t in range(3) for e in ("", ".toml")]
    assert sorted(p.name for p in (tmp_path / "tables").iterdir()) == names
    assert not np.array_equal(io.read(out / "l_t0.tif").data, io.read(out / "l_t1.tif").data)
    table, record = read_table(tmp_path / "tables" / "a_t2.csv")
    np.testing.assert_allclose(table["intensity_mean_c1"], 100)
    assert tomllib.loads(record)["parameters"]["time"] == 2
    args = ("--channel", "all", "--time", 2)
    assert run("segment", tmp_path / "a.tif", "-o", tmp_path / "all", *args).exit_code == 0
    assert sorted(p.name for p in (tmp_path / "all").iterdir()) == ["a_c0_labels.tif", "a_c1_labels.tif"]


@pytest.mark.parametrize("name", ["m.obj", "m.ply", "m.stl", "folder"])
def test_meshes(tmp_path, scene, model, run, name):
    out = tmp_path / "out"
    args = ("--meshes", out / name, "--drop-border", "--mesh-format", "obj")
    assert run("segment", scene, "-o", out / "l.tif", *args).exit_code == 0
    if name == "folder":
        kept = numbers(out / "l.tif")
        assert sorted(p.name for p in (out / name).iterdir()) == [f"object_{n}.obj" for n in kept]
        lines = (out / name / f"object_{kept[0]}.obj").read_text().splitlines()
        points = np.array([line.split()[1:] for line in lines if line.startswith("v ")], float)
        # A ball of 4.5 voxels of 0.5 um around voxel (8, 20, 30), as x, y, z in micrometres
        np.testing.assert_allclose((points.min(0) + points.max(0)) / 2, [15, 10, 8], atol=0.1)
        np.testing.assert_allclose(np.ptp(points, axis=0), 4.5, rtol=0.1)
        assert run("segment", scene, "-o", out / "l.tif", *args, "--overwrite").exit_code == 0
        (out / name / "mine.txt").write_text("keep me")
        result = run("segment", scene, "-o", out / "l.tif", *args, "--overwrite")
        assert "holds mine.txt, which is no mesh; choose a folder of its own" in result.stderr
        assert (out / name / "mine.txt").exists()
    else:
        assert (out / name).stat().st_size > 10_000


@pytest.mark.parametrize("source", ["r.toml", "t.csv", "t.parquet"])
def test_a_run_is_repeated_from_its_record(tmp_path, scene, model, run, source):
    out = tmp_path / "out"
    args = ("--diameter", 4, "--spacing", 2, 1, 1, "--drop-border", "--keep", "volume_vox > 200", "--bright")
    files = ("--provenance", out / "r.toml", "--table", out / source.replace("r.toml", "t.csv"))
    assert run("segment", scene, "-o", out / "l.tif", *args, *files).exit_code == 0
    again = tmp_path / "again"
    files = ("-o", again / "l.tif", "--table", again / "t.csv", "--provenance", again / "r.toml")
    result = run("segment", "--from-provenance", out / source, *files)
    assert result.exit_code == 0, result.output
    np.testing.assert_array_equal(io.read(out / "l.tif").data, io.read(again / "l.tif").data)
    assert len(numbers(again / "l.tif")) == 2
    first, second = (dict(call) for call in model.calls)
    assert first.pop("prob_thresh") is None  # which the record fills in with what was used
    assert second.pop("prob_thresh") == 0.5
    for name in ("spacing", "diameter"):
        assert first[name] == second[name]
    other = run("segment", "--from-provenance", out / source, *files, "--diameter", 7, "--overwrite")
    assert other.exit_code == 0, other.output
    assert model.calls[-1]["diameter"] == 7


def test_the_record_says_what_was_done(tmp_path, scene, model, run):
    assert run("segment", scene, "-o", tmp_path / "l.tif", "--provenance", tmp_path / "r.toml").exit_code == 0
    record = tomllib.loads((tmp_path / "r.toml").read_text())
    assert record["image"] == {
        "shape": [16, 40, 44], "dtype": "uint16", "spacing": [1.0, 0.5, 0.5], "unit": "um",
        "length_unit": "um",
    }  # fmt: skip
    assert record["model"]["name"] == "anystar-mix"
    assert record["estimate"] == {"diameter_vox": 9.0, "diameter_um": 4.5, "diameter_was": "estimated"}
    assert record["result"]["objects"] == 4
    assert record["result"]["notes"] == ["a remark"]
    assert record["result"]["seconds"]["total"] > 0


def test_a_record_that_is_none(tmp_path, scene, model, refused):
    (tmp_path / "a.toml").write_text("x = ")
    (tmp_path / "b.toml").write_text("x = 1")
    (tmp_path / "c.toml").write_text("[parameters]\ndiametre = 3")
    for name, message in (
        ("a.toml", r"a\.toml is no provenance of a run .*; give a file"),
        ("b.toml", r"b\.toml holds no provenance of a run; give one"),
        ("c.toml", r"unknown parameter 'diametre'; did you mean 'diameter'"),
    ):
        line = refused("segment", "--from-provenance", tmp_path / name, folder=tmp_path)
        assert re.search(message, line), line


def test_the_example_of_the_help_repeats_the_first_one(tmp_path, scene, model, run, monkeypatch):
    monkeypatch.chdir(tmp_path)
    scene.rename("embryo.tif")
    lines = [
        line for line in run("segment", "--help").stdout.splitlines() if "anystar segment embryo" in line
    ]
    again = [
        line for line in run("segment", "--help").stdout.splitlines() if "--from-provenance embryo" in line
    ]
    for line in (lines[0], again[0]):
        result = run(*line.split()[1:])
        assert result.exit_code == 0, result.output
    assert numbers("again.tif") == numbers("embryo_labels.tif") == [1, 2, 3, 4]
    assert re.findall(r"wrote (.*)", result.stdout) == ["again.tif"]


def test_no_input_is_overwritten(tmp_path, scene, model, run, refused):
    io.write(tmp_path / "mask.tif", io.read(scene))
    (tmp_path / "thr.toml").write_text("prob_thresh = 0.5\nnms_thresh = 0.3\n")
    assert run("segment", scene, "-o", tmp_path / "l.tif", "--table", tmp_path / "t.csv").exit_code == 0
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    table, record = ("--table", tmp_path / "t.csv"), ("--provenance", tmp_path / "t.csv.toml")
    for options, name in (
        (("-o", tmp_path / "mask.tif", "--mask", tmp_path / "mask.tif"), "mask.tif"),
        (
            ("-o", "x.tif", "--thresholds", tmp_path / "thr.toml", "--provenance", tmp_path / "thr.toml"),
            "thr.toml",
        ),
        (("-o", "x.tif", "--from-provenance", tmp_path / "t.csv", *table), "t.csv"),
        (("-o", "x.tif", "--from-provenance", tmp_path / "t.csv", *record), "t.csv.toml"),
        (("--from-provenance", tmp_path / "t.csv"), "t.csv"),
    ):
        line = refused("segment", scene, *options, "--overwrite", folder=tmp_path)
        assert f"{tmp_path / name} is an input and would be overwritten; choose another output" in line
    line = refused("filter", tmp_path / "l.tif", *table[1:], "-o", tmp_path / "mask.tif", "--mask",
                   tmp_path / "mask.tif", "--bright", "--overwrite", folder=tmp_path)  # fmt: skip
    assert "mask.tif is an input" in line
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_the_record_beside_a_table_is_an_output(tmp_path, scene, model, refused):
    options = ("--table", tmp_path / "x.csv", "--provenance", tmp_path / "x.csv.toml")
    line = refused("segment", scene, "-o", tmp_path / "l.tif", *options, folder=tmp_path)
    assert re.search(
        r"the provenance beside the table of .*scene.tif and the provenance of .*scene.tif would both become "
        r".*x\.csv\.toml; rename one of them",
        line,
    ), line


def test_polyhedra_on_request(tmp_path, scene, model, run):
    args = ("--table", tmp_path / "t.parquet", "--distances")
    assert run("segment", scene, "-o", tmp_path / "l.tif", *args).exit_code == 0
    table, _ = read_table(tmp_path / "t.parquet")
    assert table["distance_31"].tolist() == [4.5] * 4
    assert "distance_32" not in table


def test_labels_go_into_the_store_of_their_image(tmp_path, scene, model, run, refused):
    store = tmp_path / "image.zarr"
    io.write(store, io.read(scene))
    line = refused("segment", store, "-o", store, "--overwrite", folder=tmp_path)
    assert re.search(r"image\.zarr is an input and would be overwritten; choose another output", line), line
    line = refused("segment", store, "-o", store / "cells", folder=tmp_path)
    assert re.search(r"cannot write .*cells; choose a store of its own, or .*/labels/NAME", line), line
    result = run("segment", store, "-o", store / "labels" / "cells")
    assert result.exit_code == 0, result.output
    assert len(numbers(store / "labels" / "cells")) == 4
    np.testing.assert_array_equal(io.read(store).data, io.read(scene).data)
    again = ("segment", store, "-o", store / "labels" / "cells")
    assert "exists already; add --overwrite" in refused(*again, folder=tmp_path)
    assert run(*again, "--overwrite").exit_code == 0
    assert "is an input" in refused("segment", store / "labels" / "cells", "-o", store, folder=tmp_path)


def test_one_dataset_of_an_hdf5_file(tmp_path, scene, model, run, refused):
    path = tmp_path / "a.h5"
    io.write(f"{path}:/raw", io.read(scene))
    result = run("segment", f"{path}:/raw", "-o", f"{tmp_path / 'l.h5'}:/nuclei")
    assert result.exit_code == 0, result.output
    assert len(numbers(f"{tmp_path / 'l.h5'}:/nuclei")) == 4
    line = refused("segment", f"{path}:/raw", "-o", f"{path}:/nuclei", folder=tmp_path)
    assert "a.h5 is an input and would be overwritten" in line
