"""TIFF in its three forms: values, spacing, and what must be refused."""

import contextlib
import re

import numpy as np
import pytest
import tifffile

from anystar import io
from anystar.arrays import Volume

SPACING = (1.75, 0.8, 0.8)


def stack(shape=(5, 12, 13), dtype=np.uint16) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 200, shape).astype(dtype)


@pytest.mark.parametrize("name", ["a.tif", "a.tiff", "a.ome.tif", "A.OME.TIFF"])
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.float32, np.float64])
def test_what_is_written_is_read(tmp_path, name, dtype):
    data = stack(dtype=dtype)
    io.write(tmp_path / name, Volume(data=data, spacing=SPACING))
    volume = io.read(tmp_path / name)
    np.testing.assert_array_equal(volume.data, data)
    assert volume.data.dtype == dtype
    assert volume.spacing == pytest.approx(SPACING, rel=1e-6)
    assert volume.unit == "um"


@pytest.mark.parametrize("name", ["a.tif", "a.ome.tif"])
def test_relative_spacing_stays_relative(tmp_path, name):
    io.write(tmp_path / name, Volume(data=stack(), spacing=(4.54, 1, 1), unit="relative"))
    volume = io.read(tmp_path / name)
    assert volume.spacing == pytest.approx((4.54, 1, 1))
    assert volume.unit == "relative"


def test_no_spacing_stays_none(tmp_path):
    for name in ("a.tif", "a.ome.tif"):
        io.write(tmp_path / name, Volume(data=stack()))
        assert io.read(tmp_path / name).spacing is None


@pytest.mark.parametrize(
    ("unit", "micrometres"),
    [("um", 1), ("micron", 1), ("\\u00B5m", 1), ("nm", 1e-3), ("mm", 1e3), ("cm", 1e4), ("inch", 25_400)],
)
def test_imagej_units(tmp_path, unit, micrometres):
    path = tmp_path / "a.tif"
    metadata = {"axes": "ZYX", "spacing": 2.0, "unit": unit}
    tifffile.imwrite(path, stack(), imagej=True, resolution=(2, 4), metadata=metadata)
    assert io.read(path).spacing == pytest.approx(np.array([2, 0.25, 0.5]) * micrometres)


def test_imagej_leaves_out_a_spacing_of_one(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, stack(), imagej=True, resolution=(2, 2), metadata={"axes": "ZYX", "unit": "um"})
    assert io.read(path).spacing == (1, 0.5, 0.5)


def test_a_resolution_without_unit_says_nothing(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, stack(), imagej=True, resolution=(72, 72), metadata={"axes": "ZYX"})
    assert io.read(path).spacing is None


def test_ome_xml_with_a_prefix(tmp_path):
    sizes = {f"PhysicalSize{a}": s for a, s in zip("ZYX", SPACING, strict=True)}
    metadata = {"axes": "CZYX", "Channel": {"Name": ["DAPI", "GFP"]}, **sizes}
    tifffile.imwrite(tmp_path / "a.tif", stack((2, 5, 12, 13)), ome=True, metadata=metadata)
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        plain = file.ome_metadata
    prefixed = re.sub(r"<(/?)(?=[A-Z])", r"<\1ns0:", plain).replace("xmlns=", "xmlns:ns0=")
    tifffile.imwrite(tmp_path / "b.tif", stack((2, 5, 12, 13)), description=prefixed, metadata=None)
    with io.open_image(tmp_path / "b.tif", channel="GFP") as image:
        assert (image.shape, image.spacing) == ((5, 12, 13), SPACING)


