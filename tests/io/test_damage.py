"""Damaged files of every format: one clear line, never wrong voxels, never a crash."""

import contextlib
import os

import h5py
import nrrd
import numpy as np
import pytest
import SimpleITK as sitk
import tifffile
import zarr

from anystar import io
from anystar.arrays import Volume

SHAPE = (9, 20, 21)
DATA = np.random.default_rng(0).integers(0, 2**16, SHAPE).astype(np.uint16)
NAMES = ["a.tif", "a.ome.tif", "a.nii", "a.nii.gz", "a.nrrd", "raw.nrrd", "a.npy", "a.h5", "plain.h5"]


def write(path):
    """Write the data as the name says."""
    if path.name == "raw.nrrd":
        nrrd.write(str(path), DATA.T, {"encoding": "raw"})
    elif path.name == "plain.h5":
        with h5py.File(path, "w") as file:
            file["a"] = DATA
    else:
        io.write(path, Volume(data=DATA))


@pytest.mark.parametrize("name", NAMES)
def test_a_truncated_file(tmp_path, name, capfd):
    """Whatever is read, lazily or not, is right; from half a file on it is refused by name."""
    write(tmp_path / name)
    content = (tmp_path / name).read_bytes()
    cut = tmp_path / f"cut{''.join((tmp_path / name).suffixes)}"
    for keep in np.linspace(0, len(content) - 1, 25).astype(int):
        cut.write_bytes(content[:keep])
        for box in (None, (slice(2, 4), slice(3, 9), slice(None))):
            with contextlib.suppress(io.FileError), io.open_image(cut) as image:
                np.testing.assert_array_equal(image.read(box), DATA[box or ...], err_msg=f"{keep} bytes")
    cut.write_bytes(content[: len(content) // 2])
    with pytest.raises(io.FileError) as error:
        io.read(cut)
    message = str(error.value)
    assert message.startswith(str(cut))
    assert "; " in message
    assert "\n" not in message
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("a.nii", "raw.nrrd", "a.npy", "plain.h5")])
def test_flipped_bytes_inside_compressed_data(tmp_path, name):
    """A checksum or the decoder notices, or other voxels are read; it ends in no other error."""
    write(tmp_path / name)
    content = bytearray((tmp_path / name).read_bytes())
    rng = np.random.default_rng(1)
    refused = 0
    for _ in range(25):
        bad = content.copy()
        start = int(rng.integers(len(bad) // 4, len(bad) - 64))
        bad[start : start + 64] = rng.bytes(64)
        (tmp_path / name).write_bytes(bad)
        try:
            io.read(tmp_path / name)
        except io.FileError:
            refused += 1
    assert refused > 12


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.nrrd", "a.h5", "a.npy"])
def test_what_is_of_another_format(tmp_path, name):
    (tmp_path / name).write_bytes(b"this is a letter, not an image, and quite long for a header " * 20)
    with pytest.raises(io.FileError, match="; "):
        io.read(tmp_path / name)


@pytest.fixture(params=[2, 3])
def store(request, tmp_path):
    """A multiscale image with metadata of its version, 2 x 2 x 2 chunks."""
    group = zarr.create_group(tmp_path / "a.zarr", zarr_format=request.param)
    array = group.create_array("0", shape=(8, 8, 8), chunks=(4, 4, 4), dtype="u2", fill_value=0)
    array[...] = np.arange(1, 513).reshape(8, 8, 8)
    scale = {"type": "scale", "scale": [2.0, 0.5, 0.5]}
    image = {
        "axes": [{"name": n, "type": "space", "unit": "micrometer"} for n in "zyx"],
        "datasets": [{"path": "0", "coordinateTransformations": [scale]}],
    }
    if request.param == 2:
        group.attrs["multiscales"] = [image | {"version": "0.4"}]
    else:
        group.attrs["ome"] = {"version": "0.5", "multiscales": [image]}
    return tmp_path / "a.zarr"


def chunk(store, index):
    """The file of a chunk."""
    names = "/".join(map(str, index))
    found = store / "0" / (f"c/{names}" if (store / "zarr.json").exists() else names.replace("/", "."))
    assert found.is_file()
    return found


def test_missing_chunks_are_remarked(store):
    assert io.open_image(store).notes == ()
    chunk(store, (0, 1, 1)).unlink()
    with io.open_image(store) as image:
        assert image.notes == ("1 of 8 chunks are not stored and read as 0",)
        data = image.read()
    assert not data[:4, 4:, 4:].any()
    assert data[4:].all()


@pytest.mark.parametrize("content", [b"", b"rubbish", None])
def test_a_chunk_that_cannot_be_decoded(store, content):
    path = chunk(store, (1, 0, 1))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2] if content is None else content)
    with io.open_image(store) as image:
        np.testing.assert_array_equal(image.read((slice(4), slice(4), slice(4))).ravel()[:3], [1, 2, 3])
        with pytest.raises(
            io.FileError, match=r"a\.zarr has a chunk that cannot be decoded in \[.*\] .*; copy"
        ):
            image.read()


