"""TIFF as programs write it: pyramids in parts, stacks page by page, metadata that are broken."""

import re

import imageio
import numpy as np
import pytest
import tifffile
from PIL import Image

from anystar import io

DATA = np.random.default_rng(0).integers(0, 999, (6, 48, 64)).astype(np.uint16)
SIZE = {"PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5, "PhysicalSizeZ": 2.0}
BOXES = [
    (slice(None), slice(None), slice(None)),
    (slice(0, 4), slice(0, 20), slice(None)),
    (slice(2, 3), slice(17, 33), slice(30, 64)),
    (slice(5, 6), slice(47, 48), slice(63, 64)),
]


def pyramid(path, data, axes, *, ome=True, **options):
    """A pyramid of three levels, as QuPath and bfconvert write it."""
    with tifffile.TiffWriter(path, ome=ome) as writer:
        options |= {"photometric": "minisblack"}
        writer.write(data, subifds=2, metadata={"axes": axes, **SIZE}, **options)
        for step in (2, 4):
            tile = options.get("tile") and (16, 16)
            part = data[..., ::step, ::step]
            writer.write(part, subfiletype=1, metadata=None, **(options | {"tile": tile}))


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("tile", [None, (16, 32)])
@pytest.mark.parametrize("compression", [None, "zlib", "lzw", "zstd", "packbits"])
@pytest.mark.parametrize("ome", [True, False])
def test_parts_of_a_pyramid(tmp_path, level, tile, compression, ome):
    name = "a.ome.tif" if ome else "a.tif"
    pyramid(tmp_path / name, DATA, "ZYX", ome=ome, compression=compression, tile=tile)
    step = 2**level
    level_data = DATA[:, ::step, ::step]
    with io.open_image(tmp_path / name, level=level) as image:
        assert image.num_levels == 3
        assert image.spacing == ((2, 0.5 * step, 0.5 * step) if ome else None)
        for box in BOXES:
            np.testing.assert_array_equal(image.read(box), level_data[box])


@pytest.mark.parametrize("axes", ["CZYX", "ZCYX", "TZCYX", "TCZYX"])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_parts_of_a_pyramid_of_channels(tmp_path, axes, compression):
    shape = {"C": 2, "T": 3, "Z": 6, "Y": 48, "X": 64}
    data = np.random.default_rng(1).integers(0, 999, [shape[a] for a in axes]).astype(np.uint16)
    pyramid(tmp_path / "a.ome.tif", data, axes, compression=compression, tile=(16, 16))
    time = 2 if "T" in axes else None
    chosen = data[tuple({"C": 1, "T": 2}.get(a, slice(None)) for a in axes)]
    with io.open_image(tmp_path / "a.ome.tif", channel=1, time=time) as image:
        for box in BOXES:
            np.testing.assert_array_equal(image.read(box), chosen[box])


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_tiles_with_a_depth(tmp_path, compression):
    data = np.random.default_rng(1).integers(0, 999, (16, 48, 64)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", data, tile=(16, 16, 16), volumetric=True, compression=compression)
    with io.open_image(tmp_path / "a.tif") as image:
        for box in BOXES:
            np.testing.assert_array_equal(image.read(box), data[box])


def appended(path):
    for plane in DATA:
        tifffile.imwrite(path, plane, append=True)


def in_a_loop(path, **options):
    with tifffile.TiffWriter(path, **options) as writer:
        for plane in DATA:
            writer.write(plane, photometric="minisblack")


def compressed_loop(path):
    with tifffile.TiffWriter(path) as writer:
        for plane in DATA:
            writer.write(plane, compression="zlib", tile=(16, 16))


def without_descriptions(path):
    with tifffile.TiffWriter(path) as writer:
        for plane in DATA:
            writer.write(plane, metadata=None)


def by_pillow(path):
    first, *rest = (Image.fromarray(plane) for plane in DATA)
    first.save(path, save_all=True, append_images=rest)


def mixed(path):
    tifffile.imwrite(path, DATA[0])
    for plane in DATA[1:]:
        tifffile.imwrite(path, plane, append=True, metadata=None)


PAGES = {
    "appended.tif": appended,
    "loop.tif": in_a_loop,
    "loop.ome.tif": lambda path: in_a_loop(path, ome=True),
    "big.tif": lambda path: in_a_loop(path, bigtiff=True),
    "zlib.tif": compressed_loop,
    "bare.tif": without_descriptions,
    "pillow.tif": by_pillow,
    "imageio.tif": lambda path: imageio.mimwrite(path, list(DATA)),
    "volwrite.tif": lambda path: imageio.volwrite(path, DATA),
    "mixed.tif": mixed,
}


@pytest.mark.parametrize("name", PAGES)
def test_equal_pages_are_the_planes_of_one_stack(tmp_path, name):
    PAGES[name](tmp_path / name)
    with io.open_image(tmp_path / name) as image:
        assert (image.shape, image.dtype, image.spacing) == (DATA.shape, np.uint16, None)
        for box in BOXES:
            np.testing.assert_array_equal(image.read(box), DATA[box])
        several = image.notes == ("the file holds 6 images of 48 x 64, taken as the planes of one stack",)
    with tifffile.TiffFile(tmp_path / name) as tif:
        assert several == (len(tif.series) == 6)


def test_colour_and_channels_page_by_page(tmp_path):
    colour = np.random.default_rng(1).integers(0, 255, (6, 12, 13, 3)).astype(np.uint8)
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        for plane in colour:
            writer.write(plane, photometric="rgb")
    np.testing.assert_array_equal(io.read(tmp_path / "a.tif", channel=2).data, colour[..., 2])
    channels = np.random.default_rng(1).integers(0, 255, (6, 2, 12, 13)).astype(np.uint8)
    with tifffile.TiffWriter(tmp_path / "b.tif") as writer:
        for plane in channels:
            writer.write(plane, photometric="minisblack", metadata={"axes": "CYX"})
    np.testing.assert_array_equal(io.read(tmp_path / "b.tif", channel=1).data, channels[:, 1])


@pytest.mark.parametrize("named", [True, False])
def test_equal_volumes_are_time_points(tmp_path, named):
    path = tmp_path / "a.tif"
    for volume in (DATA, DATA[::-1]):
        options = {"metadata": {"axes": "ZYX"}} if named else {"photometric": "minisblack"}
        tifffile.imwrite(path, volume, append=True, **options)
    with pytest.raises(io.FileError, match="has 2 time points; choose one with time=0 to time=1"):
        io.read(path)
    np.testing.assert_array_equal(io.read(path, time=1).data, DATA[::-1])
    np.testing.assert_array_equal(io.read(path, series=1).data, DATA[::-1])
    with io.open_image(path, time=0) as image:
        assert image.num_times == 2
        assert "2 images of 6 x 48 x 64, taken as time points" in image.notes[0]
    with io.open_series([path]) as series:
        np.testing.assert_array_equal(series.read(1), DATA[::-1])


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("pages", [True, False])
def test_a_stack_beside_a_thumbnail_and_a_label(tmp_path, first, pages):
    thumbnail = np.zeros((32, 32, 3), np.uint8)
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:

        def others():
            writer.write(thumbnail, photometric="rgb")
            writer.write(np.zeros((20, 30), np.uint8), photometric="minisblack")

        if first:
            others()
        for part in DATA if pages else [DATA]:
            writer.write(part, photometric="minisblack")
        if not first:
            others()
    with io.open_image(tmp_path / "a.tif") as image:
        np.testing.assert_array_equal(image.read(), DATA)
        assert "YXS 32 x 32 x 3" in " ".join(image.notes)
        assert "left out; to choose it give series=" in " ".join(image.notes)


def test_what_is_ambiguous_is_listed(tmp_path):
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as writer:
        writer.write(DATA, metadata={"axes": "ZYX"})
        writer.write(DATA[:, :20].astype(np.uint8), metadata={"axes": "ZYX"})
    with pytest.raises(
        io.FileError,
        match=r"holds 2 images, 0: ZYX 6 x 48 x 64, 1: ZYX 6 x 20 x 64; choose one with series=0 to series=1",
    ):
        io.read(path)
    np.testing.assert_array_equal(io.read(path, series=0).data, DATA)
    np.testing.assert_array_equal(io.read(path, series=1).data, DATA[:, :20] % 256)
    with pytest.raises(io.FileError, match="has images 0 to 1, not image 2; choose another series="):
        io.read(path, series=2)
    np.save(tmp_path / "a.npy", DATA)
    with pytest.raises(io.FileError, match="holds one image; leave out series="):
        io.read(tmp_path / "a.npy", series=0)


def positions(path):
    """Two fields of view of one acquisition."""
    with tifffile.TiffWriter(path, ome=True) as writer:
        for number, volume in enumerate((DATA, DATA[::-1])):
            plane = {"PositionX": [100.0 * number] * 6, "PositionY": [0.0] * 6}
            writer.write(volume, metadata={"axes": "ZYX", "Name": f"pos{number}", "Plane": plane, **SIZE})


def test_fields_of_view_are_no_time_points(tmp_path):
    positions(tmp_path / "a.ome.tif")
    with pytest.raises(io.FileError, match=r"0: ZYX 6 x 48 x 64 'pos0', 1: .* 'pos1'; choose one"):
        io.read(tmp_path / "a.ome.tif")
    volume = io.read(tmp_path / "a.ome.tif", series=1)
    np.testing.assert_array_equal(volume.data, DATA[::-1])
    assert volume.spacing == (2, 0.5, 0.5)


def broken(path, change, axes="ZYX", data=DATA):
    """An OME-TIFF whose XML was changed to other text of the same length."""
    tifffile.imwrite(path, data, ome=True, metadata={"axes": axes, "Name": "some cells", **SIZE})
    content = path.read_bytes()
    start, stop = content.index(b"<?xml"), content.index(b"</OME>") + 6
    text = change(content[start:stop])
    assert len(text) == stop - start
    path.write_bytes(content[:start] + text + content[stop:])


BROKEN = {
    "an unclosed tag": lambda text: text.replace(b"</Pixels>", b"         "),
    "an ampersand": lambda text: text.replace(b"some cells", b"some & any"),
    "control characters": lambda text: text.replace(b"some cells", b"some\x01\x1fcel "),
    "latin text": lambda text: text.replace(b"some cells", b"some \xb5\xff ls"),
    "a cut end": lambda text: text.replace(b"</Image></OME>", b"</Image>      "),
    "a decimal comma": lambda text: text.replace(b'"2.0"', b'"2,0"'),
    "words": lambda text: text.replace(b'"2.0"', b'"two"'),
}


@pytest.mark.parametrize("case", BROKEN)
@pytest.mark.parametrize("axes", ["ZYX", "CZYX", "ZCYX"])
def test_metadata_that_cannot_be_parsed(tmp_path, case, axes):
    """The voxels are read; the size is not known, which is said; a size that is given helps."""
    data = DATA if axes == "ZYX" else np.stack([DATA, DATA + 1], axis=axes.index("C"))
    broken(tmp_path / "a.ome.tif", BROKEN[case], axes, data)
    channel = None if axes == "ZYX" else 1
    with io.open_image(tmp_path / "a.ome.tif", channel=channel) as image:
        np.testing.assert_array_equal(image.read(), DATA if channel is None else DATA + 1)
        if case == "latin text":
            assert image.spacing == (2, 0.5, 0.5)  # a wrong encoding is no matter
        else:
            assert image.spacing is None
            assert re.search(r"cannot be parsed \(.*\)|which is no number", image.notes[0])
        assert "damaged" not in " ".join(image.notes)
    assert io.read(tmp_path / "a.ome.tif", channel=channel, spacing=(3, 2, 1)).spacing == (3, 2, 1)


@pytest.mark.parametrize(
    "field", ["spacing=0,5", "spacing=x", "slices=6,0", "images=six", "hyperstack=maybe"]
)
def test_imagej_fields_that_cannot_be_parsed(tmp_path, field):
    key = field.partition("=")[0]
    kept = [line for line in ("images=6", "slices=6", "unit=um") if not line.startswith(key)]
    text = "\n".join(["ImageJ=1.54f", *kept, field, ""])
    tifffile.imwrite(tmp_path / "a.tif", DATA, description=text, metadata=None, resolution=(2, 2))
    with io.open_image(tmp_path / "a.tif") as image:
        np.testing.assert_array_equal(image.read(), DATA)
        assert (image.spacing is None) == (key not in ("hyperstack",))
        assert image.notes
    assert io.read(tmp_path / "a.tif", spacing=(3, 2, 1)).spacing == (3, 2, 1)


def test_a_page_of_another_kind_inside_a_stack_is_not_left_out(tmp_path):
    data = np.random.default_rng(0).integers(0, 255, (6, 12, 13)).astype(np.uint8)
    for odd in (data[2, :6], data[2].astype(np.uint16)):
        with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
            for z, plane in enumerate(data):
                writer.write(odd if z == 2 else plane)
        with pytest.raises(io.FileError, match=r"holds 6 images, 0: YX 12 x 13, .*choose one with series=0"):
            io.read(tmp_path / "a.tif")
    with tifffile.TiffWriter(tmp_path / "b.tif") as writer:  # each beside one of its own
        for z, plane in enumerate(data):
            writer.write(plane)
            writer.write(plane[: z + 1])
    np.testing.assert_array_equal(io.read(tmp_path / "b.tif").data, data)


def test_pages_behind_those_that_imagej_states_are_reported(tmp_path):
    data = np.random.default_rng(0).integers(0, 255, (6, 12, 13)).astype(np.uint8)
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        for z, plane in enumerate(data):
            text = "ImageJ=1.54f\nimages=4\nslices=4\n" if z == 0 else None
            writer.write(plane, description=text, metadata=None, contiguous=False)
    with io.open_image(tmp_path / "a.tif") as image:
        np.testing.assert_array_equal(image.read(), data[:4])
        assert image.notes == (
            "the file holds 6 pages, of which ImageJ's metadata state 4; others are left out",
        )
