"""Reading and writing by name: endings, values, atomicity."""

import os
import pickle

import h5py
import numpy as np
import pytest

from anystar import io
from anystar.arrays import Volume

NAMES = ["a.tif", "a.ome.tif", "a.nii", "a.nii.gz", "a.npy"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("top", "dtype"), [(255, "uint16"), (65_535, "uint16"), (65_536, "int32")])
def test_labels_never_wrap(tmp_path, name, top, dtype):
    labels = np.zeros((4, 6, 7), np.int32)
    labels[1, 2, 3], labels[2] = top, 1
    image = Volume(data=np.zeros((4, 6, 7), np.uint8), spacing=(2, 1, 1))
    io.write(tmp_path / name, labels, like=image)
    back = io.read(tmp_path / name)
    np.testing.assert_array_equal(back.data, labels)
    assert back.data.dtype == dtype


def test_labels_beyond_what_tiff_holds(tmp_path):
    labels = np.full((2, 3, 4), 2**40, np.uint64)
    with pytest.raises(io.FileError, match=r"a\.tif cannot hold uint64"):
        io.write(tmp_path / "a.tif", Volume(data=labels))
    assert list(tmp_path.iterdir()) == []
    io.write(tmp_path / "a.npy", Volume(data=labels))
    np.testing.assert_array_equal(io.read(tmp_path / "a.npy").data, labels)


def test_an_image_is_not_written_as_zarr(tmp_path):
    with pytest.raises(
        io.FileError, match=r"a\.zarr cannot hold float32 .* labels only; choose a name ending in"
    ):
        io.write(tmp_path / "a.zarr", Volume(data=np.zeros((4, 5, 6), np.float32)))
    assert list(tmp_path.iterdir()) == []


def test_an_array_needs_its_image(tmp_path):
    with pytest.raises(ValueError, match="needs a place; give like="):
        io.write(tmp_path / "a.tif", np.zeros((2, 3, 4)))
    with pytest.raises(ValueError, match="must keep the shape"):
        io.write(tmp_path / "a.tif", np.zeros((2, 3, 4)), like=Volume(data=np.zeros((2, 3, 5))))


@pytest.mark.parametrize("name", ["a.tif", "a.nii.gz", "a.npy"])
def test_nonfinite_values_are_read_as_they_are_but_are_no_labels(tmp_path, name):
    data = np.zeros((4, 5, 6), np.float32)
    data[0, 0, :2], data[1, 1, 1] = np.nan, np.inf
    io.write(tmp_path / name, Volume(data=data))
    np.testing.assert_array_equal(io.read(tmp_path / name).data, data)
    with pytest.raises(io.FileError, match=r"a\..* has NaN or infinite values; replace them by 0"):
        io.read_labels(tmp_path / name)


def test_missing_folder_and_unknown_names(tmp_path):
    with pytest.raises(FileNotFoundError, match="does not exist; check the name"):
        io.read(tmp_path / "no.tif")
    with pytest.raises(io.FileError, match="is a folder without images; give a file"):
        io.read(tmp_path)
    (tmp_path / "a.xyz").write_bytes(b"")
    with pytest.raises(io.FileError, match=r"no known ending; use one of .*\.tif"):
        io.read(tmp_path / "a.xyz")
    with pytest.raises(io.FileError, match=r"holds no images; expected files that end in .*\.nii\.gz"):
        io.list_volumes(tmp_path)
    (tmp_path / ".hidden.tif").write_bytes(b"")
    (tmp_path / "b.TIF").write_bytes(b"")
    (tmp_path / "a.nii.gz").write_bytes(b"")
    assert [p.name for p in io.list_volumes(tmp_path)] == ["a.nii.gz", "b.TIF"]
    for name in ("a.nii.gz", "b.TIF"):
        with pytest.raises(io.FileError, match=name):
            io.read(tmp_path / name)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (np.zeros((3, 4)), r"is a 2D image \(Y 3, X 4\) without a Z axis; give a 3D stack"),
        (np.zeros((2, 3, 4, 5)), r"axes unnamed 2, Z 3, Y 4, X 5; name each of them in axes=, TZYX for"),
        (np.array([{}]), "cannot be opened"),
        (np.zeros((0, 4, 5)), "is empty"),
    ],
)
def test_npy_refuses(tmp_path, data, message):
    np.save(tmp_path / "a.npy", data)
    with pytest.raises(io.FileError, match=message):
        io.read(tmp_path / "a.npy")


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.npy"
    io.write(path, Volume(data=np.ones((2, 2, 2), np.uint8)))

    def fail(*_, **__):
        raise OSError("disk full")

    monkeypatch.setattr(np, "save", fail)
    with pytest.raises(OSError, match="disk full"):
        io.write(path, Volume(data=np.zeros((2, 2, 2), np.uint8)))
    monkeypatch.undo()
    assert os.listdir(tmp_path) == ["a.npy"]
    assert io.read(path).data.all()


def test_what_else_an_hdf5_file_holds_is_not_lost(tmp_path):
    path = tmp_path / "a.h5"
    volume = Volume(data=np.ones((4, 5, 6), np.uint8))
    io.write(f"{path}:/labels", volume)
    io.write(f"{path}:/labels", volume)
    with h5py.File(path, "a") as file:
        file["deep/raw"] = np.arange(8)
    before = path.read_bytes()
    for name in ("labels", "other"):
        with pytest.raises(
            io.FileError, match=r"a.h5 also holds .*deep/raw.*would be lost; choose a file of its"
        ):
            io.write(f"{path}:/{name}", volume)
    assert path.read_bytes() == before


def test_a_header_with_its_data_elsewhere_is_not_written(tmp_path):
    with pytest.raises(io.FileError, match=r"l\.nhdr cannot be written; use one of"):
        io.write(tmp_path / "l.nhdr", Volume(data=np.ones((4, 5, 6), np.uint8)))
    assert not list(tmp_path.iterdir())


def test_an_impossible_voxel_size_does_not_matter_where_none_is_needed(tmp_path):
    path = tmp_path / "a.h5"
    io.write(path, Volume(data=np.ones((4, 5, 6), np.uint8)))
    with h5py.File(path, "a") as file:
        file["labels"].attrs["element_size_um"] = (0.0, 1.0, 1.0)
    with pytest.raises(io.FileError, match=r"spacing=\(Z, Y, X\)"):
        io.read(path)
    volume = io.read(path, sized=False)
    assert (volume.shape, volume.spacing) == ((4, 5, 6), None)
    with io.open_image(path, sized=False) as lazy:
        assert pickle.loads(pickle.dumps(lazy)).spacing is None
