"""The compiled measures of brightness are those of NumPy and SciPy, object by object."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anystar.objects import intensity
from anystar.objects.intensity import brightness_columns
from anystar.objects.objects import locate_objects
from anystar.runtime.compiled import announced
from tests import reference, scenes

KINDS = ["u1", "<u2", ">u2", "i8", "f2", "<f4", ">f4", "f8", "?"]


def scene(seed, kind="f4", shape=(19, 22, 27)):
    """Objects that touch, in pieces, cut by the border, and numbers without a voxel."""
    rng = np.random.default_rng(seed)
    labels = [scenes.ellipsoids, scenes.blocks][seed % 2](rng, shape=shape, num=7)
    labels[rng.integers(0, 2, shape, np.int32) * (labels == 3) > 0] = 0
    image = (rng.random(shape) * (1 if np.dtype(kind).kind == "f" else 200)).astype(kind)
    return np.where(labels == 5, 0, labels).astype(np.int32), image


def located(labels):
    objects = locate_objects(labels, int(labels.max()))
    return objects.label, objects.bbox.reshape(-1, 2, 3)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("seed", "copied"), [(0, 0), (1, intensity.COPIED_BYTES)])
def test_intensities_of_every_kind_of_image(monkeypatch, seed, copied, kind):
    monkeypatch.setattr(intensity, "COPIED_BYTES", copied)
    labels, image = scene(seed, kind)
    numbers, boxes = located(labels)
    assert len(numbers) > 2
    got = brightness_columns(labels, image, numbers, boxes, channel="GFP")
    for n, number in enumerate(numbers):
        values = image[labels == number].astype(image.dtype.newbyteorder("="))
        row = {name: got[f"intensity_{name}_GFP"][n] for name in ("mean", "median", "min", "max")}
        assert row["mean"] == pytest.approx(values.mean(dtype=np.float64), rel=1e-14)
        assert row["median"] == np.median(values)
        assert (row["min"], row["max"]) == (values.min(), values.max())


def test_another_kind_of_image_is_no_reason_to_compile():
    labels, image = scene(0, "f4")
    numbers, boxes = located(labels)

    def measure(image):
        return brightness_columns(labels, image, numbers, boxes, spacing=(1.0, 1.0, 1.0))

    measure(image), measure(image.astype("f8"))
    compiled = []
    with announced(lambda: compiled.append(True)):
        for kind in KINDS:
            measure(image.astype(kind))
    assert not compiled


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=60), st.booleans())
def test_the_median_of_any_values(values, repeated):
    image = np.array(values * (1 + repeated), np.float32)[None, None]
    labels, box = np.ones(image.shape, np.int32), np.array([[[0, 0, 0], image.shape]])
    got = brightness_columns(labels, image, np.array([1]), box)
    assert got["intensity_median"][0] == np.median(image)


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 1000),
    spacing=st.sampled_from([(1, 1, 1), (2, 0.5, 0.5), (0.3, 1, 1), (1, 1.4, 3)]),
    kind=st.sampled_from(["f4", "u2"]),
)
def test_contrast_is_that_of_filters(seed, spacing, kind):
    labels, image = scene(seed, kind)
    numbers, boxes = located(labels)
    got = brightness_columns(labels, image, numbers, boxes, spacing=spacing)
    want = reference.contrast(labels, image, numbers, spacing)
    np.testing.assert_allclose(
        np.stack([got["background"], got["contrast"]], 1), want, rtol=1e-11, atol=1e-13
    )


def test_without_objects_or_without_voxels_there_is_nothing():
    labels, image = np.zeros((3, 4, 5), np.int32), np.ones((3, 4, 5))
    none = np.zeros((0, 2, 3), int)
    columns = brightness_columns(labels, image, none[:, 0, 0], none)
    assert list(columns) == [f"intensity_{name}" for name in ("mean", "median", "min", "max")]
    assert columns["intensity_mean"].shape == (0,)
    box = np.array([[[0, 0, 0], [3, 4, 5]]])
    columns = brightness_columns(labels, image, np.array([4]), box, spacing=(1, 1, 1))
    assert len(columns) == 6
    assert all(np.isnan(values).all() for values in columns.values())


@pytest.mark.parametrize("value", [0.1, 7.3])
def test_a_constant_image_has_no_contrast_whatever_the_rounding(value):
    labels = np.zeros((9, 9, 9), np.int32)
    labels[3:6, 3:6, 3:6] = 1
    image = np.full(labels.shape, value)
    numbers, boxes = located(labels)

    def contrast(image):
        return brightness_columns(labels, image, numbers, boxes, spacing=(1, 1, 1))["contrast"].tolist()

    assert contrast(image) == [0]
    image[labels == 1] += 1
    assert contrast(image) == [np.inf]
    assert contrast(-image) == [-np.inf]
