"""Folders and series: one joined table, one label image with a time axis."""

import numpy as np
import pytest
import tifffile

from anystar import io
from anystar.arrays import Volume
from anystar.report.table import read_table
from tests.cli.conftest import run

__all__ = ["run"]


@pytest.fixture
def series(tmp_path, cells):
    """Three time points of two channels."""
    data = io.read(cells).data
    frames = np.stack([data, data[:, ::-1], data[:, :, ::-1]])
    both = np.stack([frames, frames[:, :, ::-1] // 2], axis=2)
    tifffile.imwrite(
        tmp_path / "s.tif",
        both,
        imagej=True,
        resolution=(2, 2),
        metadata={"axes": "TZCYX", "spacing": 2, "unit": "um"},
    )
    return tmp_path / "s.tif"


def test_a_series_becomes_one_label_image_and_one_table(tmp_path, series, model, run):
    words = ("segment", series, "--channel", 0, "--time", "all")
    result = run(*words, "-o", tmp_path / "m.ome.zarr", "--table", tmp_path / "m.csv")
    assert result.exit_code == 0, result.output
    assert run(*words, "-o", tmp_path / "l.tif", "--table", tmp_path / "tables").exit_code == 0
    table, text = read_table(tmp_path / "m.csv")
    assert list(table)[:3] == ["file", "time", "channel"]
    assert table["file"].tolist() == ["s.tif"] * 6
    assert table["time"].tolist() == [0, 0, 1, 1, 2, 2]
    assert "joined" in text
    for time in range(3):
        labels = io.read(tmp_path / f"l_t{time}.tif").data
        np.testing.assert_array_equal(io.read(tmp_path / "m.ome.zarr", time=time).data, labels)
        own, _ = read_table(tmp_path / "tables" / f"s_t{time}.csv")
        rows = table.select(table["time"] == time)
        for name in own:
            np.testing.assert_array_equal(rows[name], own[name])
    for name in ("m.ome.zarr", "m.csv"):
        assert result.stdout.count(f"wrote {tmp_path / name}") == 1
    again = run(*words, "-o", tmp_path / "m.ome.zarr", "--table", tmp_path / "m.csv")
    assert again.exit_code == 2
    assert "exists already" in again.stderr


def test_labels_over_time_are_measured_into_one_table(tmp_path, series, model, run):
    words = ("segment", series, "--channel", 0, "--time", "all", "-o", tmp_path / "m.zarr")
    assert run(*words, "--table", tmp_path / "m.csv").exit_code == 0
    for time in ("all", 1):
        words = ("measure", tmp_path / "m.zarr", series, "--channel", 0, "--time", time, "--overwrite")
        result = run(*words, "--table", tmp_path / "n.csv")
        assert result.exit_code == 0, result.output
        table, own = (read_table(tmp_path / f"{name}.csv")[0] for name in "mn")
        if time == "all":
            np.testing.assert_array_equal(own["time"], table["time"])
        else:
            table = table.select(table["time"] == time)
            assert "time" not in own
        for name in ("label", "volume_vox", "intensity_mean", "intensity_mean_c1", "contrast"):
            np.testing.assert_allclose(own[name], table[name], rtol=1e-4)
    result = run("measure", tmp_path / "m.zarr", "--table", tmp_path / "o.csv")
    assert result.exit_code == 2
    assert "has 3 time points; choose one with --time 0 to --time 2" in result.stderr


def test_all_channels_of_a_series_share_a_table_and_have_labels_each(tmp_path, series, model, run):
    words = ("segment", series, "--channel", "all", "--time", "all", "-o", tmp_path / "m.zarr")
    result = run(*words, "--table", tmp_path / "m.parquet")
    assert result.exit_code == 0, result.output
    table, _ = read_table(tmp_path / "m.parquet")
    assert sorted(set(zip(table["time"].tolist(), table["channel"].tolist(), strict=True))) == [
        (t, str(c)) for t in range(3) for c in range(2)
    ]
    for channel in range(2):
        assert io.read(tmp_path / f"m_c{channel}.zarr", time=2).data.max() == 2


def test_a_folder_gives_one_table_if_it_is_a_file(tmp_path, cells, model, run):
    (tmp_path / "in").mkdir()
    image = io.read(cells)
    io.write(tmp_path / "in" / "a.tif", image)
    io.write(tmp_path / "in" / "b.tif", Volume(data=image.data[:, ::-1].copy(), spacing=image.spacing))
    (tmp_path / "in" / "c.tif").write_bytes(b"II*\0")
    result = run("segment", tmp_path / "in", "-o", tmp_path / "out", "--table", tmp_path / "all.csv")
    assert result.exit_code == 2  # c.tif
    table, _ = read_table(tmp_path / "all.csv")
    assert list(table)[:2] == ["file", "label"]
    assert table["file"].tolist() == ["a.tif", "a.tif", "b.tif", "b.tif"]
    frame = table.to_pandas()
    assert frame.groupby("file")["volume_um3"].sum().nunique() == 1
    result = run("report", tmp_path / "all.csv", "-o", tmp_path / "r.html")
    assert result.exit_code == 2
    assert "all.csv" in result.stderr


def test_a_failed_time_point_has_no_rows(tmp_path, cells, model, run):
    data = io.read(cells).data
    frames = np.stack([data, np.full_like(data, 7), data])
    tifffile.imwrite(tmp_path / "s.tif", frames, imagej=True, metadata={"axes": "TZYX"})
    result = run(
        "segment",
        tmp_path / "s.tif",
        "--time",
        "all",
        "-o",
        tmp_path / "m.zarr",
        "--table",
        tmp_path / "m.csv",
    )
    assert result.exit_code == 2
    assert "constant" in result.stderr
    assert read_table(tmp_path / "m.csv")[0]["time"].tolist() == [0, 0, 2, 2]
    assert not io.read(tmp_path / "m.zarr", time=1).data.any()


def test_several_thresholds_of_a_series(tmp_path, series, model, run):
    words = ("segment", series, "--channel", 0, "--time", "all", "-o", tmp_path / "m.zarr")
    result = run(*words, "--table", tmp_path / "m.csv", "--prob-thresh", 0.5, 0.6)
    assert result.exit_code == 0, result.output
    assert sorted(p.name for p in tmp_path.glob("m_*")) == [
        f"m_p0.{n}0{end}" for n in (5, 6) for end in (".csv", ".csv.toml", ".zarr")
    ]
