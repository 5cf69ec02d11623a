"""OME-Zarr as programs write it: sizes that are none, levels by name, several images, broken metadata."""

import numpy as np
import pytest
import zarr

from anystar import io

DATA = np.random.default_rng(0).integers(0, 999, (8, 12, 16)).astype(np.uint16)
UNITS = ("micrometer",) * 3


def axes(units=(None,) * 3, names="zyx"):
    """With ``null`` where there is no unit, as some programs write it."""
    return [{"name": n, "type": "space", "unit": u} for n, u in zip(names, units, strict=True)]


def scale(*values):
    return [{"type": "scale", "scale": list(values)}]


def store(path, *, stated=axes(), scales=((1, 1, 1), (1, 2, 2)), version="0.4", common=None):  # noqa: B008
    """A pyramid of two levels; None for a level without transformations."""
    new = version in ("0.5", "0.6")
    group = zarr.create_group(path, zarr_format=3 if new else 2)
    datasets = []
    for number, (level, values) in enumerate(zip((DATA, DATA[:, ::2, ::2]), scales, strict=True)):
        group.create_array(str(number), data=level, chunks=(4, 6, 8))
        steps = {} if values is None else {"coordinateTransformations": scale(*values)}
        datasets.append({"path": str(number), **steps})
    image = {"datasets": datasets} | ({} if new else {"version": version})
    if version == "0.6":
        image["coordinateSystems"] = [{"name": "physical", "axes": stated}]
    elif stated is not None:
        image["axes"] = stated
    if common is not None:
        image["coordinateTransformations"] = common
    group.attrs.update(
        {"ome": {"version": version, "multiscales": [image]}} if new else {"multiscales": [image]}
    )
    return path


def found(path, data=DATA, **options):
    with io.open_image(path, **options) as image:
        np.testing.assert_array_equal(image.read(), data)
        return image.spacing, image.unit, " ".join(image.notes)


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_ones_without_a_unit_stand_for_an_unknown_size(tmp_path, version):
    path = store(tmp_path / "a.zarr", version=version)
    for level, data in enumerate((DATA, DATA[:, ::2, ::2])):
        size, _, notes = found(path, data, level=level)
        assert size is None
        assert "1 x 1 x 1 without a unit" in notes
    assert found(path, spacing=(3, 2, 1)) == ((3, 2, 1), "um", "")


@pytest.mark.parametrize(
    ("units", "scales", "spacing", "unit"),
    [
        (UNITS, ((1, 1, 1), (1, 2, 2)), (1, 1, 1), "um"),
        ((None,) * 3, ((2, 1, 1), (2, 2, 2)), (2, 1, 1), "relative"),
        (("nanometer", "micrometer", "millimeter"), ((500, 0.5, 0.0005), (500, 1, 0.001)), (0.5,) * 3, "um"),
        (("pixel",) * 3, ((4, 1, 1), (4, 2, 2)), (4, 1, 1), "relative"),
        ((None, "micrometer", "micrometer"), ((2, 0.5, 0.5), (2, 1, 1)), (2, 0.5, 0.5), "um"),
    ],
)
def test_sizes_that_are_believed(tmp_path, units, scales, spacing, unit):
    path = store(tmp_path / "a.zarr", stated=axes(units), scales=scales)
    assert found(path)[:2] == (pytest.approx(spacing), unit)
    coarse = np.array(spacing) * (1, 2, 2)
    assert found(path, DATA[:, ::2, ::2], level=1)[:2] == (pytest.approx(coarse), unit)


def test_one_for_the_distance_between_planes_alone(tmp_path):
    """NGFF asks for 1 where a size is not available for an axis."""
    path = store(tmp_path / "a.zarr", stated=axes((None, *UNITS[1:])), scales=((1, 0.5, 0.25), (1, 1, 0.5)))
    for level, plane in enumerate(((0.5, 0.25), (1, 0.5))):
        with io.open_image(path, level=level) as image:
            assert (image.spacing, image.plane) == (None, plane)


@pytest.mark.parametrize(("version", "stated"), [("0.1", None), ("0.2", None), ("0.3", list("zyx"))])
def test_before_there_were_scales(tmp_path, version, stated):
    path = store(tmp_path / "a.zarr", stated=stated, scales=(None, None), version=version)
    if stated is None:  # TCZYX, which a file of three axes is not
        assert found(path)[0] is None
        assert "states the axes TCZYX" in found(path)[2]
        return
    assert found(path)[0] is None
    assert found(path, DATA[:, ::2, ::2], level=1)[0] is None


