"""Labels over time as one OME-Zarr image."""

import numpy as np
import pytest
import zarr

from anystar import io
from anystar.arrays import Volume
from anystar.errors import FileError, InputError
from anystar.io.label_series import LabelSeries
from anystar.io.label_store import LabelStore
from tests.scenes import balls

SHAPE = (8, 80, 72)


def frame(time):
    return balls(SHAPE, (1, (4, 20, 10 + 5 * time), 4), (70_000, (4, 60, 50), 4))


def test_every_level_of_every_time_point_is_that_of_a_volume(tmp_path):
    like = Volume(data=frame(0), spacing=(2.0, 0.5, 0.5))
    series = LabelSeries.create(tmp_path / "movie.ome.zarr", 3, like=like)
    for time in (2, 0):  # in any order; 1 failed
        series.write(time, frame(time))
    assert not (tmp_path / "movie.ome.zarr").exists()
    series.finish()
    io.write(tmp_path / "one.zarr", like)
    movie, one = (zarr.open_group(tmp_path / name, mode="r") for name in ("movie.ome.zarr", "one.zarr"))
    levels = [d["path"] for d in one.attrs["ome"]["multiscales"][0]["datasets"]]
    assert len(levels) > 1
    for level in levels:
        np.testing.assert_array_equal(movie[level][0], one[level][:])
        assert not movie[level][1].any()
    for time in range(3):
        with io.open_image(tmp_path / "movie.ome.zarr", time=time) as image:
            assert (image.num_times, image.spacing, image.unit) == (3, (2.0, 0.5, 0.5), "um")
            np.testing.assert_array_equal(image.read(), frame(time) if time != 1 else 0 * frame(0))
    axes = movie.attrs["ome"]["multiscales"][0]["axes"]
    assert [(a["name"], a["type"]) for a in axes] == [("t", "time"), *((n, "space") for n in "zyx")]


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_the_metadata_pass_the_check_of_the_specification(tmp_path, version):
    models = pytest.importorskip("ome_zarr_models")
    store = LabelStore.create(
        tmp_path / "i.zarr", SHAPE, np.uint16, like=Volume(data=frame(0)), version=version
    )
    store.write((0, 0, 0), np.minimum(frame(0), 9))
    store.finish()
    with io.open_image(tmp_path / "i.zarr") as image:
        series = LabelSeries.create(tmp_path / "i.zarr/labels/cells", 2, like=image)
        series.write(0, frame(0))
        series.finish()
    group = zarr.open_group(tmp_path / "i.zarr/labels/cells", mode="r")
    package = {"0.4": models.v04, "0.5": models.v05}[version]
    package.ImageLabel.from_zarr(group)
    listed = zarr.open_group(tmp_path / "i.zarr/labels", mode="r").attrs
    assert (listed["ome"] if version == "0.5" else listed)["labels"] == ["cells"]


def test_what_does_not_fit_is_refused_and_nothing_is_left(tmp_path):
    like = Volume(data=frame(0))
    series = LabelSeries.create(tmp_path / "m.zarr", 2, like=like)
    for time, labels in ((2, frame(0)), (0, frame(0)[1:])):
        with pytest.raises(InputError, match="must have the shape"):
            series.write(time, labels)
    with pytest.raises(InputError, match="must fit int32"):
        series.write(0, np.full(SHAPE, 2**31))
    series.discard()
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(FileError, match="no Zarr store"):
        LabelSeries.create(tmp_path / "m.tif", 2, like=like)
    LabelSeries.create(tmp_path / "m.zarr", 2, like=like).finish()
    with pytest.raises(FileError, match="exists already"):
        LabelSeries.create(tmp_path / "m.zarr", 2, like=like)
