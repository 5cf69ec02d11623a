"""Vendors' formats: what bioio gives is read plane by plane; without it one line says what to install."""

import sys
from types import ModuleType, SimpleNamespace

import dask.array
import numpy as np
import pytest

from anystar import io
from anystar.arrays import Volume

DATA = np.random.default_rng(0).integers(0, 99, (3, 2, 5, 16, 17)).astype(np.uint16)


class UnsupportedFileFormatError(Exception):
    """Named as bioio's own."""


@pytest.fixture
def bioio(monkeypatch):
    """A stand-in with bioio's attributes (bioio 3), which notes the planes that are computed."""
    read = []

    def plane(block_info=None):
        where = tuple(start for start, _ in block_info[None]["array-location"])
        read.append(where[:3])
        return DATA[where[0] : where[0] + 1, where[1] : where[1] + 1, where[2] : where[2] + 1]

    class BioImage:
        scenes = ("Image:0",)
        dims = SimpleNamespace(order="TCZYX")
        physical_pixel_sizes = SimpleNamespace(Z=2.0, Y=0.5, X=0.5)

        def __init__(self, path, chunk_dims=()):
            if path.name.startswith("unknown"):
                raise UnsupportedFileFormatError(path)
            chunks = ((1,) * 3, (1,) * 2, (1,) * 5, (16,), (17,))
            self.dask_data = dask.array.map_blocks(plane, chunks=chunks, dtype=DATA.dtype)

    module = ModuleType("bioio")
    module.BioImage = BioImage
    monkeypatch.setitem(sys.modules, "bioio", module)
    return SimpleNamespace(read=read, BioImage=BioImage)


def test_only_the_planes_that_are_asked_for(tmp_path, bioio):
    (tmp_path / "a.czi").write_bytes(b"")
    with io.open_image(tmp_path / "a.czi", channel=1, time=2) as image:
        assert (image.shape, image.spacing, image.unit) == ((5, 16, 17), (2, 0.5, 0.5), "um")
        assert (image.num_channels, image.num_times, image.chunks) == (2, 3, (1, 16, 17))
        assert bioio.read == []
        np.testing.assert_array_equal(
            image.read((slice(1, 3), slice(4, 9), slice(3))), DATA[2, 1, 1:3, 4:9, :3]
        )
        assert sorted(set(bioio.read)) == [(2, 1, 1), (2, 1, 2)]
        np.testing.assert_array_equal(image.read(), DATA[2, 1])


@pytest.mark.parametrize(
    ("sizes", "spacing"), [((None, 1.0, 1.0), None), ((0.0, 1.0, 1.0), "states a voxel of 0 x 1 x 1")]
)
def test_voxel_sizes(tmp_path, bioio, sizes, spacing):
    (tmp_path / "a.nd2").write_bytes(b"")
    bioio.BioImage.physical_pixel_sizes = SimpleNamespace(**dict(zip("ZYX", sizes, strict=True)))
    if spacing is None:
        image = io.open_image(tmp_path / "a.nd2", channel=0, time=0)
        assert (image.spacing, image.plane) == (None, (1, 1))
    else:
        with pytest.raises(io.FileError, match=spacing):
            io.open_image(tmp_path / "a.nd2", channel=0, time=0)


def test_what_is_missing_is_named(tmp_path, bioio, monkeypatch):
    for name in ("unknown.nd2", "a.lif", "a.vsi"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(io.FileError, match=r"needs bioio's reader for .nd2; pip install bioio bioio-nd2, or"):
        io.open_image(tmp_path / "unknown.nd2")
    bioio.BioImage.scenes = ("a", "b")
    with pytest.raises(
        io.FileError, match="holds 2 scenes, 0: a, 1: b; choose one with series=0 to series=1"
    ):
        io.open_image(tmp_path / "a.lif")
    chosen = []
    bioio.BioImage.set_scene = lambda self, scene: chosen.append(scene)
    with io.open_image(tmp_path / "a.lif", series=1, channel=0, time=0):
        assert chosen == [1]
    with pytest.raises(io.FileError, match="has scenes 0 to 1, not scene 2"):
        io.open_image(tmp_path / "a.lif", series=2)
    monkeypatch.setitem(sys.modules, "bioio", None)
    with pytest.raises(
        io.FileError, match=r"a\.lif is read by bioio, which is not installed; pip install bioio bioio-lif"
    ):
        io.open_image(tmp_path / "a.lif")
    with pytest.raises(io.FileError, match=r"pip install bioio bioio-bioformats, or export"):
        io.open_image(tmp_path / "a.vsi")
    with pytest.raises(io.FileError, match=r"a\.czi cannot be written; use one of \.ome\.tif"):
        io.write(tmp_path / "a.czi", Volume(data=DATA[0, 0]))


@pytest.mark.parametrize("compression", ["uncompressed:", "zstd1:ExplicitLevel=2"])
def test_a_zeiss_file_written_by_zeiss_own_library(tmp_path, compression):
    pytest.importorskip("bioio_czi")
    czi = pytest.importorskip("pylibCZIrw.czi")
    data = np.random.default_rng(0).integers(0, 4000, (2, 5, 48, 64)).astype(np.uint16)
    with czi.create_czi(str(tmp_path / "a.czi"), compression_options=compression) as file:
        for channel, plane in np.ndindex(2, 5):
            file.write(data[channel, plane][..., None], plane={"C": channel, "Z": plane, "T": 0})
        file.write_metadata("a", scale_x=0.25e-6, scale_y=0.25e-6, scale_z=1e-6)
    with io.open_image(tmp_path / "a.czi", channel=1) as image:
        assert (image.shape, image.spacing, image.unit) == ((5, 48, 64), (1.0, 0.25, 0.25), "um")
        assert (image.dtype, image.num_channels, image.chunks) == (np.uint16, 2, (1, 48, 64))
        np.testing.assert_array_equal(image.read(), data[1])
        box = (slice(1, 3), slice(10, 40), slice(0, 7))
        np.testing.assert_array_equal(image.read(box), data[1][box])
        np.testing.assert_array_equal(image.others[0].read(), data[0])
