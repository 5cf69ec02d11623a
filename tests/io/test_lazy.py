"""A box of a file is the box of the whole, whatever the format, and nothing else is read."""

import pickle

import h5py
import numpy as np
import pytest
import tifffile
import zarr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anystar import io
from anystar.arrays import Volume
from anystar.io.label_store import LabelStore

SHAPE = (9, 40, 50)
DATA = np.random.default_rng(0).integers(0, 2**16, SHAPE).astype(np.uint16)


def tiled(path):
    tifffile.imwrite(path, DATA, tile=(16, 16), compression="zlib", metadata={"axes": "ZYX"})


def big_endian(path):
    tifffile.imwrite(path, DATA, byteorder=">", photometric="minisblack")


def store(version):
    def write(path):
        made = LabelStore.create(
            path, SHAPE, DATA.dtype, like=Volume(data=DATA), chunks=(4, 16, 16), version=version
        )
        made.write((0, 0, 0), DATA)
        made.finish()

    return write


def hdf5(path):
    with h5py.File(path, "w") as file:
        file["more/raw"] = DATA


FILES = {
    "a.tif": None,
    "a.ome.tif": None,
    "tiled.tif": tiled,
    "big.tif": big_endian,
    "a.nii": None,
    "a.nii.gz": None,
    "a.nrrd": None,
    "a.npy": None,
    "a.h5": hdf5,
    "b.h5": None,
    "four.zarr": store("0.4"),
    "five.zarr": store("0.5"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("lazy")
    for name, make in FILES.items():
        if make is None:
            io.write(path / name, Volume(data=DATA))
        else:
            make(path / name)
    return path


@st.composite
def boxes(draw):
    return tuple(slice(*sorted((draw(st.integers(0, n)), draw(st.integers(0, n + 3))))) for n in SHAPE)


@pytest.mark.parametrize("name", FILES)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(box=boxes())
def test_a_box_is_that_of_the_whole(folder, name, box):
    with io.open_image(folder / name) as image:
        assert (image.shape, image.dtype, image.num_channels, image.num_times) == (SHAPE, np.uint16, 1, 1)
        part = image.read(box)
    np.testing.assert_array_equal(part, DATA[box])
    assert part.dtype == np.uint16
    assert part.flags.c_contiguous
    assert part.flags.writeable


@pytest.mark.parametrize("name", FILES)
def test_a_pickle_opens_the_file_again(folder, name):
    with io.open_image(folder / name, spacing=(3, 2, 1)) as image:
        again = pickle.loads(pickle.dumps(image))
    assert len(pickle.dumps(image)) < 1000
    np.testing.assert_array_equal(again.read(), DATA)
    assert again.spacing == (3, 2, 1)
    again.close()


@pytest.mark.parametrize("box", [(slice(2),), (slice(2), slice(2), slice(0, 4, 2)), (0, 1, 2)])
def test_impossible_boxes(folder, box):
    with io.open_image(folder / "a.npy") as image, pytest.raises(ValueError, match="three slices"):
        image.read(box)


def test_only_what_is_asked_for_is_decoded(tmp_path):
    """Every chunk but one is rubbish: the sound one can still be read."""
    group = zarr.create_group(tmp_path / "a.zarr", zarr_format=2)
    array = group.create_array("0", shape=(8, 8, 8), chunks=(4, 4, 4), dtype="u2")
    array[...] = np.arange(512).reshape(8, 8, 8)
    chunks = [p for p in (tmp_path / "a.zarr" / "0").iterdir() if not p.name.startswith(".")]
    for chunk in chunks:
        if chunk.name != "1.1.1":
            chunk.write_bytes(b"rubbish")
    with io.open_image(tmp_path / "a.zarr" / "0") as image:
        np.testing.assert_array_equal(image.read((slice(4, 8),) * 3), array[4:, 4:, 4:])
        with pytest.raises(io.FileError, match=r"has a chunk that cannot be decoded in \[0:4, 0:8, 0:2\]"):
            image.read((slice(4), slice(None), slice(2)))


@pytest.mark.parametrize("suffix", ["tif", "ome.tif"])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_time_and_channel_are_chosen(tmp_path, suffix, compression):
    data = np.random.default_rng(1).integers(0, 99, (3, 5, 2, 16, 17)).astype(np.uint16)
    path = tmp_path / f"a.{suffix}"
    tifffile.imwrite(path, data, imagej=suffix == "tif", compression=compression, metadata={"axes": "TZCYX"})
    with io.open_image(path, channel=1, time=2) as image:
        assert (image.num_channels, image.num_times, image.axes) == (2, 3, "TZCYX")
        np.testing.assert_array_equal(image.read(), data[2, :, 1])
        np.testing.assert_array_equal(
            image.read((slice(1, 3), slice(4, 9), slice(3))), data[2, 1:3, 1, 4:9, :3]
        )
    with pytest.raises(io.FileError, match="has 3 time points; choose one with time=0 to time=2"):
        io.open_image(path, channel=0)
    with pytest.raises(io.FileError, match="has time points 0 to 2, not time point 3"):
        io.open_image(path, channel=0, time=3)
