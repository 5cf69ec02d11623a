"""Channels by their names."""

import numpy as np
import pytest
import tifffile
import zarr

from anystar import io
from anystar.io.axes import column_names

DATA = np.random.default_rng(0).integers(0, 2**16, (4, 3, 6, 7)).astype(np.uint16)
NAMES = ["DAPI", "GFP", "Alexa 647"]


def ome(path, names=NAMES):
    tifffile.imwrite(path, DATA, metadata={"axes": "ZCYX", "Channel": {"Name": list(names)}})


def imagej(path, labels=None):
    plain = [f"c:{c + 1}/3 z:{z + 1}/4 - {n}" for z in range(4) for c, n in enumerate(NAMES)]
    tifffile.imwrite(path, DATA, imagej=True, metadata={"axes": "ZCYX", "Labels": labels or plain})


def ngff(path, names=NAMES, version="0.4"):
    group = zarr.open_group(path, mode="w", zarr_format=2 if version == "0.4" else 3)
    group.create_array("0", data=DATA.transpose(1, 0, 2, 3), chunks=(1, 4, 6, 7))
    axes = [{"name": "c", "type": "channel"}, *({"name": a, "type": "space"} for a in "zyx")]
    transforms = [{"type": "scale", "scale": [1.0, 2.0, 1.0, 1.0]}]
    image = {
        "version": version,
        "axes": axes,
        "datasets": [{"path": "0", "coordinateTransformations": transforms}],
    }
    found = {"multiscales": [image], "omero": {"channels": [{"label": n} for n in names]}}
    group.attrs.update(found if version == "0.4" else {"ome": {"version": version, **found}})


MADE = {
    "a.ome.tif": ome,
    "a.tif": imagej,
    "a.zarr": ngff,
    "b.zarr": lambda path: ngff(path, version="0.5"),
}


@pytest.mark.parametrize("name", MADE)
def test_names_are_read_and_chosen_by(tmp_path, name):
    path = tmp_path / name
    MADE[name](path)
    for channel, given in [(0, "DAPI"), (1, "gfp"), (2, "Alexa 647"), (2, 2), (1, "1")]:
        with io.open_image(path, channel=given) as image:
            assert image.channel_names == tuple(NAMES)
            assert image.channel == channel
            np.testing.assert_array_equal(image.read(), DATA[:, channel])
            assert [other.channel for other in image.others] == [c for c in range(3) if c != channel]
        np.testing.assert_array_equal(io.read(path, channel=given).data, DATA[:, channel])


@pytest.mark.parametrize("name", MADE)
def test_a_wrong_name_is_answered_with_the_names(tmp_path, name):
    path = tmp_path / name
    MADE[name](path)
    listed = r"0 \(DAPI\), 1 \(GFP\), 2 \(Alexa 647\)"
    with pytest.raises(io.FileError, match=f"has no channel named RFP but {listed}; choose one of these"):
        io.open_image(path, channel="RFP")
    with pytest.raises(
        io.FileError, match=f"has 3 channels: {listed}; choose one with .* by name: channel=DAPI"
    ):
        io.open_image(path)
    with pytest.raises(io.FileError, match=f"has channels 0 to 2: {listed}, not channel 3"):
        io.open_image(path, channel=3)


@pytest.mark.parametrize("make", [ome, ngff])
def test_names_that_are_missing_or_alike(tmp_path, make):
    """Those that say which channel it is do; the others need a number."""
    path = tmp_path / ("a.ome.tif" if make is ome else "a.zarr")
    make(path, ["DAPI", "", "GFP"])
    with io.open_image(path, channel="GFP") as image:
        assert (image.channel, image.channel_names) == (2, ("DAPI", "", "GFP"))
    with pytest.raises(io.FileError, match=r"has 3 channels: 0 \(DAPI\), 1, 2 \(GFP\); choose one"):
        io.open_image(path)
    make(path, ["GFP", "DAPI", "GFP"])
    with io.open_image(path, channel="DAPI") as image:
        assert image.channel == 1
    with pytest.raises(io.FileError, match="has 2 channels named GFP; choose one by its number"):
        io.open_image(path, channel="GFP")
    make(path, ["", "", ""])
    with pytest.raises(
        io.FileError, match="has no channel named GFP but 3 without names; choose one by number"
    ):
        io.open_image(path, channel="GFP")


def test_a_list_of_names_of_another_length_is_none(tmp_path):
    ngff(tmp_path / "a.zarr", ["DAPI", "GFP"])
    with pytest.raises(io.FileError, match="has no channel named GFP but 3 without names"):
        io.open_image(tmp_path / "a.zarr", channel="GFP")


def test_labels_of_planes_that_name_no_channels(tmp_path):
    imagej(tmp_path / "a.tif", [f"plane {i}" for i in range(12)])
    with io.open_image(tmp_path / "a.tif", channel=0) as image:
        assert image.channel_names == ()


def test_upper_and_lower_case_decide_only_if_they_must(tmp_path):
    ome(tmp_path / "a.ome.tif", ["gfp", "GFP", "DAPI"])
    with io.open_image(tmp_path / "a.ome.tif", channel="GFP") as image:
        assert image.channel == 1
    with pytest.raises(io.FileError, match="has 2 channels named Gfp; choose one by its number"):
        io.open_image(tmp_path / "a.ome.tif", channel="Gfp")


def test_a_file_without_channels(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", DATA[:, 0], imagej=True, metadata={"axes": "ZYX"})
    with pytest.raises(io.FileError, match="has no channel named DAPI but one channel without a name"):
        io.open_image(tmp_path / "a.tif", channel="DAPI")


@pytest.mark.parametrize(
    ("names", "columns"),
    [
        (("DAPI", "Alexa 647", "c1"), ("DAPI", "Alexa_647", "c2")),
        (("GFP", "gfp", "α"), ("c0", "c1", "c2")),
        (("DAPI", "GFP"), ("c0", "c1", "c2")),
    ],
)
def test_columns_are_named_after_channels(names, columns):
    """Each name is its own, and can stand in a condition."""
    assert column_names(names, 3) == columns
    assert all(name.isidentifier() for name in columns)
