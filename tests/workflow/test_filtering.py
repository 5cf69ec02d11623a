"""Label images filtered by their table, from Python."""

import numpy as np
import pytest
import tifffile

import anystar
from anystar import io
from anystar.errors import FileError, InputError
from anystar.objects import FilterOptions
from anystar.report.table import read_table, write_table
from anystar.workflow.filtering import filter_file
from anystar.workflow.measuring import measure_file
from tests.scenes import annotated_balls


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


def test_the_volume_of_a_file_of_several_is_chosen(tmp_path):
    balls = annotated_balls(num=24, radius=4.0).labels.astype(np.uint16)
    with tifffile.TiffWriter(tmp_path / "two.tif") as writer:
        writer.write(np.zeros((2, 10, 10), np.uint16), metadata={"axes": "ZYX"})
        writer.write(balls, metadata={"axes": "ZYX"})
    tifffile.imwrite(tmp_path / "as_time.tif", balls, imagej=True, metadata={"axes": "TYX"})
    write_table(tmp_path / "t.csv", anystar.measure(balls))
    options = FilterOptions(keep="label > 3")
    for name, how in (("two.tif", {"series": 1}), ("as_time.tif", {"axes": "ZYX"})):
        done = filter_file(
            tmp_path / name, tmp_path / "t.csv", tmp_path / f"kept_{name}", options=options, **how
        )
        assert done.num_kept == balls.max() - 3
        np.testing.assert_array_equal(io.read(tmp_path / f"kept_{name}").data, np.where(balls > 3, balls, 0))


def test_a_time_point_is_filtered_by_its_rows_of_a_joined_table(tmp_path):
    balls = annotated_balls(num=24, radius=4.0).labels.astype(np.uint16)
    movie = np.stack([balls, balls[::-1] * 2])
    tifffile.imwrite(tmp_path / "movie.tif", movie, imagej=True, metadata={"axes": "TZYX"})
    measure_file(tmp_path / "movie.tif", table=tmp_path / "t.csv", time="all")
    options = FilterOptions(keep="label > 4")
    with pytest.raises(FileError, match="has 2 time points; choose one with time=0 to time=1"):
        filter_file(tmp_path / "movie.tif", tmp_path / "t.csv", tmp_path / "x.tif", options=options)
    for time in (0, 1):
        kept = tmp_path / f"kept{time}.tif"
        filter_file(tmp_path / "movie.tif", tmp_path / "t.csv", kept, options=options, time=time)
        np.testing.assert_array_equal(io.read(kept).data, np.where(movie[time] > 4, movie[time], 0))


@pytest.mark.parametrize("name", ["kept.tif", "kept.nrrd", "kept.zarr"])
def test_labels_of_eight_bits_get_room(tmp_path, name):
    balls = annotated_balls(num=24, radius=4.0).labels.astype(np.uint8)
    io.write(tmp_path / "l.tif", anystar.Volume(data=balls))
    write_table(tmp_path / "t.csv", anystar.measure(balls))
    filter_file(
        tmp_path / "l.tif", tmp_path / "t.csv", tmp_path / name, options=FilterOptions(keep="label > 3")
    )
    found = io.read(tmp_path / name).data
    assert found.dtype == np.uint16
    np.testing.assert_array_equal(found, np.where(balls > 3, balls, 0))
