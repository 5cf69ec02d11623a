"""Files as layers of napari, and labels back into files; needs no window."""

import numpy as np
import pytest
from napari.layers import Image, Labels

import anystar
from anystar.arrays import Volume
from anystar.errors import InputError
from anystar.io.label_store import LabelStore
from anystar.napari.layers import voxel_size_of
from anystar.napari.readers import reader
from anystar.napari.writers import write_labels

pytestmark = pytest.mark.filterwarnings("ignore:Non-orthogonal slicing")
SHAPE = (6, 7, 8)
TURNED = np.array([[0, -0.5e-3, 0, 1], [0.5e-3, 0, 0, 2], [0, 0, 2e-3, 3], [0, 0, 0, 1]])
"""An affine of millimetres, XYZ: turned by a right angle in the plane."""


def counted(dtype=np.int16):
    return np.arange(np.prod(SHAPE), dtype=dtype).reshape(SHAPE)


def opened(path):
    (data, kwargs, kind), *others = reader(str(path))(str(path))
    assert others == []
    return {"image": Image, "labels": Labels}[kind](data, **kwargs)


@pytest.mark.parametrize("ending", [".nrrd", ".nii.gz", ".nii", ".h5", ".ome.zarr", ".npy"])
def test_an_image_keeps_its_voxel_size(tmp_path, ending):
    path = tmp_path / f"cells{ending}"
    anystar.write(path, Volume(data=counted(), spacing=(2, 0.5, 0.25)))
    layer = opened(path)
    np.testing.assert_array_equal(np.asarray(layer.data), counted())
    if ending != ".npy":  # which knows no voxel size
        assert voxel_size_of(layer).size.spacing == pytest.approx((2, 0.5, 0.25), rel=1e-5)
        assert voxel_size_of(layer).size.unit == "um"


@pytest.mark.parametrize("ending", [".nrrd", ".nii.gz"])
def test_an_affine_places_the_layer_as_it_places_the_voxels(tmp_path, ending):
    path = tmp_path / f"cells{ending}"
    header = {"world": TURNED, "oriented": True}
    anystar.write(path, Volume(data=counted(), spacing=(2, 0.5, 0.5), header=header))
    layer = opened(path)
    voxel = np.array((3, 2, 5))
    world = TURNED @ np.array([*voxel[::-1], 1.0])
    np.testing.assert_allclose(layer.data_to_world(voxel), world[2::-1] * 1e3, rtol=1e-5)


@pytest.mark.parametrize("ending", [".nrrd", ".nii.gz", ".ome.tif", ".tif", ".h5", ".ome.zarr"])
def test_labels_are_written_with_the_voxel_size_of_their_layer(tmp_path, ending):
    labels = (counted() > 100).astype(np.int32) * 70_000
    layer = Labels(labels[None], scale=(1, 2, 0.5, 0.25), units=("s", "um", "um", "um"))
    path = tmp_path / f"made{ending}"
    data, meta, _ = layer.as_layer_data_tuple()
    assert write_labels(str(path), data, meta) == [str(path)]
    read = anystar.read_labels(path)
    np.testing.assert_array_equal(read.data, labels)
    assert read.spacing == pytest.approx((2, 0.5, 0.25), rel=1e-5)


@pytest.mark.parametrize("ending", [".nrrd", ".nii.gz"])
def test_labels_lie_where_their_layer_lies(tmp_path, ending):
    layer = Labels(
        counted(), scale=(2, 0.5, 0.25), translate=(10, 20, 30), units=("um",) * 3, rotate=(90, 0, 0)
    )
    path = tmp_path / f"made{ending}"
    write_labels(str(path), *layer.as_layer_data_tuple()[:2])
    again = opened(path)
    for voxel in ((0, 0, 0), (5, 6, 7)):
        np.testing.assert_allclose(again.data_to_world(voxel), layer.data_to_world(voxel), rtol=1e-4)


def test_the_header_of_the_image_goes_to_its_labels(tmp_path):
    path = tmp_path / "brain.nii.gz"
    anystar.write(
        path, Volume(data=counted(), spacing=(2, 0.5, 0.5), header={"world": TURNED, "oriented": True})
    )
    image = opened(path)
    labels = Labels(
        counted(np.int32), scale=image.scale, affine=image.affine, units=image.units, metadata=image.metadata
    )
    out = tmp_path / "labels.nii.gz"
    write_labels(str(out), *labels.as_layer_data_tuple()[:2])
    before, after = anystar.read(path), anystar.read(out)
    np.testing.assert_allclose(after.header["world"], before.header["world"], rtol=1e-6)
    assert after.header["oriented"]


def test_several_time_points_are_not_written_as_one(tmp_path):
    layer = Labels(np.zeros((2, *SHAPE), int), name="cells")
    with pytest.raises(InputError, match="cells has 2 volumes along"):
        write_labels(str(tmp_path / "made.tif"), *layer.as_layer_data_tuple()[:2])


def test_a_store_gives_its_image_and_its_labels(tmp_path):
    path = tmp_path / "cells.ome.zarr"
    anystar.write(path, Volume(data=counted(), spacing=(2, 0.5, 0.25)))
    with anystar.open_image(path) as image:
        store = LabelStore.create(path / "labels" / "nuclei", SHAPE, np.uint16, like=image)
        store.write((0, 0, 0), (counted() > 9).astype(np.uint16))
        store.finish()
    layers = reader(str(path))(str(path))
    assert [(kind, kwargs["name"]) for _, kwargs, kind in layers] == [
        ("image", "cells"),
        ("labels", "cells nuclei"),
    ]
    data = layers[1][0]
    np.testing.assert_array_equal(np.asarray(data[0] if isinstance(data, list) else data), counted() > 9)
    assert tuple(layers[1][1]["scale"]) == (2, 0.5, 0.25)


def test_time_points_are_an_axis_that_is_read_when_it_is_looked_at(tmp_path):
    zarr = pytest.importorskip("zarr")
    data = np.stack([counted(np.uint16) + 1000 * t for t in range(3)])[:, None].repeat(2, axis=1)
    group = zarr.create_group(tmp_path / "movie.zarr", zarr_format=2)
    group.create_array("0", data=data, chunks=(1, 1, 3, 7, 8))
    scale = {"type": "scale", "scale": [1, 1, 2, 0.5, 0.5]}
    group.attrs["multiscales"] = [
        {
            "version": "0.4",
            "axes": [{"name": a, "type": k} for a, k in (("t", "time"), ("c", "channel"))]
            + [{"name": a, "type": "space", "unit": "micrometer"} for a in "zyx"],
            "datasets": [{"path": "0", "coordinateTransformations": [scale]}],
        }
    ]
    path = str(tmp_path / "movie.zarr")
    layers = reader(path)(path)
    assert [kwargs["name"] for _, kwargs, _ in layers] == ["movie channel 0", "movie channel 1"]
    first = Image(layers[0][0], **layers[0][1])
    assert first.axis_labels == ("t", "z", "y", "x")
    assert voxel_size_of(first).size.spacing == (2, 0.5, 0.5)
    np.testing.assert_array_equal(np.asarray(first.data), data[:, 0])


@pytest.mark.parametrize("name", ["cells.tif", "cells.czi", "cells.png", "cells"])
def test_what_others_read_is_left_to_them(name):
    assert reader(name) is None
    assert reader([name, name]) is None
