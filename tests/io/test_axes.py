"""Axes by their names, axes of length 1, and axes that the user names, in every format."""

import json

import h5py
import nibabel as nib
import nrrd
import numpy as np
import pytest
import tifffile
import zarr

from anystar import io
from anystar.io.axis_names import axis_letter, unnamed_axes

DATA = np.random.default_rng(0).integers(0, 999, (6, 12, 14)).astype(np.uint16)


def tiff(path, data, axes=None):
    tifffile.imwrite(path, data, photometric="minisblack", metadata={"axes": axes} if axes else {})


def hdf5(path, data, axes=None):
    with h5py.File(path, "w") as file:
        file["raw"] = data
        for dim, name in zip(file["raw"].dims, axes or "", strict=bool(axes)):
            dim.label = name


def bare_zarr(path, data, axes=None):
    zarr.create_array(path, data=data, dimension_names=axes and list(axes))


def old_zarr(path, data, axes=None):
    array = zarr.create_array(path, data=data, zarr_format=2)
    if axes:
        array.attrs["_ARRAY_DIMENSIONS"] = list(axes)


def npy(path, data):
    np.save(path, data)


def nifti(path, data):
    nib.save(nib.Nifti1Image(data.T, np.eye(4)), path)


WRITERS = {"a.tif": tiff, "a.h5": hdf5, "a.zarr": bare_zarr, "b.zarr": old_zarr, "a.npy": npy, "a.nii": nifti}


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("shape", [(1, 6, 12, 14), (1, 1, 6, 12, 14), (6, 12, 14)])
def test_leading_axes_of_length_one_are_no_matter(tmp_path, name, shape):
    WRITERS[name](tmp_path / name, DATA.reshape(shape))
    volume = io.read(tmp_path / name)
    np.testing.assert_array_equal(volume.data, DATA)
    with io.open_image(tmp_path / name) as image:
        part = image.read((slice(1, 3), slice(2, 5), slice(4, 14)))
    np.testing.assert_array_equal(part, DATA[1:3, 2:5, 4:])


@pytest.mark.parametrize("name", WRITERS)
def test_labels_on_such_a_volume_are_written_and_read(tmp_path, name):
    WRITERS[name](tmp_path / name, DATA[None])
    volume = io.read(tmp_path / name)
    for target in ("l.tif", "l.nii.gz", "l.zarr", "l.nrrd"):
        io.write(tmp_path / target, (volume.data % 7).astype(np.int32), like=volume)
        np.testing.assert_array_equal(io.read(tmp_path / target).data, DATA % 7)


@pytest.mark.parametrize("name", ["a.h5", "a.zarr", "b.zarr"])
@pytest.mark.parametrize(
    ("axes", "order"),
    [
        (("depth", "height", "width"), (0, 1, 2)),
        (("width", "height", "depth"), (2, 1, 0)),
        (("X", "Y", "Z"), (2, 1, 0)),
        (("slice", "row", "column"), (0, 1, 2)),
        (("row", "plane", "col"), (1, 0, 2)),
    ],
)
def test_axes_by_their_words(tmp_path, name, axes, order):
    WRITERS[name](tmp_path / name, DATA.transpose(order), axes)
    np.testing.assert_array_equal(io.read(tmp_path / name).data, DATA)


@pytest.mark.parametrize("name", ["a.h5", "a.zarr", "b.zarr"])
def test_channels_and_times_by_their_words(tmp_path, name):
    data = np.random.default_rng(1).integers(0, 9, (2, 6, 12, 14, 3)).astype(np.uint8)
    WRITERS[name](tmp_path / name, data, ("frames", "depth", "height", "width", "channels"))
    np.testing.assert_array_equal(io.read(tmp_path / name, time=1, channel=2).data, data[1, ..., 2])