def test_ome_units_and_order(tmp_path):
    path = tmp_path / "a.ome.tif"
    data = stack((12, 5, 13))
    metadata = {"axes": "YZX", "PhysicalSizeX": 500, "PhysicalSizeXUnit": "nm", "PhysicalSizeY": 0.0005}
    metadata |= {"PhysicalSizeYUnit": "mm", "PhysicalSizeZ": 2}
    tifffile.imwrite(path, data.transpose(1, 0, 2), metadata=metadata | {"axes": "ZYX"})
    volume = io.read(path)
    np.testing.assert_array_equal(volume.data, data.transpose(1, 0, 2))
    assert volume.spacing == pytest.approx((2, 0.5, 0.5))


def test_override_and_plain_pages(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, stack(), photometric="minisblack", metadata=None)
    assert io.read(path).spacing is None
    assert io.read(path, spacing=(3, 1, 1)).spacing == (3, 1, 1)
    with pytest.raises(ValueError, match="spacing must be three numbers"):
        io.read(path, spacing=(3, 1))


def test_lzw_and_big_endian(tmp_path):
    path = tmp_path / "a.tif"
    data = stack()
    tifffile.imwrite(path, data, byteorder=">", compression="lzw", photometric="minisblack")
    volume = io.read(path)
    np.testing.assert_array_equal(volume.data, data)
    assert volume.data.dtype.isnative


@pytest.mark.parametrize("form", ["imagej", "ome"])
@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("channel", [0, 2])
def test_one_channel_of_several(tmp_path, form, compression, channel):
    path = tmp_path / ("a.ome.tif" if form == "ome" else "a.tif")
    data = stack((5, 3, 12, 13))
    tifffile.imwrite(path, data, imagej=form == "imagej", compression=compression, metadata={"axes": "ZCYX"})
    np.testing.assert_array_equal(io.read(path, channel=channel).data, data[:, channel])


def test_one_colour_of_a_colour_stack(tmp_path):
    path = tmp_path / "a.tif"
    data = stack((5, 12, 13, 3), np.uint8)
    tifffile.imwrite(path, data, imagej=True, photometric="rgb", metadata={"axes": "ZYXS"})
    np.testing.assert_array_equal(io.read(path, channel=1).data, data[..., 1])


