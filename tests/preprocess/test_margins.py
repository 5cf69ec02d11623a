"""Constant margins: what is left is as if they had never been there."""

import tomllib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from anystar.config import dump_toml, from_dict
from anystar.preprocess import Preprocessing, subsample
from anystar.preprocess.arrays import whole_box
from anystar.preprocess.margins import CroppedImage

EVERYTHING = (slice(None),) * 3


def noisy(shape=(20, 30, 34), dtype=np.uint16, seed=0):
    """Blurred blobs on a background with noise."""
    rng = np.random.default_rng(seed)
    image = ndimage.gaussian_filter(rng.normal(size=shape), 2)
    image = 100 + 400 * np.maximum(image, 0) / image.max() + rng.normal(0, 5, shape)
    return np.clip(image / (1 if np.dtype(dtype).itemsize > 1 else 3), 1, None).astype(dtype)


def turned(angle=30, axes=(1, 2), order=1, cval=0.0, **how):
    return ndimage.rotate(noisy(**how), angle, axes=axes, order=order, cval=cval, mode="constant")


class Unread:
    """An array of which only boxes can be had, of a limited size."""

    def __init__(self, voxels, most=1 << 30):
        self.voxels, self.shape, self.dtype, self.most = voxels, voxels.shape, voxels.dtype, most

    def __getitem__(self, box):
        part = self.voxels[box]
        assert part.size <= self.most
        return part


side = st.integers(0, 6)


@given(
    widths=st.tuples(*[st.tuples(side, side)] * 3).filter(lambda widths: np.sum(widths) > 0),
    value=st.sampled_from([0, 1, 37, 100, 255]),
    dtype=st.sampled_from([np.uint8, np.uint16, np.int32, np.float32, np.float64]),
    lazy=st.booleans(),
)
@settings(max_examples=40)
def test_planes_of_any_constant_on_any_side_change_nothing(widths, value, dtype, lazy):
    image = noisy(dtype=dtype)
    padded = np.pad(image, widths, constant_values=value)
    plain = Preprocessing.fit(image)
    assert plain.margins is None
    fitted = Preprocessing.fit(Unread(padded) if lazy else padded)
    assert fitted.margins.start == tuple(low for low, _ in widths)
    assert fitted.margins.stop == tuple(low + n for (low, _), n in zip(widths, image.shape, strict=True))
    assert fitted.margins.region is None
    assert (fitted.limits, fitted.illumination) == (plain.limits, plain.illumination)
    wanted, got = plain.apply(image), fitted.apply(Unread(padded) if lazy else padded)
    np.testing.assert_array_equal(got.read(EVERYTHING), wanted.read(EVERYTHING))


@pytest.mark.parametrize("value", [-9999.0, 1e20, -3e38])
def test_a_constant_far_from_all_data_does_not_matter(value):
    image = noisy(dtype=np.float64)
    assert (
        Preprocessing.fit(np.pad(image, 3, constant_values=value)).limits == Preprocessing.fit(image).limits
    )
    filled = Preprocessing.fit(turned(dtype=np.float64, order=0, cval=value))
    assert filled.margins.region is not None
    assert filled.limits[0] > 0


def test_different_constants_one_within_the_other_are_peeled_off():
    image = noisy()
    padded = np.pad(np.pad(image, 2, constant_values=7), ((0, 0), (3, 0), (0, 4)), constant_values=65535)
    margins = Preprocessing.fit(padded).margins
    assert (margins.start, margins.stop) == ((2, 5, 2), (22, 35, 36))
    assert margins.note((0, 0, 0)) == (
        "constant margins hold no data and are left out "
        "(planes at the start and the end: Z 2, 2; Y 5, 2; X 2, 6)"
    )


