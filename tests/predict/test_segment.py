import numpy as np
import pytest
from scipy import ndimage

from anystar.arrays import Volume
from anystar.errors import InputError
from tests.predict.stub import stub_model
from tests.scenes import blobs, objects_on_texture


def assert_balls(volumes, radius):
    """The stub says a ball around every voxel, on which these agree as one that is up to a quarter wider."""
    assert (volumes > 4 / 3 * np.pi * (0.98 * radius) ** 3).all()
    assert (volumes < 4 / 3 * np.pi * (1.25 * radius) ** 3).all()


CENTRES = [(10, 10, 10), (10, 30, 12), (30, 20, 34)]


@pytest.mark.parametrize("grid", [1, 2])
def test_every_blob_becomes_an_object_in_its_place(grid):
    result = stub_model(grid=grid).segment(1000 * blobs((40, 40, 48), CENTRES, 4), diameter=8)
    assert result.labels.dtype == np.int32
    assert len(result.objects) == result.labels.max() == 3
    found = result.objects.centroid_vox
    for centre in CENTRES:
        assert np.linalg.norm(found - centre, axis=1).min() < 1.0
    assert (result.objects.volume_vox == np.bincount(result.labels.ravel())[1:]).all()
    for number, box in zip(result.objects.label, result.objects.bbox, strict=True):
        where = np.argwhere(result.labels == number)
        assert box.tolist() == [*where.min(0), *(where.max(0) + 1)]
    assert_balls(result.objects.volume_vox, 4)


def test_anisotropic_voxels_are_seen_as_cubes_and_labelled_as_they_are():
    spacing = (3.0, 1.0, 1.0)
    image = blobs((14, 40, 40), [(7, 20, 20)], 4, spacing)
    result = stub_model().segment(image, spacing=spacing, diameter=8.0)
    assert result.labels.shape == image.shape
    assert len(result.objects) == 1
    assert np.linalg.norm((result.objects.centroid_vox[0] - (7, 20, 20)) * spacing) < 1.5
    z0, y0, _x0, z1, y1, _x1 = result.objects.bbox[0]
    assert y1 - y0 == pytest.approx(8, abs=1.5)
    assert z1 - z0 == pytest.approx(8 / 3, abs=1)


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_a_diameter_scales_what_the_network_sees(factor):
    model = stub_model(radius=4)
    image = blobs((48, 48, 48), [(24, 24, 24)], 4 * factor)
    result = model.segment(image, spacing=(0.5, 0.5, 0.5), diameter=4 * factor)
    assert model.network.seen[0][0] == pytest.approx(48 / factor, abs=8)
    assert_balls(result.objects.volume_vox[:1], 4 * factor)


def test_rethreshold_needs_no_network():
    image = blobs((40, 40, 40), [(10, 10, 10)], 4) + 0.7 * blobs((40, 40, 40), [(28, 28, 28)], 4)
    model = stub_model()
    result = model.segment(image, diameter=8, prob_thresh=0.8)
    runs = len(model.network.seen)
    assert len(result.objects) == 1
    again = result.rethreshold(prob_thresh=0.4)
    assert len(again.objects) == 2
    assert len(model.network.seen) == runs
    direct = model.segment(image, diameter=8, prob_thresh=0.4)
    assert np.array_equal(again.labels, direct.labels)
    with pytest.raises(ValueError, match=r"at least 0\.1"):
        result.rethreshold(prob_thresh=0.05)


def test_the_note_on_a_threshold_goes_with_it():
    result = stub_model().segment(objects_on_texture(), spacing=(1, 1, 1), diameter=8)
    (note,) = (note for note in result.notes if note.kind == "threshold")
    assert f"{result.prob_thresh:.2f}" in note.text
    assert note in result.rethreshold(nms_thresh=0.2).notes
    others = tuple(other for other in result.notes if other.kind not in ("threshold", "unsure"))
    assert result.rethreshold(prob_thresh=0.5).notes == others


