"""Measures of objects against balls of known size, skimage and short loops."""

import math

import numpy as np
import pytest
from skimage.measure import regionprops_table

from anystar.arrays import Volume
from anystar.geometry.polyhedra import Polyhedra
from anystar.geometry.rasterise import rasterise
from anystar.geometry.rays import golden_spiral
from anystar.objects.measure import add_channel, add_mask, measure, tabulate
from anystar.objects.objects import Objects
from anystar.objects.table import Table, columns

RAYS = golden_spiral(96)
SHAPE = (20, 44, 40)
CENTRES = np.array([[9.0, 12, 12], [10, 30, 26], [0, 8, 34]])
RADII = np.array([7.0, 8.0, 5.0])
VOXEL = (2.0, 1.0, 1.0)  # in units of the shortest edge
SPACING = (1.0, 0.5, 0.5)


@pytest.fixture(scope="module")
def scene():
    distances = np.repeat(RADII[:, None], 96, axis=1).astype(np.float32)
    labels = rasterise(Polyhedra(CENTRES, distances, RAYS, np.array([0.9, 0.8, 0.7])), SHAPE, spacing=VOXEL)
    found = regionprops_table(labels, properties=("label", "centroid", "area", "bbox"))
    objects = Objects(
        label=found["label"],
        probability=np.array([0.9, 0.8, 0.7], np.float32),
        calibrated_probability=np.array([0.95, 0.9, np.nan], np.float32),
        volume_uncertainty=np.array([0.1, 0.2, np.nan], np.float32),
        centroid_vox=np.stack([found[f"centroid-{i}"] for i in range(3)], axis=1),
        volume_vox=found["area"].astype(np.int64),
        bbox=np.stack([found[f"bbox-{i}"] for i in range(6)], axis=1),
        centre_vox=CENTRES,
        distances=distances,
    )
    rng = np.random.default_rng(0)
    image = (rng.normal(100, 10, SHAPE) + 50 * (labels == 1) - 40 * (labels == 2)).astype(np.float32)
    return labels, objects, image


def test_form_in_micrometres(scene):
    labels, objects, image = scene
    table = tabulate(labels, objects, RAYS, image=image, spacing=SPACING)
    for name, factor in (("surface_vox", 1.0), ("surface_um2", 0.25)):
        np.testing.assert_allclose(table[name], 4 * math.pi * RADII**2 * factor, rtol=0.02)
    assert (table["sphericity"] > 0.98).all()
    assert (table["sphericity"] <= 1).all()
    np.testing.assert_allclose(table["volume_um3"], table["volume_vox"] * 0.25)
    np.testing.assert_allclose(table["volume_um3"][:2], 4 / 3 * math.pi * (RADII[:2] / 2) ** 3, rtol=0.05)
    np.testing.assert_allclose(table["calibrated_probability"], [0.95, 0.9, np.nan])
    np.testing.assert_allclose(table["volume_uncertainty"], [0.1, 0.2, np.nan])
    np.testing.assert_allclose(table["z_um"], table["z_vox"])
    np.testing.assert_allclose(table["y_um"], table["y_vox"] / 2)
    np.testing.assert_array_equal(table["touches_border"], [False, False, True])
    # The box in micrometres holds the ball, less than a voxel wider
    for axis, s in zip("zyx", SPACING, strict=True):
        width = table[f"{axis}_stop_um"] - table[f"{axis}_start_um"]
        np.testing.assert_allclose(width, s * (table[f"{axis}_stop"] - table[f"{axis}_start"]))
    centre = (table["x_start_um"] + table["x_stop_um"]) / 2
    np.testing.assert_allclose(centre, table["x_um"], atol=0.25)


def test_intensities_are_those_of_skimage(scene):
    labels, objects, image = scene
    table = tabulate(labels, objects, RAYS, image=image)
    expected = regionprops_table(
        labels, image, properties=("intensity_mean", "intensity_min", "intensity_max", "intensity_median")
    )
    for name, values in expected.items():
        np.testing.assert_allclose(table[name], values, rtol=1e-6, err_msg=name)
    assert table["contrast"][0] > 3
    assert table["contrast"][1] < -3
    assert abs(table["contrast"][2]) < 0.3
    np.testing.assert_allclose(table["background"], 100, atol=2)


def test_contrast_does_not_depend_on_the_scale_of_values(scene):
    labels, objects, image = scene
    once = tabulate(labels, objects, RAYS, image=image)
    twice = tabulate(labels, objects, RAYS, image=image * 7 - 3000)
    np.testing.assert_allclose(once["contrast"], twice["contrast"], rtol=1e-3)


