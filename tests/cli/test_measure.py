"""``anystar measure``, and what ``anystar filter`` makes of its table."""

import re

import numpy as np
import pytest
import tifffile

from anystar import io
from anystar.arrays import Volume
from anystar.report.table import read_table


@pytest.fixture
def corrected(tmp_path, cells, model, run):
    """Labels of a run, corrected by hand: one number is 90 now, a third object is painted; floats."""
    out = tmp_path / "run"
    assert run("segment", cells, "-o", out / "l.tif", "--table", out / "t.csv").exit_code == 0
    labels = io.read(out / "l.tif").data.astype(np.float32)
    labels[labels == 2] = 90
    labels[0:3, 0:3, 20:24] = 7
    io.write(tmp_path / "corrected.nii.gz", Volume(data=labels, spacing=(2, 0.5, 0.5)))
    return tmp_path / "corrected.nii.gz"


def test_corrected_labels_have_the_columns_of_a_run(tmp_path, cells, corrected, run):
    result = run("measure", corrected, cells, "--table", tmp_path / "t.csv")
    assert result.exit_code == 0, result.output
    assert f"{corrected}: 3 objects" in result.stdout
    table, provenance = read_table(tmp_path / "t.csv")
    before, _ = read_table(tmp_path / "run" / "t.csv")
    assert list(table.columns) == list(before.columns)
    assert table["label"].tolist() == [1, 7, 90]
    assert "measured" in provenance
    for name in set(table.columns) - {"label", "probability", "surface_vox", "surface_um2", "sphericity"}:
        np.testing.assert_allclose(table[name][[0, 2]], before[name], rtol=1e-5, err_msg=name)


def test_all_channels_are_measured_and_a_mask(tmp_path, cells, corrected, run):
    image = io.read(cells)
    stack = np.stack([image.data, image.data * 3], axis=1)
    tifffile.imwrite(tmp_path / "two.tif", stack, imagej=True, metadata={"axes": "ZCYX", "spacing": 2.0})
    io.write(tmp_path / "mask.nii", Volume(data=(image.data > 100).astype(np.uint8), spacing=(2, 0.5, 0.5)))
    args = ("--channel", 0, "--spacing", 2, 0.5, 0.5, "--mask", tmp_path / "mask.nii")
    result = run("measure", corrected, tmp_path / "two.tif", "--table", tmp_path / "t.parquet", *args)
    assert result.exit_code == 0, result.output
    table, _ = read_table(tmp_path / "t.parquet")
    np.testing.assert_allclose(table["intensity_mean_c1"], 3 * table["intensity_mean"])
    assert table["mask_overlap"][0] == 1


def test_labels_alone_and_a_row_that_was_deleted(tmp_path, corrected, run):
    assert run("measure", corrected, "--table", tmp_path / "t.csv").exit_code == 0
    text = (tmp_path / "t.csv").read_text().splitlines()
    (tmp_path / "t.csv").write_text("\ufeff" + "\n".join([text[0], *text[2:]]).replace(",", ";"))
    result = run("filter", corrected, tmp_path / "t.csv", "-o", tmp_path / "f.nii.gz")
    assert result.exit_code == 0, result.output
    assert f"2 of 3 objects kept (1 not in {tmp_path / 't.csv'})" in result.stdout
    assert np.unique(io.read(tmp_path / "f.nii.gz").data).tolist() == [0, 7, 90]


def test_what_cannot_be_measured_is_one_line(tmp_path, cells, corrected, refused):
    io.write(tmp_path / "small.tif", Volume(data=np.ones((4, 5, 6), np.uint8)))
    io.write(tmp_path / "half.tif", Volume(data=np.full((12, 24, 26), 0.5, np.float32)))
    for args, message in (
        (("small.tif", cells, "--table", "t.csv"), r"small.tif has the shape \(4, 5, 6\) but .*cells.tif"),
        (("half.tif", "--table", "t.csv"), r"half.tif has fractional values; give a label image"),
        (("no.tif", "--table", "t.csv"), r"no.tif does not exist; check the name"),
        ((corrected, "--table", "t.xlsx"), r"--table must end in .csv or .parquet"),
        ((corrected, "--table", corrected), r"--table must end in .csv or .parquet"),
    ):
        words = [tmp_path / w if isinstance(w, str) and re.search(r"\.\w+$", w) else w for w in args]
        line = refused("measure", *words, folder=tmp_path)
        assert re.search(message, line), line