@pytest.mark.parametrize("value", [0, 7, -3])
def test_a_constant_image_holds_nothing(value):
    result = stub_model().segment(np.full((16, 20, 24), value))
    assert len(result.objects) == 0
    assert result.labels.shape == (16, 20, 24)
    assert not result.labels.any()
    assert result.notes[0].kind == "constant"
    assert len(result.rethreshold(prob_thresh=0.2).objects) == 0


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((9, 9)), "three axes"),
        (np.zeros((3, 64, 64)), "at least 4 voxels"),
        (np.full((8, 8, 8), np.nan), "512 NaN or infinite"),
        (np.zeros((8, 8, 8), complex), "real numbers"),
        (np.full((8, 8, 8), -1e300), r"largest absolute value of 1e-33 to 1e\+37, got 1e\+300; divide it"),
        (np.eye(8)[None].repeat(8, 0) * 1e-300, "got 1e-300; divide it"),
    ],
)
def test_bad_images_are_refused(image, message):
    with pytest.raises(ValueError, match=message):
        stub_model().segment(image)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"spacing": (1, 1)}, "spacing must be three"),
        ({"spacing": 0.2}, r"give \(0.2, 0.2, 0.2\) for cubic voxels"),
        ({"spacing": (1, 0, 1)}, "spacing must be positive"),
        ({"spacing": (100, 0.1, 0.1)}, r"at most 100 times as long .* right voxel size, .* unit \(nm, um\)"),
        ({"diameter": -1}, "diameter must be positive"),
        ({"prob_thresh": 2}, "prob_thresh must be a threshold"),
        ({"nms_thresh": -0.1}, "nms_thresh must be a threshold"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        stub_model().segment(np.random.default_rng(0).random((8, 8, 8)), **arguments)


def test_a_volume_brings_its_voxel_size_and_unit():
    image = blobs((14, 40, 40), [(7, 20, 20)], 4, (3, 1, 1))
    how = {"diameter": 8.0, "prob_thresh": 0.5}
    given = stub_model().segment(image, spacing=(1.5, 0.5, 0.5), **how | {"diameter": 4.0})
    for volume, more in (
        (Volume(data=image, spacing=(1.5, 0.5, 0.5)), {"diameter": 4.0}),
        (Volume(data=image, spacing=(1.5, 0.5, 0.5)), {"diameter": 4.0, "spacing": (1.5, 0.5, 0.5)}),
        (Volume(data=image), {"diameter": 4.0, "spacing": (1.5, 0.5, 0.5)}),
        (Volume(data=image, spacing=(1.5, 0.5, 0.5), unit="relative"), {}),
    ):
        result = stub_model().segment(volume, **how | more)
        np.testing.assert_array_equal(result.labels, given.labels)
    with pytest.raises(InputError, match=r"the volume has its own, \(1.5, 0.5, 0.5\); leave spacing out"):
        stub_model().segment(Volume(data=image, spacing=(1.5, 0.5, 0.5)), spacing=(3, 1, 1))


def test_lengths_that_are_only_relative_never_become_micrometres():
    """A file that counts in pixels says how thick planes are, but not in micrometres."""
    image = blobs((14, 40, 40), [(7, 20, 20)], 4, (3, 1, 1))
    pixels = Volume(data=image, spacing=(6.0, 2.0, 2.0), unit="relative")
    table = stub_model().segment(pixels, diameter=8.0).table()
    assert len(table) == 1
    for name in ("z_um", "y_um", "volume_um3", "surface_um2"):
        assert np.isnan(table[name]).all()
    metric = stub_model().segment(Volume(data=image, spacing=(6.0, 2.0, 2.0)), diameter=16.0).table()
    assert metric["volume_um3"] == pytest.approx(table["volume_vox"] * 24)


def test_sizes_along_y_and_x_are_kept_where_only_the_distance_of_planes_is_not_known():
    image = blobs((14, 40, 40), [(7, 20, 20)], 4, (3, 1, 1))
    volume = Volume(data=image, header={"plane": (0.5, 0.5)})
    result = stub_model().segment(volume, diameter=4.0)
    z, y, x = result.voxel_size.spacing
    assert (y, x, result.voxel_size.unit) == (0.5, 0.5, "um")
    assert z == pytest.approx(1.5, rel=0.4)
    table = result.table()
    assert table["y_um"] == pytest.approx(10, abs=0.3)
    assert table["volume_um3"] == pytest.approx(table["volume_vox"] * x * y * z)
    (note,) = result.notes
    assert f"planes are taken to lie {z:.3g} um apart" in str(note)
    assert "volumes and surfaces follow from this estimate" in str(note)
    assert result.volume.spacing is None, "an estimate is not written as the file's voxel size"
    with pytest.raises(InputError, match="diameter must be at least"):
        stub_model().segment(volume, diameter=0.5)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.float32, np.float64, bool])
