"""Label images filtered by their table, from Python."""

import numpy as np
import pytest

import anystar
from anystar import io
from anystar.errors import InputError
from anystar.objects import FilterOptions
from anystar.report.table import read_table, write_table
from anystar.workflow.filtering import filter_file


@pytest.fixture
def labels(tmp_path):
    data = np.zeros((6, 12, 12), np.float32)  # as some programs save labels
    data[1:3, 1:3, 1:3], data[1:5, 5:9, 5:9], data[0, 10:, 10:] = 3, 8, 20
    volume = anystar.Volume(data=data, spacing=(2, 1, 1))
    io.write(tmp_path / "labels.nii.gz", volume)
    write_table(tmp_path / "t.csv", anystar.measure(volume))
    return tmp_path / "labels.nii.gz"


def test_deleted_rows_and_conditions_reject_objects(tmp_path, labels):
    table, _ = read_table(tmp_path / "t.csv")
    write_table(tmp_path / "edited.csv", table.select(table["label"] != 8))
    done = filter_file(
        labels,
        tmp_path / "edited.csv",
        tmp_path / "kept.nii.gz",
        options=FilterOptions(drop_border=True),
        table_output=tmp_path / "kept.csv",
    )
    assert (done.num_objects, done.num_kept, done.num_rejected) == (3, 1, 1)
    assert np.unique(io.read(tmp_path / "kept.nii.gz").data).tolist() == [0, 3]
    assert read_table(tmp_path / "kept.csv")[0]["label"].tolist() == [3]


def test_a_table_of_other_labels_is_refused(tmp_path, labels):
    table, _ = read_table(tmp_path / "t.csv")
    for changed, message in (
        (table.with_columns({"label": np.array([3, 8, 21])}), "does not list the objects"),
        (table.with_columns({"volume_vox": table["volume_vox"] + 1}), "does not list the objects"),
        (anystar.Table.concat([table, table]), "lists a label twice"),
    ):
        write_table(tmp_path / "other.csv", changed)
        with pytest.raises(InputError, match=message):
            filter_file(labels, tmp_path / "other.csv", tmp_path / "x.tif", options=FilterOptions())
    with pytest.raises(InputError, match="nothing says what to keep; give min_volume=V"):
        filter_file(labels, tmp_path / "t.csv", tmp_path / "x.tif", options=FilterOptions())
