"""``--box``: part of an image, on the whole grid or cropped, at the right place in every format."""

import numpy as np
import pytest
import tifffile
import zarr

import anystar
from anystar import io
from anystar.arrays import Volume
from anystar.errors import InputError
from anystar.report.table import read_table
from tests.cli.conftest import run

__all__ = ["run"]

SPACING = (2.0, 0.5, 0.25)
START = (4, 3, 2)
TEXT = "4:10,3:20,2:"
ENDINGS = ("tif", "ome.tif", "nii.gz", "nrrd", "h5", "npy", "ome.zarr")


def position(path):
    """Where the first voxel lies along Z, Y, X in micrometres, as the file says."""
    if path.name.endswith(".ome.tif"):
        with tifffile.TiffFile(path) as tif:
            plane = tifffile.xml2dict(tif.ome_metadata)["OME"]["Image"]["Pixels"]["Plane"][0]
        return [float(plane[f"Position{a}"]) for a in "ZYX"]
    if path.suffix == ".tif":
        with tifffile.TiffFile(path) as tif:
            return [
                -float(tif.imagej_metadata[f"{a}origin"]) * s for a, s in zip("zyx", SPACING, strict=True)
            ]
    if path.suffix == ".zarr":
        dataset = zarr.open_group(path, mode="r").attrs["ome"]["multiscales"][0]["datasets"][0]
        return dataset["coordinateTransformations"][1]["translation"]
    return [1e3 * abs(v) for v in io.read(path).header["world"][:3, 3][::-1]]


@pytest.mark.parametrize("ending", ENDINGS)
def test_cropped_labels_begin_where_the_box_does(tmp_path, cells, model, ending):
    image = Volume(data=io.read(cells).data, spacing=SPACING)
    io.write(tmp_path / "i.tif", image)
    for name, options in (("w", {}), ("b", {"box": TEXT}), ("c", {"box": TEXT, "crop": True})):
        outputs = anystar.Outputs(labels=tmp_path / f"{name}.{ending}", table=tmp_path / f"{name}.csv")
        anystar.segment_file(tmp_path / "i.tif", outputs, anystar.SegmentOptions(**options))
    whole, boxed, cropped = (io.read(tmp_path / f"{n}.{ending}", sized=False) for n in "wbc")
    index = np.s_[4:10, 3:20, 2:]
    np.testing.assert_array_equal(cropped.data, boxed.data[index])
    np.testing.assert_array_equal(cropped.data > 0, whole.data[index] > 0)
    assert np.count_nonzero(boxed.data) == np.count_nonzero(cropped.data) > 0
    assert boxed.shape == whole.shape
    if ending not in ("h5", "npy"):  # which hold no position
        expected = [s * f for s, f in zip(SPACING, START, strict=True)]
        assert position(tmp_path / f"c.{ending}") == pytest.approx(expected)
    (on_grid, _), (own, _) = (read_table(tmp_path / f"{n}.csv") for n in "bc")
    for i, axis in enumerate("zyx"):
        np.testing.assert_allclose(on_grid[f"{axis}_vox"], own[f"{axis}_vox"] + START[i], rtol=1e-4)
        moved = own[f"{axis}_um"] + START[i] * SPACING[i]
        np.testing.assert_allclose(on_grid[f"{axis}_um"], moved, rtol=1e-4)
    centres = [np.argwhere(boxed.data == n).mean(axis=0) for n in on_grid["label"]]
    np.testing.assert_allclose(np.stack([on_grid[f"{a}_vox"] for a in "zyx"], axis=1), centres, rtol=1e-4)


