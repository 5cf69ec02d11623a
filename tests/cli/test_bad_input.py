"""Everything a user can get wrong: one line with what to do, exit code 2, nothing half-written."""

import os
import re
import signal
import time

import numpy as np
import pytest
import tifffile

from anystar import io
from anystar.arrays import Volume

RNG = np.random.default_rng(0)


def stack(shape, dtype=np.uint8):
    return RNG.integers(0, 200, shape).astype(dtype)


def imagej(path, shape, axes, **options):
    tifffile.imwrite(path, stack(shape), imagej=True, metadata={"axes": axes}, **options)


def truncated(path):
    tifffile.imwrite(path, stack((9, 20, 21)), imagej=True, metadata={"axes": "ZYX"})
    path.write_bytes(path.read_bytes()[:2000])


def nan(path):
    data = np.zeros((5, 6, 7), np.float32)
    data[0, 0, :3] = np.nan
    io.write(path, Volume(data=data))


def infinite(path):
    io.write(path, Volume(data=np.full((5, 6, 7), np.inf, np.float32)))


RGB = {"photometric": "rgb"}
IMAGES = {
    "truncated": (truncated, r"is damaged .*; copy or export it again"),
    "empty file": (lambda p: p.write_bytes(b""), r"is not a TIFF file .*; copy or export"),
    "2D": (lambda p: imagej(p, (20, 21), "YX"), r"is a 2D image \(Y 20, X 21\).*; give a 3D"),
    "RGB": (lambda p: imagej(p, (20, 21, 3), "YXS", **RGB), r"2D colour \(RGB\) image .*; give a 3D"),
    "RGB stack": (lambda p: imagej(p, (5, 20, 21, 3), "ZYXS", **RGB), r"; choose one with --channel 0"),
    "4D": (
        lambda p: imagej(p, (4, 5, 20, 21), "TZYX"),
        r"has 4 time points; choose one with --time 0 to --time 3",
    ),
    "channels": (lambda p: imagej(p, (5, 3, 20, 21), "ZCYX"), r"has 3 channels; choose one with --channel"),
    "NaN": (nan, r"image must be finite, got 3 NaN or infinite voxels of 210; replace"),
    "infinite": (infinite, r"image must be finite, got 210 NaN or infinite voxels of 210"),
    "thin": (lambda p: io.write(p, Volume(data=stack((3, 40, 40)))), r"only 3 voxels thick along Z.*; give"),
}


@pytest.mark.parametrize("case", IMAGES)
def test_images(tmp_path, model, refused, case):
    make, message = IMAGES[case]
    make(tmp_path / "a.tif")
    out = tmp_path / "out"
    args = ("-o", out / "l.tif", "--table", out / "t.csv", "--overview", out / "p.png")
    line = refused("segment", tmp_path / "a.tif", *args, folder=tmp_path)
    assert re.search(message, line), line
    assert "a.tif" in line


@pytest.mark.parametrize("value", [0, 7])
def test_a_constant_image_has_no_objects_and_one_line(tmp_path, model, run, value):
    io.write(tmp_path / "a.tif", Volume(data=np.full((8, 9, 10), value, np.uint8)))
    args = ("--table", tmp_path / "t.csv", "--overview", tmp_path / "p.png")
    result = run("segment", tmp_path / "a.tif", "-o", tmp_path / "l.tif", *args)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert f"is constant (every voxel is {value}) and has no objects; check that the right channel" in line
    assert not io.read(tmp_path / "l.tif").data.any()
    assert len((tmp_path / "t.csv").read_text().splitlines()) == 1


OPTIONS = {
    "unknown model": (["--model", "anystar-mux"], r"unknown model 'anystar-mux'; did you mean 'anystar-mix'"),
    "two spacings": (["--spacing", "2", "0.5"], r"--spacing.* requires 3 arguments; see anystar segment"),
    "four spacings": (["--spacing", "2", "1", "1", "1"], r"1 does not exist; --spacing takes exactly"),
    "spacing 0": (["--spacing", "0", "1", "1"], r"--spacing takes 3 numbers above 0, got '0'"),
    "spacing nan": (["--spacing", "nan", "1", "1"], r"--spacing takes 3 numbers above 0, got 'nan'"),
    "negative prob": (["--prob-thresh", "-0.5"], r"--prob-thresh takes a number from 0 to 1, got '-0.5'"),
    "negative nms": (["--nms-thresh", "-1"], r"--nms-thresh takes a number from 0 to 1, got '-1'; see"),
    "nms above 1": (["--nms-thresh", "1.5"], r"--nms-thresh takes a number from 0 to 1, got '1.5'; see"),
    "diameter 0": (["--diameter", "0"], r"--diameter takes a number above 0, got '0'"),
    "diameter word": (["--diameter", "big"], r"--diameter takes a number above 0, got 'big'; see"),
    "device": (["--device", "tpu"], r"'--device'.*'tpu' is not one of .*; see anystar segment --help"),
    "channel": (["--channel", "1"], r"has one channel, number 0, not channel 1; choose another"),
    "negative channel": (["--channel", "-1"], r"--channel takes a number from 0, or a name; got '-1'"),
    "time": (["--time", "2"], r"has one time point, number 0, not time point 2; choose another --time"),
    "level": (["--level", "1"], r"has one level, number 0, not level 1; choose another --level"),
    "condition": (["--keep", "volume_vox >"], r"cannot read the condition 'volume_vox >' .*; write it like"),
    "column": (["--drop", "volume_um > 3"], r"no column 'volume_um'; did you mean 'volume_um3'"),
    "mask": (["--mask", "none.tif"], r"none\.tif does not exist; check the name"),
    "meshes ending": (["--meshes", "m.gltf"], r"--meshes must end in .obj, .ply, .stl or be a folder, got m"),
    "record": (["--from-provenance", "none.toml"], r"none\.toml does not exist; give a provenance"),
    "unknown option": (["--daimeter", "3"], r"No such option.*--daimeter.*; see anystar segment --help"),
    "table ending": (["--table", "t.xlsx"], r"--table must end in .csv or .parquet, got t.xlsx; change"),
    "picture ending": (["--overview", "p.jpg"], r"--overview must end in .png, got p.jpg; change the name"),
    "same name": (["--table", "OUT/l.csv", "--overview", "OUT/l.csv"], r"--overview must end in .png"),
}  # fmt: skip


