"""The table of objects as other programs read it."""

import csv
from types import SimpleNamespace

import numpy as np
import pytest

from anystar.report.table import COLUMNS, write_table

OBJECTS = SimpleNamespace(
    label=np.array([1, 70_000], np.int32),
    probability=np.array([0.987654321, 0.5], np.float32),
    centroid_vox=np.array([[1.5, 2.25, 3.0], [10, 20, 30.5]]),
    volume_vox=np.array([8, 123_456_789]),
    bbox=np.array([[1, 2, 3, 3, 4, 5], [0, 0, 0, 11, 12, 13]]),
)


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_rows_in_micrometres(tmp_path):
    write_table(tmp_path / "a.csv", OBJECTS, spacing=(2, 0.5, 0.5))
    first, second = rows(tmp_path / "a.csv")
    assert tuple(first) == COLUMNS
    assert (first["label"], first["probability"], second["label"]) == ("1", "0.987654", "70000")
    assert [float(first[f"{a}_vox"]) for a in "zyx"] == [1.5, 2.25, 3]
    assert [float(first[f"{a}_um"]) for a in "zyx"] == [3, 1.125, 1.5]
    assert (first["volume_vox"], second["volume_vox"]) == ("8", "123456789")
    assert float(first["volume_um3"]) == 4
    assert [int(first[f"{a}_{end}"]) for end in ("start", "stop") for a in "zyx"] == [1, 2, 3, 3, 4, 5]


@pytest.mark.parametrize("place", [{}, {"spacing": (4.54, 1, 1), "unit": "relative"}])
def test_no_micrometres_where_they_are_not_known(tmp_path, place):
    write_table(tmp_path / "a.csv", OBJECTS, **place)
    first, _ = rows(tmp_path / "a.csv")
    assert {first[k] for k in COLUMNS if "_um" in k} == {""}
    assert first["z_vox"] == "1.5"


def test_no_objects_is_a_header(tmp_path):
    none = SimpleNamespace(**{k: v[:0] for k, v in vars(OBJECTS).items()})
    write_table(tmp_path / "a.csv", none, spacing=(1, 1, 1))
    assert (tmp_path / "a.csv").read_text().splitlines() == [",".join(COLUMNS)]