def test_words_and_letters():
    assert "".join(map(axis_letter, ["Z", "slice", "samples", "t", "frames", "ch", "lon", "1", "dim_0"])) == (
        "ZZSTTCQQQ"
    )
    assert axis_letter("anything", "channel") == "C"
    assert axis_letter("depth", "space") == "Z"
    assert [unnamed_axes(shape) for shape in [(5,), (1, 1, 1, 4, 5), (5, 1, 12, 13)]] == [
        "X",
        "QIZYX",
        "ZQYX",
    ]


SPACED = {"axes": "TYX", "spacing": 2.0, "unit": "um"}


def test_a_stack_that_was_saved_as_a_time_series(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, DATA, imagej=True, resolution=(2, 4), metadata=SPACED)
    with pytest.raises(io.FileError, match="if time is really Z, give axes=ZYX"):
        io.read(path)
    volume = io.read(path, axes="ZYX")
    np.testing.assert_array_equal(volume.data, DATA)
    assert volume.spacing == (2, 0.25, 0.5)


def test_a_stack_that_was_saved_as_channels(tmp_path):
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, DATA, metadata={"axes": "CYX", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5})
    with pytest.raises(io.FileError, match="if the channels are really Z, give axes=ZYX"):
        io.read(path)
    with io.open_image(path, axes="zyx") as image:
        assert (image.spacing, image.plane) == (None, (0.5, 0.5))
        np.testing.assert_array_equal(image.read(), DATA)


def test_axes_that_were_swapped(tmp_path):
    """Each size stays with the axis that it was stated for."""
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["raw"] = DATA.transpose(2, 1, 0)
        file["raw"].attrs["element_size_um"] = (0.1, 0.2, 2.0)
    volume = io.read(path, axes="XYZ")
    np.testing.assert_array_equal(volume.data, DATA)
    assert volume.spacing == (2, 0.2, 0.1)


def test_names_for_axes_without_any(tmp_path):
    data = np.random.default_rng(1).integers(0, 9, (2, 6, 12, 14)).astype(np.uint8)
    for name in ("a.tif", "a.h5", "a.zarr", "a.npy"):
        WRITERS[name](tmp_path / name, data)
        with pytest.raises(io.FileError, match=r"axes=, T?C?ZYX for"):
            io.read(tmp_path / name)
        for axes, options in (("TZYX", {"time": 1}), ("CZYX", {"channel": 1})):
            volume = io.read(tmp_path / name, axes=axes, **options)
            np.testing.assert_array_equal(volume.data, data[1])
        np.testing.assert_array_equal(io.read(tmp_path / name, axes="ZCYX", channel=5).data, data[:, 5])


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ("ZY", "has 3 axes, ZYX 6 x 12 x 14, not 2; give one letter each in axes="),
        ("CZYX", "has 3 axes, ZYX 6 x 12 x 14, not 4"),
        ("ZYY", "cannot have the axes ZYY; name each of Z, Y and X once"),
        ("TYX", "cannot have the axes TYX"),
    ],
)
def test_impossible_axes(tmp_path, axes, message):
    np.save(tmp_path / "a.npy", DATA)
    with pytest.raises(io.FileError, match=message):
        io.read(tmp_path / "a.npy", axes=axes)


def test_ilastik_resolution_and_units(tmp_path):
    path = tmp_path / "a.h5"

    def tagged(*tags):
        with h5py.File(path, "w") as file:
            file["exported_data"] = DATA[..., None]
            axes = [
                dict(zip(("key", "resolution", "unit"), tag, strict=False)) for tag in (*tags, ("c", 0, ""))
            ]
            file["exported_data"].attrs["axistags"] = json.dumps({"axes": axes})
        with io.open_image(path) as image:
            np.testing.assert_array_equal(image.read(), DATA)
            return image.spacing, image.unit, image.plane

    assert tagged(("z", 2.0, "um"), ("y", 500, "nm"), ("x", 0.25, "um")) == ((2, 0.5, 0.25), "um", None)
    assert tagged(("z", 4.0), ("y", 0.5), ("x", 0.5)) == ((4, 0.5, 0.5), "relative", None)
    assert tagged(("z", 0), ("y", 0), ("x", 0)) == (None, "um", None)
    assert tagged(("z", 1.0), ("y", 1.0), ("x", 1.0)) == (None, "um", None)
    assert tagged(("z", 0, ""), ("y", 0.5, "um"), ("x", 0.5, "um")) == (None, "um", (0.5, 0.5))
    with h5py.File(path, "a") as file:
        file["exported_data"].attrs["axistags"] = "{broken"
    with io.open_image(path) as image:
        assert "axistags cannot be parsed" in image.notes[0]
        np.testing.assert_array_equal(image.read(), DATA)


