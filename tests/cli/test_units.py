"""Lengths are reported in the unit that the image's file measures in."""

import csv
import tomllib

import nibabel as nib
import numpy as np
import pytest
from click.testing import CliRunner

from anystar import io
from anystar.arrays import Volume
from anystar.cli import main
from anystar.cli.options import Length
from anystar.report.overview import panels, scale_bar
from anystar.report.table import read_table

UNITS = {"m": (1, 1e6), "mm": (2, 1e3), "um": (3, 1.0)}
"""Codes of NIfTI, and micrometres per unit."""


@pytest.fixture(params=UNITS)
def labelled(request, tmp_path, cells):
    """The balls as NIfTI in a unit, voxels of 2 x 0.5 x 0.5 of it."""
    unit = request.param
    image = nib.Nifti1Image(io.read(cells).data.T, np.diag([0.5, 0.5, 2.0, 1.0]))
    image.header.set_xyzt_units(UNITS[unit][0])
    nib.save(image, tmp_path / "cells.nii")
    return unit, tmp_path / "cells.nii"


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_tables(labelled, model, run, tmp_path, ending):
    unit, image = labelled
    table = tmp_path / f"t.{ending}"
    result = run("segment", image, "-o", tmp_path / "l.nii", "--table", table)
    assert result.exit_code == 0, result.output
    shown = "µm" if unit == "um" else unit
    assert f"typical diameter {(6 / np.pi * 257 * 0.5) ** (1 / 3):.3g} {shown}" in result.stdout
    found, provenance = read_table(table)
    assert found.length_unit == unit
    factor = UNITS[unit][1]
    np.testing.assert_allclose(found["z_um"], np.array([10, 12]) * factor)
    np.testing.assert_allclose(found[f"volume_{unit}3"], 0.5 * found["volume_vox"])
    np.testing.assert_allclose(found["volume_um3"], 0.5 * found["volume_vox"] * factor**3, rtol=1e-5)
    if ending == "csv":
        row = rows(table)[0]
        assert {f"z_{unit}", f"volume_{unit}3", f"surface_{unit}2", f"x_stop_{unit}"} <= set(row)
        assert (row[f"z_{unit}"], row[f"y_{unit}"]) == ("10", "3.5")
        assert unit == "um" or not any("_um" in name for name in row)
    record = tomllib.loads(provenance)
    assert record["estimate"][f"diameter_{unit}"] == pytest.approx(4.5)
    assert record["image"]["length_unit"] == unit


def test_measuring_filtering_and_conditions(labelled, model, run, tmp_path):
    unit, image = labelled
    labels, table = tmp_path / "l.nii", tmp_path / "t.csv"
    assert run("segment", image, "-o", labels, "--table", tmp_path / "s.csv").exit_code == 0
    assert run("measure", labels, image, "--table", table).exit_code == 0
    assert [row[f"z_{unit}"] for row in rows(table)] == ["10", "12"]
    kept = tmp_path / "k.csv"
    condition = f"z_{unit} > 11 and volume_{unit}3 < 1000"
    result = run("filter", labels, table, "-o", tmp_path / "k.nii", "--table", kept, "--keep", condition)
    assert result.exit_code == 0, result.output
    assert [row[f"z_{unit}"] for row in rows(kept)] == ["12"]
    again = run(
        "segment", image, "-o", tmp_path / "n.nii", "--table", kept, "--overwrite", "--keep", condition
    )
    assert again.exit_code == 0, again.output
    assert [row[f"z_{unit}"] for row in rows(kept)] == ["12"]


def test_meshes_and_report(labelled, model, run, tmp_path):
    unit, image = labelled
    labels, meshes, page = tmp_path / "l.nii", tmp_path / "m.obj", tmp_path / "r.html"
    result = run("segment", image, "-o", labels, "--meshes", meshes, "--table", tmp_path / "l.csv")
    assert result.exit_code == 0, result.output
    lines = [line.split() for line in meshes.read_text().splitlines() if line.startswith("v ")]
    middle = np.array(lines, object)[:, 1:].astype(float).reshape(2, -1, 3).mean(1)
    np.testing.assert_allclose(middle, [[4, 3.5, 10], [9, 8, 12]], rtol=0.05)  # X, Y, Z in the unit
    assert run("report", tmp_path / "l.csv", "-o", page).exit_code == 0
    shown = "µm" if unit == "um" else unit
    assert f"diameter of a ball of the same volume ({shown})" in page.read_text(encoding="utf-8")
    assert f"Diameter ({shown})" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("unit", "factor", "bar"), [("um", 1, "5 µm"), ("mm", 1e3, "5 mm"), ("nm", 1e-3, "5 nm")]
)
def test_the_scale_bar(unit, factor, bar):
    image = np.zeros((8, 40, 40), np.uint8)
    views = panels(image, image, (0.5 * factor,) * 3)
    assert scale_bar(views[0], unit) == (pytest.approx(5 * factor), bar)


def test_nanometres_of_ome_zarr(cells, model, run, tmp_path):
    import zarr

    data = io.read(cells).data
    group = zarr.create_group(tmp_path / "a.zarr", zarr_format=2)
    group.create_array("0", data=data)
    axes = [{"name": a, "type": "space", "unit": "nanometer"} for a in "zyx"]
    scale = [{"type": "scale", "scale": [40.0, 10.0, 10.0]}]
    levels = [{"path": "0", "coordinateTransformations": scale}]
    group.attrs["multiscales"] = [{"version": "0.4", "axes": axes, "datasets": levels}]
    result = run("segment", tmp_path / "a.zarr", "-o", tmp_path / "l.tif", "--table", tmp_path / "t.csv")
    assert result.exit_code == 0, result.output
    assert rows(tmp_path / "t.csv")[0]["z_nm"] == "200"
    assert " nm, " in result.stdout
    assert "40 x 10 x 10 nm" in repr(io.read(tmp_path / "a.zarr"))


def test_a_given_voxel_size_is_in_micrometres(labelled, model, run, tmp_path):
    _, image = labelled
    how = ("--spacing", 2, 0.5, 0.5, "--table", tmp_path / "t.csv")
    assert run("segment", image, "-o", tmp_path / "l.nii", *how).exit_code == 0
    assert rows(tmp_path / "t.csv")[0]["z_um"] == "10"


@pytest.mark.parametrize(
    ("text", "micrometres"), [("12", 12), ("0.5mm", 500), ("300 nm", 0.3), ("2 µm", 2), ("1e3um", 1e3)]
)
def test_a_diameter_may_have_a_unit(text, micrometres):
    assert Length().convert(text, None, None) == pytest.approx(micrometres)


@pytest.mark.parametrize("text", ["5 pixels", "mm", "-3mm", "0nm", "1..2mm", "nan"])
def test_a_diameter_that_is_none(text):
    result = CliRunner().invoke(main, ["segment", "a.tif", "-o", "b.tif", "--diameter", text])
    assert result.exit_code == 2
    assert "--diameter takes a number above 0" in result.stderr


def test_a_volume_reports_in_its_unit():
    volume = Volume(data=np.zeros((4, 4, 4)), spacing=(3000, 1000, 1000), length_unit="mm")
    assert "3 x 1 x 1 mm" in repr(volume)