@pytest.mark.parametrize("ending", ["nii.gz", "nrrd", "ome.zarr"])
def test_an_affine_is_moved_with_the_box(tmp_path, cells, model, ending):
    """What the format of the image says of its place holds for labels in the same format."""
    data = io.read(cells).data
    affine = np.array([[0, -0.2, 0, 7.5], [0.2, 0, 0, -3.0], [0, 0, 0.5, 11.0], [0, 0, 0, 1]])
    header = {"world": affine, "oriented": True}
    path = tmp_path / f"i.{ending}"
    if ending == "ome.zarr":
        placed = Volume(data=data, spacing=SPACING, header={"first": (100.0, 50.0, 10.0)})
        io.write(path, placed)
        affine = np.diag([*(s / 1e3 for s in SPACING[::-1]), 1.0])
        affine[:3, 3] = [10 * SPACING[2] / 1e3, 50 * SPACING[1] / 1e3, 100 * SPACING[0] / 1e3]
    else:
        io.write(path, Volume(data=data, spacing=(500.0, 200.0, 200.0), header=header))
    done = anystar.segment_file(path, tmp_path / f"c.{ending}", anystar.SegmentOptions(box=TEXT, crop=True))
    assert done.num_objects
    found = io.read(tmp_path / f"c.{ending}").header["world"]
    np.testing.assert_allclose(found[:3, :3], affine[:3, :3], atol=1e-6)
    np.testing.assert_allclose(found[:3, 3], (affine @ [*START[::-1], 1])[:3], atol=1e-5)


def test_a_store_holds_only_the_box(tmp_path, cells, model, run):
    result = run(
        "segment", cells, "-o", tmp_path / "l.zarr", "--box", ":,:,6um:", "--overview", tmp_path / "o.png"
    )
    assert result.exit_code == 0, result.output
    assert "only the box Z 0:12, Y 0:24, X 12:26 is segmented" in result.stdout
    labels = io.read(tmp_path / "l.zarr").data
    assert labels.shape == (12, 24, 26)
    assert labels.any()
    assert not labels[..., :12].any()


def test_a_store_of_a_box_has_a_pyramid(tmp_path):
    like = Volume(data=np.zeros((256, 256, 256), np.uint8), spacing=(1, 1, 1))
    box = anystar.Box.of("130:140,130:140,30:40", like.shape)
    io.write_part(tmp_path / "l.zarr", np.full(box.shape, 7, np.uint16), box, like=like)
    group = zarr.open_group(tmp_path / "l.zarr", mode="r")
    for level in (1, 2):
        found = group[str(level)][:]
        assert found.shape == (256 >> level,) * 3
        assert set(np.unique(found)) == {0, 7}
        where = np.argwhere(found).mean(axis=0) * 2**level
        assert where == pytest.approx([134.5, 134.5, 34.5], abs=2**level)


def test_a_mask_and_channels_are_those_of_the_box(tmp_path, cells, model):
    data = io.read(cells).data
    io.write(tmp_path / "m.tif", Volume(data=(np.indices(data.shape)[2] < 13).astype(np.uint8)))
    tifffile.imwrite(
        tmp_path / "two.tif", np.stack([data, data * 2], axis=1), imagej=True, metadata={"axes": "ZCYX"}
    )
    options = anystar.SegmentOptions(box="2:,:,:", channel=0, mask=tmp_path / "m.tif")
    outputs = anystar.Outputs(labels=tmp_path / "l.tif", table=tmp_path / "t.csv")
    done = anystar.segment_file(tmp_path / "two.tif", outputs, options)
    assert (done.num_objects, done.num_filtered) == (1, 1)
    table, _ = read_table(tmp_path / "t.csv")
    assert table["mask_overlap"].tolist() == [1.0]
    np.testing.assert_allclose(table["intensity_mean_c1"], 2 * table["intensity_mean"])


def test_what_does_not_go_with_a_box_is_refused(tmp_path, cells, model):
    for options, message in (
        ({"crop": True}, "crop belongs to box"),
        ({"box": ":,:,:", "memory": 10**9}, "box is segmented at once, not in blocks; leave memory out"),
    ):
        with pytest.raises(InputError, match=message):
            anystar.SegmentOptions(**options)
    with pytest.raises(InputError, match="box ends at voxel 99 along Z"):
        anystar.segment_file(cells, tmp_path / "l.tif", anystar.SegmentOptions(box=":99,:,:"))
    assert not (tmp_path / "l.tif").exists()