def test_an_image_of_another_shape_is_refused(scene):
    labels, objects, image = scene
    message = r"image must have the shape of the labels, \(20, 44, 40\), got \(5, 44, 40\)"
    with pytest.raises(ValueError, match=message):
        tabulate(labels, objects, RAYS, image=image[:5])


def test_extremes_of_contrast(scene):
    labels, objects, _ = scene
    flat = tabulate(labels, objects, RAYS, image=np.full(SHAPE, 7, np.uint8))
    np.testing.assert_array_equal(flat["contrast"], 0)
    sharp = tabulate(labels, objects, RAYS, image=(labels == 1).astype(np.uint8))
    assert sharp["contrast"][0] == np.inf
    full = np.where(labels == 0, 4, labels)  # no free voxel around
    crowded = tabulate(full, objects, RAYS, image=np.ones(SHAPE))
    assert np.isnan(crowded["contrast"]).all()


def test_without_micrometres(scene):
    labels, objects, _ = scene
    for place in ({}, {"spacing": (4.54, 1, 1), "unit": "relative"}):
        table = tabulate(labels, objects, RAYS, **place)
        assert all(np.isnan(c).all() for n, c in table.columns.items() if "_um" in n)
        assert not table.known("volume_um3")
        assert table.known("volume_vox")
    assert "contrast" not in table


def test_a_part_of_the_volume_is_as_the_whole(scene):
    labels, objects, image = scene
    whole = tabulate(labels, objects, RAYS, image=image, spacing=SPACING, distances=True)
    part = slice(1, 20), slice(2, 44), slice(1, 39)
    one = Objects(**{k: v[1:2] for k, v in vars(objects).items()})
    row = tabulate(
        labels[part],
        one,
        RAYS,
        image=image[part],
        spacing=SPACING,
        origin=(1, 2, 1),
        shape=SHAPE,
        distances=True,
    )
    for name in whole.columns:
        np.testing.assert_allclose(row[name], whole[name][1:2], err_msg=name)
    both = Table.concat([whole.select(np.array([0])), row])
    np.testing.assert_array_equal(both["label"], [1, 2])


def test_other_channels_and_a_mask(scene):
    labels, objects, image = scene
    table = add_channel(tabulate(labels, objects, RAYS), labels, image, "c3")
    np.testing.assert_allclose(
        table["intensity_mean_c3"], [image[labels == i].mean() for i in (1, 2, 3)], rtol=1e-5
    )
    mask = np.zeros(SHAPE, np.uint8)
    mask[:, :, :20] = 255
    table = add_mask(table, labels, mask)
    expected = [(mask[labels == i] > 0).mean() for i in (1, 2, 3)]
    np.testing.assert_allclose(table["mask_overlap"], expected)
    with pytest.raises(ValueError, match="mask must have the shape of the image"):
        add_mask(table, labels, mask[1:])


def test_distances_rebuild_the_labels(scene):
    labels, objects, _ = scene
    table = tabulate(labels, objects, RAYS, distances=True)
    centres = np.stack([table[f"centre_{a}"] for a in "zyx"], axis=1)
    distances = np.stack([table[f"distance_{i}"] for i in range(96)], axis=1)
    again = rasterise(Polyhedra(centres, distances, RAYS, table["probability"]), SHAPE, spacing=VOXEL)
    np.testing.assert_array_equal(again, labels)


def test_no_objects(scene):
    labels, objects, image = scene
    none = Objects(**{k: v[:0] for k, v in vars(objects).items()})
    table = tabulate(labels * 0, none, RAYS, image=image, distances=True)
    assert len(table) == 0
    assert len(add_mask(add_channel(table, labels, image, "c1"), labels, image)) == 0


