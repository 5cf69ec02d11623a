"""OME-Zarr label images, block by block: read by zarr, as the specification demands, never half there."""

import importlib
import shutil
from pathlib import Path

import numpy as np
import pytest
import zarr

from anystar import io
from anystar.arrays import Volume
from anystar.io.label_store import LabelStore
from anystar.io.pyramid import blocks

SHAPE = (20, 90, 70)
IMAGE = Volume(data=np.zeros(SHAPE, np.uint8), spacing=(2.0, 0.5, 0.5))


def labels():
    """Bricks of 5 x 10 x 14 voxels, every second one empty."""
    z, y, x = np.indices(SHAPE)
    number = (z // 5) * 100 + (y // 10) * 10 + x // 14 + 1
    return np.where(number % 2, number, 0).astype(np.int64)


def fill(store, data, size=(8, 32, 48)):
    for box in blocks(SHAPE, size):
        store.write([s.start for s in box], data[box])


def multiscale(path):
    attributes = dict(zarr.open_group(path, mode="r").attrs)
    return attributes.get("ome", attributes)


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_a_store_of_its_own(tmp_path, version):
    data = labels()
    store = LabelStore.create(tmp_path / "a.zarr", SHAPE, np.int64, like=IMAGE, version=version)
    fill(store, data)
    assert not (tmp_path / "a.zarr").exists()
    np.testing.assert_array_equal(store.read((slice(3, 9), slice(5), slice(7))), data[3:9, :5, :7])
    assert store.finish(dtype=np.uint16) == tmp_path / "a.zarr"
    assert [p.name for p in tmp_path.iterdir()] == ["a.zarr"]
    found = multiscale(tmp_path / "a.zarr")
    assert found["image-label"] is not None
    assert found["multiscales"][0].get("version", found.get("version")) == version
    group = zarr.open_group(tmp_path / "a.zarr", mode="r")
    assert group.metadata.zarr_format == (2 if version == "0.4" else 3)
    assert group["0"].dtype == np.uint16
    np.testing.assert_array_equal(group["0"][:], data)
    assert [group[d["path"]].shape for d in found["multiscales"][0]["datasets"]] == [SHAPE, (20, 45, 35)]


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_what_the_specification_demands(tmp_path, version):
    """Axes in order with units; each level a scale, then a translation, coarser and coarser; sizes agree."""
    store = LabelStore.create(tmp_path / "a.zarr", (300, 300, 300), "u2", like=Volume(
        data=np.zeros((300, 300, 300), bool), spacing=(3.0, 1.0, 1.0)), version=version)  # fmt: skip
    store.write((10, 10, 10), np.ones((30, 30, 30), np.uint16))
    store.finish()
    (image,) = multiscale(tmp_path / "a.zarr")["multiscales"]
    assert image["axes"] == [{"name": n, "type": "space", "unit": "micrometer"} for n in "zyx"]
    group = zarr.open_group(tmp_path / "a.zarr", mode="r")
    extents = []
    for dataset in image["datasets"]:
        scale, shift = dataset["coordinateTransformations"]
        assert (scale["type"], shift["type"]) == ("scale", "translation")
        array = group[dataset["path"]]
        assert array.dtype.kind == "u"
        if version == "0.5":
            assert array.metadata.dimension_names == ("z", "y", "x")
        low = np.array(shift["translation"]) - np.array(scale["scale"]) / 2
        extents.append((low, low + np.array(scale["scale"]) * array.shape, scale["scale"]))
    assert len(extents) > 2
    for low, high, voxel in extents:  # every level covers the same space, to a voxel of its own
        np.testing.assert_allclose(low, extents[0][0])
        assert (high - extents[0][1] < voxel).all()
        assert (high >= extents[0][1]).all()
    # The object lies at the same place on every level, to half a voxel
    for dataset in image["datasets"]:
        scale, shift = (s[s["type"]] for s in dataset["coordinateTransformations"])
        where = np.argwhere(group[dataset["path"]][:]).mean(axis=0) * scale + shift
        assert (np.abs(where - np.array([24.5, 24.5, 24.5]) * (3, 1, 1)) <= np.array(scale) / 2).all()


@pytest.fixture(params=[2, 3])
def image_store(request, tmp_path):
    """An image TCZYX of three levels halved in Y and X, as other programs make it, offset in space."""
    path = tmp_path / "image.zarr"
    group = zarr.create_group(path, zarr_format=request.param)
    rng = np.random.default_rng(0)
    datasets = []
    for level in range(3):
        shape = (2, 3, 20, 90 // 2**level, 70 // 2**level)
        array = group.create_array(str(level), shape=shape, chunks=(1, 1, 8, 32, 32), dtype="u2")
        array[...] = rng.integers(0, 999, shape)
        scale = [1.0, 1.0, 2000.0, 500.0 * 2**level, 500.0 * 2**level]
        steps = [{"type": "scale", "scale": scale}, {"type": "translation", "translation": [0, 0, 7.0, 8, 9]}]
        datasets.append({"path": str(level), "coordinateTransformations": steps})
    axes = [{"name": "t", "type": "time"}, {"name": "c", "type": "channel"}]
    axes += [{"name": n, "type": "space", "unit": "nanometer"} for n in "zyx"]
    stated = {"axes": axes, "datasets": datasets}
    if request.param == 2:
        group.attrs["multiscales"] = [stated | {"version": "0.4"}]
    else:
        group.attrs["ome"] = {"version": "0.5", "multiscales": [stated]}
    return path


def test_any_level_channel_and_time_of_an_image(image_store):
    group = zarr.open_group(image_store, mode="r")
    for level in range(3):
        with io.open_image(image_store, channel=2, time=1, level=level) as image:
            assert (image.num_channels, image.num_times, image.num_levels) == (3, 2, 3)
            assert image.spacing == pytest.approx((2, 0.5 * 2**level, 0.5 * 2**level))
            assert image.chunks == (8, 32, 32)
            np.testing.assert_array_equal(image.read(), group[str(level)][1, 2])
    with pytest.raises(io.FileError, match="has levels 0 to 2, not level 3; choose another level="):
        io.open_image(image_store, channel=0, time=0, level=3)


@pytest.mark.parametrize("level", [0, 1])
def test_labels_in_the_store_of_their_image(image_store, level):
    image = io.open_image(image_store, channel=0, time=0, level=level)
    data = labels()[:, : image.shape[1], : image.shape[2]]
    for name in ("cells", "nuclei"):
        io.write(image_store / "labels" / name, data, like=image)
    listed = dict(zarr.open_group(image_store / "labels", mode="r").attrs)
    assert listed.get("ome", listed)["labels"] == ["cells", "nuclei"]
    found = multiscale(image_store / "labels" / "cells")
    assert found["image-label"]["source"]["image"].rstrip("/") == "../.."
    theirs = multiscale(image_store)["multiscales"][0]["datasets"][level:]
    ours = found["multiscales"][0]["datasets"]
    assert len(ours) == len(theirs)
    for own, other in zip(ours, theirs, strict=True):
        for a, b in zip(own["coordinateTransformations"], other["coordinateTransformations"], strict=True):
            assert list(a[a["type"]]) == list(b[b["type"]][2:])
    assert [a.get("unit") for a in found["multiscales"][0]["axes"]] == ["nanometer"] * 3
    again = io.open_image(image_store / "labels" / "cells")
    np.testing.assert_array_equal(again.read(), data)
    assert again.spacing == pytest.approx(image.spacing)
    group = zarr.open_group(image_store / "labels" / "cells", mode="r")
    original = zarr.open_group(image_store, mode="r")
    for number, _ in enumerate(ours):
        assert group[str(number)].shape == original[str(level + number)].shape[2:]
    # The image is as it was
    assert io.open_image(image_store, channel=1, time=1).read().any()


def test_where_labels_may_not_go(image_store, tmp_path):
    image = io.open_image(image_store, channel=0, time=0)
    for path, message in (
        (image_store / "cells", r"cannot write .*; choose a store of its own, or .*image\.zarr/labels/NAME"),
        (tmp_path / "none.zarr" / "labels" / "cells", "is no OME-Zarr image; choose a store of its own"),
        (tmp_path / "a.tif", "is no Zarr store; end its name in .zarr"),
        (image_store, "exists already; add overwrite=True"),
    ):
        with pytest.raises(io.FileError, match=message):
            LabelStore.create(path, image.shape, np.uint8, like=image)
    (tmp_path / "mine.zarr").mkdir()
    (tmp_path / "mine.zarr" / "thesis.txt").write_text("precious")
    with pytest.raises(io.FileError, match="is a folder but no Zarr store; choose another name"):
        LabelStore.create(tmp_path / "mine.zarr", image.shape, np.uint8, like=image, overwrite=True)


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_interrupted_and_resumed_it_is_the_same(tmp_path, version, monkeypatch):
    data = labels()
    store = LabelStore.create(tmp_path / "a.zarr", SHAPE, np.int64, like=IMAGE, version=version)
    some = list(blocks(SHAPE, (20, 64, 64)))
    for box in some[:2]:
        store.write([s.start for s in box], data[box])
    store = LabelStore.resume(tmp_path / "a.zarr", like=IMAGE)
    for box in some[2:]:
        store.write([s.start for s in box], data[box])

    def killed(*_):
        raise KeyboardInterrupt

    for where in ("_coarsen", "_recode"):  # in the middle of finishing, too
        with monkeypatch.context() as patch:
            patch.setattr(LabelStore, where, killed)
            with pytest.raises(KeyboardInterrupt):
                store.finish(dtype=np.uint16)
        assert not (tmp_path / "a.zarr").exists()
        store = LabelStore.resume(tmp_path / "a.zarr", like=IMAGE)
    store.finish(dtype=np.uint16)
    np.testing.assert_array_equal(io.read(tmp_path / "a.zarr").data, data)
    with pytest.raises(io.FileError, match="was not begun; there is nothing to resume"):
        LabelStore.resume(tmp_path / "a.zarr", like=IMAGE)


@pytest.mark.parametrize("calls", [1, 2, 3])
def test_interrupted_while_the_old_labels_go_it_is_the_same(tmp_path, monkeypatch, calls):
    """Killed at each rename and removal at the end of a recoding: no label is lost."""
    data = labels()
    store = LabelStore.create(tmp_path / "a.zarr", SHAPE, np.int64, like=IMAGE)
    fill(store, data)
    honest = {"rename": Path.rename, "rmtree": shutil.rmtree}
    steps = []

    def counted(name):
        def call(path, *args, **how):
            if Path(path).parent == store.partial:
                steps.append(name)
                if len(steps) == calls:
                    for chunk in list(Path(path).rglob("c/*")) if name == "rmtree" else ():
                        honest["rmtree"](chunk)  # a part of it is gone
                    raise KeyboardInterrupt
            return honest[name](path, *args, **how)

        return call

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", counted("rename"))
        patch.setattr("anystar.io.label_store.shutil.rmtree", counted("rmtree"))
        with pytest.raises(KeyboardInterrupt):
            store.finish(dtype=np.uint16)
    assert steps == ["rename", "rename", "rmtree"][:calls]
    store = LabelStore.resume(tmp_path / "a.zarr", like=IMAGE)
    np.testing.assert_array_equal(store.read(), data)
    store.finish(dtype=np.uint16)
    np.testing.assert_array_equal(io.read(tmp_path / "a.zarr").data, data)
    assert not list(tmp_path.rglob("0.*"))


@pytest.mark.parametrize(("version", "files"), [("0.4", 2 * 3 * 3), ("0.5", 1 * 2 * 2)])
def test_a_file_holds_many_chunks(tmp_path, version, files):
    def stored(level):
        folder = store.partial / level
        return [
            p for p in folder.rglob("*") if p.is_file() and p.name not in ("zarr.json", ".zarray", ".zattrs")
        ]

    data, size = np.ones(SHAPE, np.uint16), (20, 60, 60)
    store = LabelStore.create(
        tmp_path / "a.zarr", SHAPE, np.uint16, like=IMAGE, chunks=(10, 30, 30), shards=size, version=version
    )
    fill(store, data, size)
    assert len(stored("0")) == files
    store = LabelStore.resume(tmp_path / "a.zarr", like=IMAGE)
    assert (store.chunks, store.shards) == ((10, 30, 30), (10, 30, 30) if version == "0.4" else size)
    for path in stored("0"):  # a block that covers files mends them: it does not read them
        path.write_bytes(b"torn")
    fill(store, data, size)
    store.finish(dtype=np.uint8)
    np.testing.assert_array_equal(io.read(tmp_path / "a.zarr").data, data)
    store = zarr.open_group(tmp_path / "a.zarr", mode="r")
    assert store["1"].shards == (None if version == "0.4" else (20, 60, 60))


def test_it_replaces_only_when_it_is_whole(tmp_path):
    io.write(tmp_path / "a.zarr", labels(), like=IMAGE)
    store = LabelStore.create(tmp_path / "a.zarr", SHAPE, np.uint8, like=IMAGE, overwrite=True)
    store.write((0, 0, 0), np.ones(SHAPE, np.uint8))
    np.testing.assert_array_equal(io.read(tmp_path / "a.zarr").data, labels())
    store.finish()
    np.testing.assert_array_equal(io.read(tmp_path / "a.zarr").data, 1)
    assert [p.name for p in tmp_path.iterdir()] == ["a.zarr"]


def test_labels_are_renumbered_on_the_way(tmp_path):
    data = labels()
    store = LabelStore.create(tmp_path / "a.zarr", SHAPE, np.int64, like=IMAGE)
    fill(store, data * 2**33)
    table = np.unique(data)
    store.finish(dtype=np.uint8, relabel=lambda block: np.searchsorted(table, block // 2**33))
    np.testing.assert_array_equal(io.read(tmp_path / "a.zarr").data, np.searchsorted(table, data))


def test_what_does_not_fit_is_refused(tmp_path):
    store = LabelStore.create(tmp_path / "a.zarr", SHAPE, np.uint8, like=IMAGE)
    with pytest.raises(ValueError, match="labels must fit uint8, got 0 to 300"):
        store.write((0, 0, 0), np.array([[[0, 300]]]))
    with pytest.raises(ValueError, match="labels must fit uint8, got -1 to 3"):
        store.write((0, 0, 0), np.array([[[-1, 3]]]))
    with pytest.raises(ValueError, match="must lie within"):
        store.write((0, 0, 69), np.array([[[1, 3]]]))
    store.discard()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("version", ["v04", "v05"])
def test_the_community_s_own_models_of_the_specification_accept_it(tmp_path, version):
    """ome-zarr-models reads the image label, the list of labels and a store of its own by all its rules."""
    ImageLabel = importlib.import_module(f"ome_zarr_models.{version}.image_label").ImageLabel
    Labels = importlib.import_module(f"ome_zarr_models.{version}.labels").Labels
    number = version.replace("v0", "0.")
    store = LabelStore.create(tmp_path / "a.zarr", SHAPE, np.uint16, like=IMAGE, version=number)
    store.write((0, 0, 0), labels())
    store.finish()
    io.write(tmp_path / "a.zarr" / "labels" / "cells", labels(), like=io.open_image(tmp_path / "a.zarr"))
    for name in ("", "labels/cells"):
        found = ImageLabel.from_zarr(zarr.open_group(tmp_path / "a.zarr" / name, mode="r"))
        stated = found.attributes if version == "v04" else found.ome_attributes
        assert [d.path for d in stated.multiscales[0].datasets] == ["0", "1"]
    listed = Labels.from_zarr(zarr.open_group(tmp_path / "a.zarr" / "labels", mode="r"))
    assert (listed.attributes.labels if version == "v04" else listed.label_paths) == ["cells"]