def test_a_dataset_behind_a_slash(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["raw"], file["deep/labels"] = DATA, DATA % 2
    np.testing.assert_array_equal(io.read(tmp_path / "a.h5" / "raw").data, DATA)
    np.testing.assert_array_equal(io.read(f"{tmp_path}/a.h5/deep/labels").data, DATA % 2)
    np.testing.assert_array_equal(io.read(f"{tmp_path}/a.h5:/deep/labels").data, DATA % 2)
    (tmp_path / "runs.h5").mkdir()
    np.save(tmp_path / "runs.h5" / "a.npy", DATA)
    np.testing.assert_array_equal(io.read(tmp_path / "runs.h5" / "a.npy").data, DATA)


@pytest.mark.parametrize(
    ("header", "spacing", "unit"),
    [
        ({"spacings": [0.2, 300.0, 0.002], "units": ["um", "nm", "mm"]}, (2, 0.3, 0.2), "um"),
        ({"spacings": [0.2, 0.2, 2.0]}, (2, 0.2, 0.2), "relative"),
        ({"spacings": [1.0, 1.0, 1.0]}, None, "um"),
        ({"spacings": [1.0, 1.0, 1.0], "units": ["mm"] * 3}, (1000, 1000, 1000), "um"),
        (
            {
                "space dimension": 3,
                "space units": ["um", "nm", "mm"],
                "space directions": np.diag([0.2, 300.0, 0.002]),
            },
            (2, 0.3, 0.2),
            "um",
        ),
        (
            {
                "space dimension": 3,
                "space units": ["mm", "um", "um"],
                "space directions": [[0, 0.2, 0], [0, 0, 0.3], [0.002, 0, 0]],
            },
            (2, 0.3, 0.2),
            "um",
        ),
        (
            {"space": "left-posterior-superior", "space directions": np.eye(3), "space origin": [0, 0, 0]},
            None,
            "um",
        ),
        (
            {"space": "left-posterior-superior", "space directions": np.eye(3), "space origin": [5, 0, 0]},
            (1000, 1000, 1000),
            "um",
        ),
    ],
)
def test_units_of_nrrd(tmp_path, header, spacing, unit):
    nrrd.write(str(tmp_path / "a.nrrd"), DATA.T, header)
    with io.open_image(tmp_path / "a.nrrd") as image:
        np.testing.assert_array_equal(image.read(), DATA)
        assert (image.spacing and pytest.approx(image.spacing)) == spacing
        assert image.unit == unit


@pytest.mark.parametrize("stated", ["2 0.5 0.5", [0.5, 0.5], ["2,0", "0,5", "0,5"]])
def test_hdf5_sizes_that_cannot_be_parsed(tmp_path, stated):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["a"] = np.zeros((4, 5, 6), np.uint8)
        file["a"].attrs["element_size_um"] = stated
        file["b"] = np.zeros((4, 5, 6), np.uint8)
        tags = [{"key": key, "resolution": "0,5", "unit": "um"} for key in "zyx"]
        file["b"].attrs["axistags"] = json.dumps({"axes": tags})
    for name in "ab":
        with io.open_image(tmp_path / f"a.h5:/{name}") as image:
            assert image.spacing is None
            assert "is no number for each axis, so its voxel size is not known" in image.notes[0]
        assert io.read(tmp_path / f"a.h5:/{name}", spacing=(3, 2, 1)).spacing == (3, 2, 1)