def test_labels_from_elsewhere_have_the_same_columns_and_nearly_the_same_form(scene):
    labels, objects, image = scene
    ours = tabulate(labels, objects, RAYS, image=image, spacing=SPACING)
    theirs = measure(labels, image, spacing=SPACING)
    assert list(theirs.columns) == list(ours.columns) == [c.name for c in columns()]
    for spec in columns():
        assert theirs[spec.name].dtype.kind == spec.dtype.kind, spec.name
    assert np.isnan(theirs["probability"]).all()
    unknown = {"probability", "calibrated_probability", "volume_uncertainty"}
    different = unknown | {"surface_vox", "surface_um2", "sphericity"}
    for name in set(ours.columns) - different:
        np.testing.assert_array_equal(theirs[name], ours[name], err_msg=name)
    whole = slice(0, 2)  # the third object is cut by the border
    np.testing.assert_allclose(theirs["surface_um2"][whole], ours["surface_um2"][whole], rtol=0.04)
    np.testing.assert_allclose(theirs["sphericity"][whole], ours["sphericity"][whole], atol=0.02)


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32, np.uint64])
def test_gaps_in_numbers_and_types_do_not_matter(scene, dtype):
    labels, _, image = scene
    names = np.array([0, 3, 9, 200])
    table = measure(names[labels].astype(dtype), image, spacing=SPACING)
    expected = measure(labels, image, spacing=SPACING)
    assert table["label"].tolist() == [3, 9, 200]
    for name in set(table.columns) - {"label"}:
        np.testing.assert_array_equal(table[name], expected[name], err_msg=name)


def test_huge_labels_cost_no_memory():
    labels = np.zeros((4, 4, 4), np.int64)
    labels[1:3, 1:3, 1:3] = 2**60
    assert measure(labels)["label"].tolist() == [2**60]


def test_a_volume_brings_its_voxel_size(scene):
    labels, _, image = scene
    expected = measure(labels, image, spacing=SPACING)
    placed = Volume(data=labels, spacing=SPACING)
    for table in (measure(placed, image), measure(labels, Volume(data=image, spacing=SPACING))):
        np.testing.assert_array_equal(table["volume_um3"], expected["volume_um3"])
    relative = measure(Volume(data=labels, spacing=VOXEL, unit="relative"), image)
    assert not relative.known("volume_um3")
    np.testing.assert_allclose(relative["sphericity"], expected["sphericity"])


def test_further_channels_and_a_mask_by_name(scene):
    labels, _, image = scene
    table = measure(labels, image, intensities={"GFP": image * 2, "c3": image}, mask=labels != 2)
    np.testing.assert_allclose(table["intensity_mean_GFP"], 2 * table["intensity_mean"])
    np.testing.assert_array_equal(table["mask_overlap"], [1, 0, 1])
    assert list(table.columns) == [c.name for c in columns(mask=True, channels=("GFP", "c3"))]


@pytest.mark.parametrize("share", [0.002, 0.3])
def test_missing_voxels_do_not_count(scene, share):
    labels, _, image = scene
    missing = np.random.default_rng(1).random(SHAPE) < share
    broken = np.where(missing, np.nan, image)
    table = measure(labels, broken, intensities={"c1": broken}, mask=np.where(missing, np.nan, 1.0))
    for number in (1, 2, 3):
        inside = labels == number
        own = image[inside & ~missing]
        assert table["intensity_mean_c1"][number - 1] == pytest.approx(own.mean())
        assert table["intensity_max_c1"][number - 1] == own.max()
        assert table["mask_overlap"][number - 1] == (~missing[inside]).mean()
        filled = 0.1 if share < 0.01 else 1e-6  # a few are filled from their neighbours
        assert table["intensity_mean"][number - 1] == pytest.approx(own.mean(), rel=filled)
    assert np.isfinite(table["contrast"]).all()
    margin = np.where(np.arange(SHAPE[1])[:, None] < 22, np.nan, image)
    half = measure(labels, margin)
    assert np.isnan(half["intensity_mean"][0])
    assert half["intensity_mean"][1] == pytest.approx(image[(labels == 2) & np.isfinite(margin)].mean())
    nothing = measure(labels, np.full(SHAPE, np.nan))
    assert not nothing.known("intensity_mean")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"labels": np.zeros((4, 4))}, r"labels must have three axes \(Z, Y, X\), got shape \(4, 4\)"),
        ({"labels": np.full((4, 4, 4), 0.5)}, "labels has fractional values; give a label image"),
        ({"image": np.zeros((3, 4, 4))}, r"image has the shape \(3, 4, 4\) but labels \(4, 4, 4\)"),
        ({"labels": np.full((4, 4, 4), np.nan)}, "labels has NaN or infinite values; replace them by 0"),
        ({"intensities": {"GFP": np.zeros(3)}}, r"intensities\['GFP'\] must have three axes"),
        ({"spacing": (1, 1)}, "spacing must be three numbers"),
    ],
)
def test_what_cannot_be_measured_is_said(arguments, message):
    labels = np.ones((4, 4, 4), np.int32)
    with pytest.raises(ValueError, match=message):
        measure(**({"labels": labels} | arguments))