REFUSED = {
    "2D": ((12, 13), "YX", {}, "is a 2D image .*give a 3D stack"),
    "RGB": ((12, 13, 3), "YXS", {"photometric": "rgb"}, "2D colour"),
    "RGB stack": ((5, 12, 13, 3), "ZYXS", {"photometric": "rgb"}, "3 colour .RGB. channels; .*channel=0"),
    "2D channels": ((3, 12, 13), "CYX", {}, "2D multi-channel image .channel 3, Y 12, X 13."),
    "channels": ((5, 3, 12, 13), "ZCYX", {}, "has 3 channels; choose one with channel=0 to channel=2"),
    "time": ((4, 5, 12, 13), "TZYX", {}, "has 4 time points; choose one with time=0 to time=3"),
    "time 2D": ((4, 12, 13), "TYX", {}, "without a Z axis; if time is really Z"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_volume_is_refused_in_one_line(tmp_path, case):
    shape, axes, options, message = REFUSED[case]
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, stack(shape, np.uint8), imagej=True, metadata={"axes": axes}, **options)
    with pytest.raises(io.FileError, match=message) as error:
        io.read(path)
    assert "\n" not in str(error.value)
    assert str(error.value).startswith(str(path))


def test_unnamed_axes_and_wrong_channels_are_refused(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, stack((4, 5, 12, 13)), photometric="minisblack")
    with pytest.raises(io.FileError, match=r"4 axes, QQYX, .* say which is which in axes="):
        io.read(path)
    io.write(path, Volume(data=stack()))
    assert io.read(path, channel=0).shape == (5, 12, 13)
    with pytest.raises(io.FileError, match="one channel, number 0, not channel 1"):
        io.read(path, channel=1)
    tifffile.imwrite(path, stack((5, 2, 12, 13)), imagej=True, metadata={"axes": "ZCYX"})
    with pytest.raises(io.FileError, match="channels 0 to 1, not channel 2"):
        io.read(path, channel=2)


def test_several_images_in_one_file_are_refused(tmp_path):
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as tif:
        tif.write(stack(), photometric="minisblack")
        tif.write(stack((6, 7, 9)), photometric="minisblack")
    with pytest.raises(io.FileError, match="holds 2 images"):
        io.read(path)


WRITERS = {
    "imagej": {"imagej": True, "metadata": {"axes": "ZYX"}},
    "imagej zlib": {"imagej": True, "metadata": {"axes": "ZYX"}, "compression": "zlib"},
    "ome": {"ome": True, "metadata": {"axes": "ZYX"}},
    "ome zlib": {"ome": True, "metadata": {"axes": "ZYX"}, "compression": "zlib"},
    "plain": {"metadata": None, "photometric": "minisblack"},
    "plain zlib": {"metadata": None, "compression": "zlib", "photometric": "minisblack"},
    "shaped": {"photometric": "minisblack"},
    "big": {"bigtiff": True, "compression": "zlib", "photometric": "minisblack"},
}


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.filterwarnings("error")
def test_a_truncated_file_is_never_read_as_something_else(tmp_path, writer, capfd):
    whole = tmp_path / "whole.tif"
    data = stack((9, 20, 21))
    tifffile.imwrite(whole, data, **WRITERS[writer])
    content = whole.read_bytes()
    np.testing.assert_array_equal(io.read(whole).data, data)
    path = tmp_path / "cut.tif"
    for keep in np.linspace(0, len(content) - 1, 40).astype(int):
        path.write_bytes(content[:keep])
        with contextlib.suppress(io.FileError):  # else what is cut off was padding or an unneeded table
            volume = io.read(path)
            np.testing.assert_array_equal(volume.data, data, err_msg=f"{writer}, {keep} bytes")
    assert capfd.readouterr().err == ""
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(io.FileError, match=r"; (it is|copy or)"):
        io.read(path)


def test_what_is_not_tiff_is_refused(tmp_path):
    path = tmp_path / "a.tif"
    path.write_text("hello")
    with pytest.raises(io.FileError, match="is not a TIFF file"):
        io.read(path)


@pytest.mark.parametrize("shape", [(5, 1, 12, 13), (1, 1, 5, 12, 13), (1, 5, 12, 13), (5, 12, 13, 1)])
def test_unnamed_axes_of_length_one_are_no_matter(tmp_path, shape):
    data = stack(shape)
    tifffile.imwrite(tmp_path / "a.tif", data, photometric="minisblack")
    np.testing.assert_array_equal(io.read(tmp_path / "a.tif").data, data.squeeze())


def test_labels_as_fiji_shows_them(tmp_path):
    """16 bits, black background, a colour of its own for each number, from 0 to at least 255."""
    labels = np.zeros((4, 6, 7), np.int32)
    labels[1, 2, 3], labels[2] = 26, 1
    image = Volume(data=np.zeros(labels.shape, np.uint8))
    io.write(tmp_path / "a.tif", labels, like=image)
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        found = file.imagej_metadata
        assert file.series[0].dtype == np.uint16
    colours = np.reshape(found["LUTs"], (3, 256))
    assert (found["min"], found["max"]) == (0.0, 255.0)
    assert colours[:, 0].tolist() == [0, 0, 0]
    assert colours[:, 1:].max(axis=0).min() > 200
    assert len({tuple(c) for c in colours.T}) == 256
    neighbours = np.abs(np.diff(colours[:, 1:].astype(int), axis=1)).sum(axis=0)
    assert neighbours.min() > 60
    labels[3] = 1000
    io.write(tmp_path / "b.tif", labels, like=image)
    with tifffile.TiffFile(tmp_path / "b.tif") as file:
        assert file.imagej_metadata["max"] == 1000.0
    io.write(tmp_path / "c.tif", image)
    with tifffile.TiffFile(tmp_path / "c.tif") as file:
        assert "LUTs" not in file.imagej_metadata