def test_one_scale_for_all_levels(tmp_path):
    path = store(tmp_path / "a.zarr", stated=axes(UNITS), common=scale(2, 0.5, 0.5))
    assert found(path)[0] == (2, 0.5, 0.5)
    assert found(path, DATA[:, ::2, ::2], level=1)[0] == (2, 1, 1)


def test_axes_in_a_coordinate_system(tmp_path):
    path = store(tmp_path / "a.zarr", stated=axes(UNITS), scales=((2, 1, 1), (2, 2, 2)), version="0.6")
    assert found(path)[0] == (2, 1, 1)


@pytest.mark.parametrize("names", [("depth", "height", "width"), ("plane", "row", "column"), "ZYX"])
def test_axes_by_their_words(tmp_path, names):
    path = store(tmp_path / "a.zarr", stated=axes(UNITS, names), scales=((2, 0.5, 0.25), (2, 1, 0.5)))
    assert found(path)[0] == (2, 0.5, 0.25)


BROKEN = {
    "two values": [{"type": "scale", "scale": [2.0, 0.5]}],
    "words": [{"type": "scale", "scale": ["2,0", "0,5", "0,5"]}],
    "a file": [{"type": "scale", "path": "scales"}],
    "unknown": [{"type": "affine", "affine": [[1, 0, 0, 0]]}],
    "text": ["scale"],
    "null": [{"type": "scale", "scale": None}],
}


@pytest.mark.parametrize("case", BROKEN)
def test_transformations_that_cannot_be_parsed(tmp_path, case):
    path = store(tmp_path / "a.zarr", stated=axes(UNITS), scales=((2, 1, 1), (2, 2, 2)))
    group = zarr.open_group(path)
    image = dict(group.attrs)["multiscales"][0]
    image["datasets"][0]["coordinateTransformations"] = BROKEN[case]
    group.attrs["multiscales"] = [image]
    size, _, notes = found(path)
    assert size is None
    assert "so its voxel size is not known; if it is, give spacing=" in notes
    assert found(path, spacing=(3, 2, 1)) == ((3, 2, 1), "um", "")


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_attributes_that_are_no_json(tmp_path, version):
    path = store(tmp_path / "a.zarr", stated=axes(UNITS), version=version)
    file = path / ("zarr.json" if version == "0.5" else ".zattrs")
    file.write_text(file.read_text()[:-20])
    size, _, notes = found(path)
    assert size is None
    assert "metadata of the image cannot be parsed" in notes
    assert found(path, spacing=(3, 2, 1))[0] == (3, 2, 1)


@pytest.mark.parametrize("version", ["0.4", "0.5"])
@pytest.mark.parametrize("level", [0, 1])
def test_a_level_by_its_name_has_the_geometry_of_the_image(tmp_path, version, level):
    path = store(tmp_path / "a.zarr", stated=axes(UNITS), scales=((2, 0.5, 0.5), (2, 1, 1)), version=version)
    data = (DATA, DATA[:, ::2, ::2])[level]
    step = 1 + level
    assert found(path / str(level), data) == ((2, 0.5 * step, 0.5 * step), "um", "")
    with io.open_image(path / str(level)) as image:
        assert image.num_levels == 1
    volume = io.read(path / str(level))
    labels = (volume.data % 7).astype(np.int32)
    for target in (path / "labels" / "cells", tmp_path / "own.zarr"):
        io.write(target, labels, like=volume)
        with io.open_image(target) as image:
            np.testing.assert_array_equal(image.read(), labels)
            assert image.spacing == volume.spacing
    listed = zarr.open_group(path / "labels").attrs.asdict()
    assert listed.get("ome", listed)["labels"] == ["cells"]
    with pytest.raises(io.FileError, match="one level, number 0, not level 1"):
        io.open_image(path / str(level), level=1)


def test_a_level_deep_inside_a_store(tmp_path):
    store(tmp_path / "a.zarr" / "cells" / "raw", stated=axes(UNITS), scales=((2, 0.5, 0.5), (2, 1, 1)))
    assert found(tmp_path / "a.zarr" / "cells" / "raw" / "0")[0] == (2, 0.5, 0.5)
    assert found(tmp_path / "a.zarr" / "cells" / "raw")[0] == (2, 0.5, 0.5)
    store(tmp_path / "plain", stated=axes(UNITS), scales=((2, 0.5, 0.5), (2, 1, 1)))
    assert found(tmp_path / "plain" / "0")[0] == (2, 0.5, 0.5)