@pytest.mark.parametrize("case", OPTIONS)
def test_options(tmp_path, cells, model, refused, case):
    options, message = OPTIONS[case]
    line = refused("segment", cells, "-o", tmp_path / "l.tif", *options, folder=tmp_path)
    assert re.search(message, line), line


def test_inputs(tmp_path, cells, model, refused):
    (tmp_path / "none").mkdir()
    (tmp_path / "a.xyz").write_bytes(b"")
    for given, message in (
        ("no.tif", r"no\.tif does not exist; check the name"),
        ("none", r"none holds no images; expected files that end in \.ome\.tif"),
        ("a.xyz", r"a\.xyz has no known ending; give a file that ends in"),
    ):
        line = refused("segment", tmp_path / given, "-o", tmp_path / "out", folder=tmp_path)
        assert re.search(message, line), line
    assert "Missing argument 'INPUT...'" in refused("segment", "-o", "x.tif", folder=tmp_path)
    assert "Missing option '-o'" in refused("segment", cells, folder=tmp_path)


def test_outputs(tmp_path, cells, model, refused):
    (tmp_path / "file").write_text("in the way")
    io.write(tmp_path / "there.tif", io.read(cells))
    for output, message in (
        (tmp_path / "file" / "l.tif", r"file: .*; choose another place"),
        ("/proc/no/such/l.tif", r"/proc/no.*; (choose another place|check the name)"),
        (tmp_path / "l.xyz", r"cannot write .*l\.xyz; end its name in one of \.ome\.tif"),
        (tmp_path / "there.tif", r"exists already; add --overwrite, or choose another name"),
        (cells, r"is an input and would be overwritten; choose another output"),
    ):
        line = refused("segment", cells, "-o", output, folder=tmp_path)
        assert re.search(message, line), line
    for options, message in (
        (["-o", tmp_path / "l.tif"], r"--output must be a folder for several images"),
        (
            ["-o", tmp_path / "out", "--overview", tmp_path / "t.png"],
            r"--overview must be a folder for several",
        ),
        (["-o", tmp_path / "file"], r"--output must be a folder for several images"),
    ):
        line = refused("segment", cells, tmp_path / "there.tif", *options, folder=tmp_path)
        assert re.search(message, line), line
    (tmp_path / "other").mkdir()
    io.write(tmp_path / "other" / "cells.tif", io.read(cells))
    args = (cells, tmp_path / "other" / "cells.tif", "-o", tmp_path / "out")
    assert re.search("would both become .*; rename one", refused("segment", *args, folder=tmp_path))


def test_a_bad_model_is_said_once_for_all_images(tmp_path, cells, model, refused):
    io.write(tmp_path / "two.tif", io.read(cells))
    args = (cells, tmp_path / "two.tif", "-o", tmp_path / "out", "--model", "x")
    assert "unknown model" in refused("segment", *args, folder=tmp_path)


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (KeyboardInterrupt(), 130, "anystar: interrupted; finished files are kept, nothing is half-written"),
        (MemoryError(), 2, "anystar: not enough memory; crop the image, or try --device cpu"),
        (RuntimeError("CUDA out of memory. Tried"), 2, "anystar: not enough memory; crop"),
        (
            OSError(28, "No space left on device", "x.tif"),
            2,
            "anystar: x.tif: No space left on device; choose",
        ),
    ],
)
def test_what_happens_on_the_way_leaves_nothing(
    tmp_path, cells, model, run, monkeypatch, error, code, message
):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(model, "segment_with", fail)
    result = run("segment", cells, "-o", tmp_path / "out" / "l.tif")
    assert result.exit_code == code
    assert result.stderr.strip().startswith(message)
    assert [p.name for p in tmp_path.iterdir()] == ["cells.tif"]


def test_a_scheduler_that_ends_the_run_leaves_nothing(tmp_path, cells, model, run, monkeypatch):
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(
        model, "segment_with", lambda *_, **__: os.kill(os.getpid(), signal.SIGTERM) or time.sleep(5)
    )
    result = run("segment", cells, "-o", tmp_path / "out" / "l.tif")
    assert result.exit_code == 130
    assert [p.name for p in tmp_path.iterdir()] == ["cells.tif"]
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_bug_is_not_hidden(tmp_path, cells, model, run, monkeypatch):
    monkeypatch.setattr(model, "segment_with", lambda *_, **__: {}["bug"])
    result = run("segment", cells, "-o", tmp_path / "l.tif")
    assert result.exit_code == 70
    assert "this is a bug in AnyStar, not a mistake of yours (KeyError: 'bug')" in result.stderr
    assert f"command:  anystar segment {cells} -o {tmp_path / 'l.tif'}" in result.stderr
    assert 'return {}["bug"]' in result.stderr or "KeyError: 'bug'" in result.stderr.splitlines()[-1]
    assert "Traceback" in result.stderr


def test_debug_shows_where_it_came_from(tmp_path, cells, model, run, monkeypatch):
    monkeypatch.setenv("ANYSTAR_DEBUG", "1")
    assert isinstance(run("segment", "no.tif", "-o", tmp_path / "l.tif").exception, ValueError)