def test_any_type_and_range(dtype):
    image = blobs((32, 32, 32), [(16, 16, 16)], 4)
    scaled = image > 0.5 if dtype is bool else (image * (100 if dtype == np.uint8 else 5000)).astype(dtype)
    result = stub_model().segment(scaled, spacing=(1, 1, 1), diameter=8)
    assert result.labels[16, 16, 16] == 1
    assert not result.labels[:8].any()


@pytest.mark.parametrize("factor", [1e30, 1e-30])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_unit_of_the_intensities_does_not_matter(factor, dtype):
    image = blobs((48, 48, 48), CENTRES, 4) * np.linspace(0.3, 1, 48)  # under uneven light, of any size
    usual, other = (stub_model().segment((image * f).astype(dtype), spacing=(1, 1, 1)) for f in (1, factor))
    assert len(usual.objects) >= 3
    assert (usual.labels != other.labels).mean() < 1e-3
    np.testing.assert_allclose(
        other.table(image * factor)["contrast"], usual.table(image)["contrast"], rtol=0.1
    )


def test_progress_counts_to_the_end():
    seen = []
    stub_model().segment(blobs((16, 16, 16), [(8, 8, 8)], 3), diameter=8, progress=lambda *a: seen.append(a))
    assert seen[-1][0] == seen[-1][1]


def test_margins_hold_no_objects_and_change_none():
    model, image = stub_model(), 1000 * blobs((40, 40, 48), CENTRES, 4) + 50
    image += np.random.default_rng(0).normal(0, 5, image.shape)
    plain = model.segment(image, diameter=8, spacing=(1, 1, 1))
    padded = np.pad(image, ((0, 7), (9, 2), (4, 0)), constant_values=1e6)
    result = model.segment(padded, diameter=8, spacing=(1, 1, 1))
    np.testing.assert_array_equal(result.labels[:-7, 9:-2, 4:], plain.labels)
    assert len(result.objects) == len(plain.objects) >= 3
    assert result.notes[0].text.startswith("constant margins hold no data and are left out")
    table, wanted = result.table(padded), plain.table(image)
    moved = dict(zip("zyx", (0, 9, 4), strict=True))
    for name in wanted.columns:
        offset = moved[name[0]] if name.split("_")[0] in moved else 0
        np.testing.assert_allclose(table[name], wanted[name] + offset, atol=1e-9, err_msg=name)
    again = result.rethreshold(0.3)
    np.testing.assert_array_equal(again.labels[:-7, 9:-2, 4:], plain.rethreshold(0.3).labels)


def test_beside_data_that_are_turned_nothing_is_found():
    rng = np.random.default_rng(0)
    image = 1000 * blobs((40, 40, 48), CENTRES, 4) + 50 + rng.normal(0, 5, (40, 40, 48))
    turned = ndimage.rotate(
        image, 30, axes=(1, 2), order=1, cval=2000.0
    )  # bright: the stub sees objects there
    result = stub_model().segment(turned, diameter=8, spacing=(1, 1, 1))
    assert len(result.objects) == len(stub_model().segment(image, diameter=8, spacing=(1, 1, 1)).objects)
    assert not result.labels[turned == 2000].any()
    assert result.notes[0].kind == "margins"
    text = result.notes[0].text
    assert "% of the volume, beside the data" in text or "% of the rest" in text


@pytest.mark.parametrize(
    ("spacing", "suspicious"),
    [
        ((0.2, 0.2, 0.5), True),
        ((0.5, 0.2, 0.2), False),
        ((0.2, 0.2, 0.2), False),
        ((0.3, 0.2, 0.5), False),
        (None, False),
    ],
)
def test_a_spacing_in_the_order_xyz_is_remarked_on(spacing, suspicious):
    result = stub_model().segment(np.zeros((8, 8, 8)), spacing=spacing)
    texts = [note.text for note in result.notes if note.kind == "spacing"]
    assert len(texts) == suspicious
    assert all("give spacing=(0.5, 0.2, 0.2)" in text for text in texts)
