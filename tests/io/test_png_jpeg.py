"""Folders of PNG and JPEG planes; pictures beside other images are previews."""

import imagecodecs
import numpy as np
import pytest

from anystar import io
from anystar.io.address import image_files, is_png_or_jpeg
from anystar.io.planes import list_volumes

DATA = np.random.default_rng(0).integers(0, 60_000, (7, 14, 16)).astype(np.uint16)
BOX = (slice(2, 6), slice(3, 9), slice(4, 16))


def write(folder, data, name="img_{:03d}.png"):
    folder.mkdir(exist_ok=True)
    for number, plane in enumerate(data, 1):
        path = folder / name.format(number)
        encode = imagecodecs.png_encode if path.suffix == ".png" else imagecodecs.jpeg_encode
        path.write_bytes(encode(plane))
    return folder


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_png_planes_are_a_stack(tmp_path, dtype):
    data = (DATA >> 8 if dtype == np.uint8 else DATA).astype(dtype)
    folder = write(tmp_path / "stack", data)
    assert list_volumes(folder) == [folder]
    with io.open_image(folder) as image:
        assert (image.shape, image.dtype, image.spacing) == (data.shape, dtype, None)
        np.testing.assert_array_equal(image.read(), data)
        np.testing.assert_array_equal(image.read(BOX), data[BOX])


@pytest.mark.parametrize("name", ["p{}.jpg", "p{}.jpeg", "P{}.JPG"])
def test_jpeg_planes_are_a_stack(tmp_path, name):
    smooth = np.add.outer(np.arange(5), np.add.outer(np.arange(14), np.arange(16))).astype(np.uint8) * 4
    found = io.read(write(tmp_path / "stack", smooth, name)).data
    assert np.abs(found.astype(int) - smooth).max() < 8


def test_colours_are_channels(tmp_path):
    colours = np.stack([DATA >> 8, DATA >> 9, DATA >> 10], -1).astype(np.uint8)
    folder = write(tmp_path / "stack", colours)
    with pytest.raises(io.FileError, match=r"has 3 colour \(RGB\) channels; choose one with channel=0"):
        io.read(folder)
    np.testing.assert_array_equal(io.read(folder, channel=1).data, colours[..., 1])


def test_one_picture_is_a_plane(tmp_path):
    write(tmp_path / "one", DATA[:1])
    with pytest.raises(io.FileError, match="is a 2D image"):
        io.read(tmp_path / "one" / "img_001.png")
    with pytest.raises(io.FileError, match="cannot be written; use one of"):
        io.write(tmp_path / "a.png", DATA.astype(np.int32), like=io.read(write(tmp_path / "s", DATA)))


def test_pictures_beside_images_are_previews(tmp_path):
    folder = write(tmp_path / "mixed", DATA[:3], "a_{}.png")
    np.save(folder / "a.npy", DATA)
    assert [path.name for path in image_files(folder)] == ["a.npy"]
    assert is_png_or_jpeg("a.PNG")
    assert not is_png_or_jpeg("a.tif")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "holds img_001.png, which is neither a PNG nor a JPEG"),
        (b"GIF89a", "holds img_001.png, which is neither a PNG nor a JPEG"),
        (imagecodecs.png_encode(DATA[0])[:20], "holds img_001.png, which is cut off"),
        (imagecodecs.png_encode(DATA[0])[:200], "cannot be read"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "is cut off, or no JPEG"),
    ],
)
def test_damaged_pictures_are_refused(tmp_path, content, message):
    folder = write(tmp_path / "stack", DATA)
    (folder / "img_001.png").write_bytes(content)
    with pytest.raises(io.FileError, match=message):
        io.read(folder)


def test_a_bomb_is_refused_before_it_is_decoded(tmp_path):
    small = bytearray(imagecodecs.png_encode(DATA[0]))
    small[16:24] = (2**31 - 1).to_bytes(4) * 2
    (tmp_path / "a.png").write_bytes(small)
    with pytest.raises(io.FileError, match=r"which its .* compressed bytes cannot hold"):
        io.read(tmp_path / "a.png")