@pytest.mark.parametrize("value", [37, 65535, np.nan, -1000.0])
def test_a_natural_background_within_another_constant_is_kept_alone(value):
    image = noisy()
    image[:, :8] = 0  # planes of a background that continues in the next plane
    image[:, 8, :20] = 0
    plain = Preprocessing.fit(image)
    assert plain.margins is None
    data = image if 0 <= value <= 65535 else image.astype(np.float32)
    padded = np.pad(data, ((2, 0), (3, 4), (0, 5)), constant_values=value)
    fitted = Preprocessing.fit(padded)
    assert (fitted.margins.start, fitted.margins.stop) == ((2, 3, 0), (22, 33, 34))
    assert fitted.margins.missing == bool(np.isnan(value))
    assert (fitted.limits, fitted.illumination) == (plain.limits, plain.illumination)


def test_thick_margins_are_read_a_strip_at_a_time(monkeypatch):
    monkeypatch.setattr("anystar.preprocess.margins.STRIP_BYTES", 4000)
    monkeypatch.setattr(subsample, "MAX_VOXELS", 1000)
    image = noisy()
    padded = np.pad(image, ((40, 1), (9, 0), (0, 70)), constant_values=3)
    margins = Preprocessing.fit(Unread(padded, most=np.prod(padded.shape) // 8)).margins
    assert (margins.start, margins.stop) == ((40, 9, 0), (60, 39, 34))


@pytest.mark.parametrize(("angle", "axes"), [(10, (1, 2)), (45, (1, 2)), (25, (0, 2)), (30, (0, 1))])
@pytest.mark.parametrize("cval", [0, 100, 5000])
def test_beside_a_rotated_volume_the_nearest_data_are_repeated(angle, axes, cval):
    image = turned(angle, axes, order=0, cval=cval, dtype=np.uint16, shape=(30, 30, 34))
    data = ndimage.rotate(np.ones((30, 30, 34)), angle, axes=axes, order=0) > 0
    fitted = Preprocessing.fit(image)
    region = fitted.margins.region
    data, image = data[fitted.margins.box], image[fitted.margins.box]
    assert (region.nodes == ~data).mean() > 0.99  # wedges thinner than three voxels are left
    filled = fitted.margins.apply(
        np.pad(image, [(a, n - b) for a, b, n in zip(*limits(fitted), strict=True)])
    )
    np.testing.assert_array_equal(filled[EVERYTHING][~region.nodes], image[~region.nodes])
    # Brute force: each voxel of the region has the intensity of one of the nearest data
    where = np.argwhere(~region.nodes)
    for voxel in np.argwhere(region.nodes)[::97]:
        away = ((where - voxel) ** 2).sum(1)
        assert filled[EVERYTHING][tuple(voxel)] in image[tuple(where[away == away.min()].T)]
    assert fitted.limits == pytest.approx(Preprocessing.fit(noisy(shape=(30, 30, 34))).limits, rel=0.1)


def limits(fitted):
    return fitted.margins.start, fitted.margins.stop, fitted.margins.shape


def test_voxels_that_interpolation_mixed_with_the_constant_are_filled_too():
    image = noisy(shape=(24, 40, 40), dtype=np.float32)
    mask = np.hypot(*np.mgrid[-20:20, -20:20])[None] < 18
    soft = np.where(mask, image, 0)
    edge = mask & ~ndimage.binary_erosion(mask, np.ones((1, 3, 3)))
    soft[np.broadcast_to(edge, soft.shape)] *= 0.3
    region = Preprocessing.fit(soft).margins.region
    assert region.nodes[np.broadcast_to(edge, soft.shape)[Preprocessing.fit(soft).margins.box]].mean() > 0.98
    assert region.filled.min() > 60


def balls(shape, centres, radius):
    grid = np.stack(np.mgrid[tuple(slice(n) for n in shape)], -1)
    away = [np.linalg.norm(grid - np.array(c), axis=-1) for c in centres]
    return np.maximum(radius + 0.5 - np.min(away, axis=0), 0)


CENTRES = [(10, 10, 10), (12, 30, 14), (9, 24, 34), (22, 12, 30), (24, 33, 33)]
SHAPE = (32, 44, 44)


def natural():
    """Volumes whose constant regions at the border belong to them."""
    rng = np.random.default_rng(0)
    solid = balls(SHAPE, CENTRES, 6) > 0
    blurred = ndimage.gaussian_filter(solid.astype(float), 1.5)
    background = rng.normal(20, 5, SHAPE)
    yield "blurred objects on zeros", (250 * blurred).astype(np.uint8)
    yield "blurred objects in float", blurred
    yield "clipped background", np.clip(250 * blurred + rng.normal(-8, 8, SHAPE), 0, 255).astype(np.uint8)
    yield "background just clipped", np.clip(250 * blurred + rng.normal(0, 8, SHAPE), 0, 255).astype(np.uint8)
    yield "mask", solid
    yield "mask as bytes", solid.astype(np.uint8) * 255
    yield "inverted mask", (~solid).astype(np.uint8) * 255
    yield "labels", ndimage.label(solid)[0].astype(np.uint16)
    yield "bodies cut out, zero around", np.where(solid, 100 + background, 0)
    yield "one ball", (balls(SHAPE, [(16, 22, 22)], 10) > 0).astype(np.uint8)
    yield "one blurred ball", ndimage.gaussian_filter(balls(SHAPE, [(16, 22, 22)], 10), 2)
    saturated = np.clip(
        background + 400 * (balls(SHAPE, [(0, 0, 0), (31, 43, 0), (16, 20, 43)], 9) > 0), 0, 255
    )
    yield "saturated objects in corners", saturated.astype(np.uint8)
    half = np.where(np.arange(44) < 22, 255, background).astype(np.uint8)
    yield "saturated objects in a bright half", np.where(solid, 0, half)
    yield "one bright voxel", np.eye(1, 32 * 44 * 44, 5000).reshape(SHAPE)
    yield "thin stack", background[:4].astype(np.uint8)
    yield "plain noise of few levels", rng.integers(0, 2, SHAPE).astype(np.uint8)
    yield "zeros", np.zeros(SHAPE, np.uint8)
    yield "one plane", np.where(np.arange(32)[:, None, None] == 9, background, 0)


@pytest.mark.parametrize(("name", "image"), [pytest.param(*each, id=each[0]) for each in natural()])
def test_natural_backgrounds_are_left_alone(name, image):
    assert Preprocessing.fit(image).margins is None


@pytest.mark.parametrize("width", [1, 8])
def test_a_mask_that_is_padded_with_the_value_of_its_objects(width):
    mask = (noisy() > 110).astype(np.uint8)
    assert mask.mean() > 0.4
    fitted = Preprocessing.fit(np.pad(mask, width, constant_values=1))
    assert fitted.margins.box == tuple(slice(width, width + n) for n in mask.shape)
    one_side = Preprocessing.fit(np.pad(mask, ((width, 0), (0, 0), (0, 0)), constant_values=1))
    assert (one_side.margins is None) == (mask[0].mean() >= 0.5), "planes at one face may be an object"


def test_a_masked_organ_is_searched_up_to_its_edge():
    rng = np.random.default_rng(0)
    shape = (40, 60, 60)
    organ = balls(shape, [(20, 28, 30)], 19) > 0
    image = noisy(shape) * organ
    fitted = Preprocessing.fit(image)
    assert fitted.margins.region is not None
    mask = fitted.margin_mask(whole_box(shape))
    np.testing.assert_array_equal(mask, ~organ)
    labels = rng.integers(1, 5, shape)
    np.testing.assert_array_equal(fitted.clear_margins(labels.copy()) > 0, organ)
    box = slice(3, 20), slice(10, 44), slice(5, 60)
    np.testing.assert_array_equal(fitted.clear_margins(labels[box].copy(), box) > 0, organ[box])


@pytest.mark.parametrize("most", [4_000_000, 20_000, 5000])
def test_box_by_box_is_as_all_at_once(monkeypatch, most):
    monkeypatch.setattr(subsample, "MAX_VOXELS", most)
    image = np.pad(turned(shape=(20, 60, 62)), ((3, 0), (0, 5), (2, 2)))
    fitted = Preprocessing.fit(Unread(image))
    assert fitted.margins.region is not None
    again = from_dict(Preprocessing, tomllib.loads(dump_toml(fitted)))
    assert again == fitted == Preprocessing.fit(image)
    whole = fitted.apply(image).read(EVERYTHING)
    assert whole.shape == tuple(b - a for a, b in zip(fitted.margins.start, fitted.margins.stop, strict=True))
    box = slice(2, 9), slice(11, 60), slice(30, 77)
    np.testing.assert_array_equal(again.apply(Unread(image)).read(box), whole[box])
    np.testing.assert_array_equal(fitted.apply(image).crop(box).read(EVERYTHING), whole[box])
    labels = np.ones(image.shape, np.int32)
    cleared = fitted.clear_margins(labels.copy())
    np.testing.assert_array_equal(again.clear_margins(labels[box].copy(), box), cleared[box])
    # Points fall where voxels do
    points = np.argwhere(np.ones(whole.shape, bool))[::131]
    inner = cleared[fitted.margins.box]
    np.testing.assert_array_equal(fitted.apply(image).holds_data(points), inner[tuple(points.T)] > 0)
    crop = fitted.apply(image).crop(box)
    start = np.array([part.start for part in box])
    inside = ((points >= start) & (points < [part.stop for part in box])).all(1)
    np.testing.assert_array_equal(
        crop.holds_data(points[inside] - start), fitted.apply(image).holds_data(points[inside])
    )


def test_a_large_volume_is_filled_as_a_small_one_but_for_the_edge_itself(monkeypatch):
    image = turned(shape=(40, 60, 62))
    exact = Preprocessing.fit(image).apply(image).read(EVERYTHING)
    monkeypatch.setattr(subsample, "MAX_VOXELS", 20_000)
    coarse = Preprocessing.fit(image).apply(image).read(EVERYTHING)
    assert exact.shape == coarse.shape
    assert np.abs(exact - coarse).mean() < 0.05
    assert coarse.min(axis=0).min() > -1
    assert (coarse[:, 3:-3, 3:-3] == 0).mean() < 0.01  # hardly anything is left of the zeros


def test_blank_planes_and_margins_are_told_apart():
    image = noisy(shape=(20, 40, 40))
    image[7] = 0
    padded = np.pad(image, ((6, 6), (2, 2), (2, 2)))
    fitted = Preprocessing.fit(padded)
    assert fitted.margins.start == (6, 2, 2)
    assert fitted.blank_planes.runs == ((7, 8),)
    assert "(Z, from 0: 13)" in fitted.notes[1][1]
    measured = fitted.repaired(padded)
    np.testing.assert_array_equal(measured[6:-6, 2:-2, 2:-2], Preprocessing.fit(image).repaired(image))
    assert not measured[:6].any()
    box = slice(4, 15), slice(0, 10), slice(30, 44)
    np.testing.assert_array_equal(fitted.repaired(padded, box), measured[box])


def test_cropping_reads_only_what_is_wanted():
    image = noisy()
    cropped = CroppedImage(Unread(image, most=60), (slice(2, 18), slice(5, 25), slice(1, 30)))
    assert cropped.shape == (16, 20, 29)
    part = cropped[1:13:3, 2:7, 3:9:2]
    np.testing.assert_array_equal(part, image[2:18, 5:25, 1:30][1:13:3, 2:7, 3:9:2])


def test_illumination_is_that_of_the_data():
    ramp = np.linspace(1, 3, 96)
    image = noisy(shape=(24, 96, 96), dtype=np.float32) * ramp
    plain = Preprocessing.fit(image).illumination
    assert plain is not None
    assert Preprocessing.fit(np.pad(image, 30)).illumination == plain
    masked = np.where(np.hypot(*np.mgrid[-48:48, -48:48]) < 50, image, 0)
    found = Preprocessing.fit(masked)
    assert found.margins.region is not None
    np.testing.assert_allclose(found.illumination.background, plain.background, rtol=0.1)
    np.testing.assert_allclose(found.illumination.range, plain.range, rtol=0.25)