def test_metadata_that_is_gone_or_wrong(store):
    version = 3 if (store / "zarr.json").exists() else 2
    array = store / "0" / ("zarr.json" if version == 3 else ".zarray")
    text = array.read_text()
    array.write_text(text[: len(text) // 2])
    with pytest.raises(io.FileError, match=r"a\.zarr .*; "):
        io.open_image(store)
    array.unlink()
    with pytest.raises(io.FileError, match="lacks its level 0; it is incomplete, copy"):
        io.open_image(store)
    top = store / ("zarr.json" if version == 3 else ".zattrs")
    top.write_text("{")
    with pytest.raises(io.FileError, match="; "):
        io.open_image(store)
    with pytest.raises(io.FileError, match="has nothing named labels/cells; check the name"):
        io.open_image(store / "labels" / "cells")


def edit(store, change):
    """Change the multiscale metadata of a store."""
    group = zarr.open_group(store)
    attributes = dict(group.attrs)
    change(attributes.get("ome", attributes)["multiscales"][0])
    group.attrs.update(attributes)


IMPOSSIBLE = {
    "zero": ([0.0, 0.5, 0.5], r"states a voxel of 0 x 0.5 x 0.5 along Z, Y, X; give .* spacing=\(Z, Y, X\)"),
    "negative": ([2.0, -0.5, 0.5], r"states a voxel of 2 x -0.5 x 0.5"),
    "nan": ([2.0, 0.5, float("nan")], r"states a voxel of 2 x 0.5 x nan"),
}


@pytest.mark.parametrize("case", IMPOSSIBLE)
def test_impossible_voxel_sizes_in_zarr(store, case):
    scale, message = IMPOSSIBLE[case]
    edit(store, lambda m: m["datasets"][0]["coordinateTransformations"][0].update(scale=scale))
    with pytest.raises(io.FileError, match=message):
        io.open_image(store)
    assert io.open_image(store, spacing=(1, 1, 1)).spacing == (1, 1, 1)


def test_a_pyramid_that_shrinks(store):
    def finer(image):
        steps = [{"type": "scale", "scale": [1.0, 1.0, 1.0]}]
        image["datasets"].append({"path": "1", "coordinateTransformations": steps})

    edit(store, finer)
    with pytest.raises(
        io.FileError, match=r"has a pyramid whose voxels shrink along Z, 2 to 1; give the right"
    ):
        io.open_image(store)


def test_impossible_voxel_sizes_elsewhere(tmp_path):
    ome = {"axes": "ZYX", "PhysicalSizeZ": 0.0, "PhysicalSizeY": 1.0, "PhysicalSizeX": 1.0}
    tifffile.imwrite(tmp_path / "a.ome.tif", DATA, metadata=ome)
    tifffile.imwrite(
        tmp_path / "a.tif", DATA, imagej=True, metadata={"axes": "ZYX", "spacing": 0.0, "unit": "um"}
    )
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["a"] = DATA
        file["a"].attrs["element_size_um"] = [1.0, 0.0, 1.0]
    nrrd.write(str(tmp_path / "a.nrrd"), DATA.T, {"spacings": [1.0, 1.0, 0.0]})
    for name, message in (
        ("a.ome.tif", "states a voxel of 0 x 1 x 1"),
        ("a.tif", "states a voxel of 0 x 1 x 1"),
        ("a.h5", r"states the voxel size \[1.0, 0.0, 1.0\]"),
        ("a.nrrd", "states a voxel of 0 x 1 x 1"),
    ):
        with pytest.raises(io.FileError, match=rf"{message}.*; give the right one with spacing=\(Z, Y, X\)"):
            io.read(tmp_path / name)
        assert io.read(tmp_path / name, spacing=(3, 2, 1)).spacing == (3, 2, 1)


def test_hdf5_names(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["raw"], file["more/other"], file["flat"] = DATA, DATA + 1, DATA[0]
        file["raw"].attrs["element_size_um"] = (2.0, 1.0, 0.5)
        file["series"] = np.stack([DATA, DATA])
        file["named"] = np.stack([DATA, DATA + 2])
        for dim, label in zip(file["named"].dims, "czyx", strict=True):
            dim.label = label
        file["tagged"] = DATA.transpose(2, 1, 0)
        file["tagged"].attrs["axistags"] = '{"axes": [{"key": "x"}, {"key": "y"}, {"key": "z"}]}'
    path = tmp_path / "a.h5"
    with pytest.raises(io.FileError, match=r"holds 5 datasets; choose one: .*a\.h5:/more/other"):
        io.read(path)
    with pytest.raises(io.FileError, match=r"has no such dataset; choose from .*a\.h5:/raw"):
        io.read(f"{path}:/rwa")
    with pytest.raises(io.FileError, match=r"axes unnamed 2, Z 9, .* name each of them in axes=, TZYX"):
        io.read(f"{path}:/series")
    np.testing.assert_array_equal(io.read(f"{path}:/more/other").data, DATA + 1)
    assert io.read(f"{path}:/raw").spacing == (2, 1, 0.5)
    np.testing.assert_array_equal(io.read(f"{path}:/named", channel=1).data, DATA + 2)
    np.testing.assert_array_equal(io.read(f"{path}:/tagged").data, DATA)


def test_nrrd_of_vectors_and_colours(tmp_path):
    made = sitk.GetImageFromArray(np.stack([DATA, DATA // 2], axis=-1), isVector=True)
    sitk.WriteImage(made, str(tmp_path / "a.nrrd"))
    with pytest.raises(io.FileError, match="has 2 channels; choose one with channel=0 to channel=1"):
        io.read(tmp_path / "a.nrrd")
    np.testing.assert_array_equal(io.read(tmp_path / "a.nrrd", channel=1).data, DATA // 2)


@pytest.mark.parametrize("version", [2, 3])
def test_blosc_chunks_that_are_cut_off(tmp_path, version):
    """Blosc itself reads on behind the end, and gives whatever lies there."""
    from numcodecs import Blosc
    from zarr.codecs import BloscCodec

    codec = Blosc() if version == 2 else BloscCodec()
    array = zarr.create_array(
        tmp_path / "a.zarr", shape=SHAPE, dtype="u2", chunks=SHAPE, compressors=codec, zarr_format=version
    )
    array[...] = DATA
    chunk = tmp_path / "a.zarr" / ("0.0.0" if version == 2 else "c/0/0/0")
    content = chunk.read_bytes()
    np.testing.assert_array_equal(io.read(tmp_path / "a.zarr").data, DATA)
    for changed in (content[: len(content) // 2], content[:-1], content[:10], content + b"1"):
        chunk.write_bytes(changed)
        with (
            io.open_image(tmp_path / "a.zarr") as image,
            pytest.raises(io.FileError, match="cannot be decoded"),
        ):
            image.read()


def test_a_pipe_in_a_zarr_store_is_not_waited_for(tmp_path):
    io.write(tmp_path / "a.zarr", Volume(data=DATA.astype(np.int32)))
    chunk = next(
        p for p in sorted((tmp_path / "a.zarr" / "0").rglob("*")) if p.is_file() and p.name != "zarr.json"
    )
    chunk.unlink()
    os.mkfifo(chunk)
    with io.open_image(tmp_path / "a.zarr") as image, pytest.raises(io.FileError, match="a pipe or a device"):
        image.read()


def test_a_raw_nrrd_with_bytes_behind_its_voxels(tmp_path):
    """A line that was added to the header: all voxels would be shifted by a byte."""
    write(tmp_path / "raw.nrrd")
    content = (tmp_path / "raw.nrrd").read_bytes()
    (tmp_path / "a.nrrd").write_bytes(content.replace(b"\n\n", b"\n\n\n", 1))
    with pytest.raises(io.FileError, match="holds more than the 7560 bytes"):
        io.open_image(tmp_path / "a.nrrd")