def test_several_images_of_bioformats2raw(tmp_path):
    path = tmp_path / "a.zarr"
    group = zarr.create_group(path, zarr_format=2)
    group.attrs["bioformats2raw.layout"] = 3
    store(path / "0", stated=axes(UNITS), scales=((2, 1, 1), (2, 2, 2)))
    assert found(path)[0] == (2, 1, 1)
    store(path / "1", stated=axes(UNITS), scales=((3, 1, 1), (3, 2, 2)))
    with pytest.raises(
        io.FileError, match=r"holds 2 images; choose one with series=0 to series=1, or name it"
    ):
        io.read(path)
    assert found(path, series=1)[0] == found(path / "1")[0] == (3, 1, 1)


def test_a_group_with_one_array_or_several(tmp_path):
    group = zarr.create_group(tmp_path / "a.zarr")
    group.create_array("volume", data=DATA)
    group.create_array("table", data=np.zeros((3, 2)))
    assert found(tmp_path / "a.zarr")[0] is None
    group.create_array("mask", data=DATA)
    with pytest.raises(io.FileError, match=r"holds 2 arrays, .*name one, STORE.zarr/"):
        io.read(tmp_path / "a.zarr")
    assert found(tmp_path / "a.zarr" / "mask")[0] is None


def test_metadata_of_impossible_size_are_refused(tmp_path):
    store(tmp_path / "levels.zarr")
    group = zarr.open_group(tmp_path / "levels.zarr")
    (image,) = group.attrs["multiscales"]
    group.attrs["multiscales"] = [image | {"datasets": image["datasets"] * 50_000}]
    with pytest.raises(io.FileError, match="states a pyramid of 100000 levels, more than 100"):
        io.read(tmp_path / "levels.zarr")
    array = zarr.create_array(
        tmp_path / "huge.zarr", shape=(10**9, 10**9, 10**9), chunks=(64,) * 3, dtype="uint8"
    )
    assert array.ndim == 3
    with pytest.raises(io.FileError, match=r"more than 1e[+]15 voxels; its metadata are damaged"):
        io.open_image(tmp_path / "huge.zarr")
    (tmp_path / "long.zarr").mkdir()
    with open(tmp_path / "long.zarr" / "zarr.json", "wb") as file:
        file.truncate(1 << 27)
    with pytest.raises(io.FileError, match=r"has metadata of more than 64 MiB, zarr.json"):
        io.open_image(tmp_path / "long.zarr")


MALFORMED = {
    "no list": lambda attributes: attributes["multiscales"][0],
    "empty": lambda attributes: [{}],
    "text": lambda attributes: "x",
    "no levels stated": lambda attributes: [{"version": "0.4"}],
    "levels without a name": lambda attributes: [{"datasets": [{}]}],
    "names of levels alone": lambda attributes: [{"datasets": ["0"]}],
}


@pytest.mark.parametrize("case", MALFORMED)
def test_metadata_of_another_form(tmp_path, case):
    path = tmp_path / "a.zarr"
    group = zarr.open_group(path, mode="w", zarr_format=2)
    array = group.create_array("0", shape=(4, 5, 6), dtype=np.uint8, chunks=(4, 5, 6))
    array[...] = np.arange(120, dtype=np.uint8).reshape(4, 5, 6)
    right = {"multiscales": [{"version": "0.4", "datasets": [{"path": "0"}]}]}
    group.attrs["multiscales"] = MALFORMED[case](right)
    with io.open_image(path) as image:
        np.testing.assert_array_equal(image.read().ravel(), np.arange(120))
        assert image.spacing is None
        assert "the metadata of the image cannot be parsed" in image.notes[0]
    assert io.read(path, spacing=(3, 2, 1)).spacing == (3, 2, 1)
    assert io.read(f"{path}:/0").shape == (4, 5, 6)


@pytest.mark.parametrize("names", [("dim_0", "dim_1", "dim_2"), (None, None, None), (0, 1, 2)])
def test_three_axes_of_space_whose_names_say_nothing(tmp_path, names):
    path = tmp_path / "a.zarr"
    group = zarr.open_group(path, mode="w", zarr_format=2)
    group.create_array("0", shape=(2, 4, 5, 6), dtype=np.uint8, chunks=(2, 4, 5, 6))
    axes = [{"name": "c", "type": "channel"}]
    axes += [{"name": name, "type": "space", "unit": "micrometer"} for name in names]
    steps = [{"type": "scale", "scale": [1, 2, 0.5, 0.5]}]
    datasets = [{"path": "0", "coordinateTransformations": steps}]
    group.attrs["multiscales"] = [{"version": "0.4", "axes": axes, "datasets": datasets}]
    with io.open_image(path, channel=1) as image:
        assert (image.axes, image.spacing) == ("CZYX", (2, 0.5, 0.5))
