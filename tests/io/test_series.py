"""Volumes over time: which frame is which."""

import numpy as np
import pytest

from anystar import io
from anystar.arrays import Volume


def write(folder, *names):
    for value, name in enumerate(names):
        io.write(folder / name, Volume(data=np.full((4, 5, 6), value, np.uint8)))


def read(series):
    return [None if (f := series.read(n)) is None else int(f[0, 0, 0]) for n in range(len(series))]


def test_numbers_order_the_frames_and_their_step_is_found(tmp_path):
    write(tmp_path, "v2_t10.tif", "v2_t30.tif", "v2_t110.tif", "v2_t50.tif")
    with io.open_series([tmp_path]) as series:
        assert read(series) == [0, 1, 3, None, None, 2]
        assert sorted(series.faults) == [3, 4]


def test_files_may_be_given_one_by_one(tmp_path):
    write(tmp_path, "a3.tif", "a2.tif")
    with io.open_series([tmp_path / "a3.tif", tmp_path / "a2.tif"]) as series:
        assert read(series) == [1, 0]
    with pytest.raises(IndexError, match="number must be 0 to 1, got 2"):
        series.read(2)


def test_files_without_numbers(tmp_path):
    write(tmp_path, "one.tif", "two.tif")
    with pytest.raises(io.FileError, match=r"one\.tif has no number; name frames like"):
        io.open_series([tmp_path])


def test_frames_keep_what_is_not_finite(tmp_path):
    np.save(tmp_path / "t0.npy", np.full((4, 5, 6), np.inf))
    np.save(tmp_path / "t1.npy", np.ones((4, 5, 6)))
    with io.open_series([tmp_path]) as series:
        assert np.isinf(series.read(0)).all()
        assert series.faults == {}
