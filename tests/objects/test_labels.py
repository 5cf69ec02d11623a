"""Label images from anywhere."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anystar.objects.labels import as_labels, number_consecutively, resembles_image


def test_whole_numbers_of_any_type_are_labels():
    assert as_labels(np.array([True])).dtype == np.uint8
    for dtype in (np.float16, np.float32, np.uint64, np.int8):
        np.testing.assert_array_equal(as_labels(np.array([0, 7], dtype)), [0, 7])
    assert as_labels(np.array([-1, 3]), ignore_label=-1).tolist() == [-1, 3]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (np.array([0.5]), "has fractional values"),
        (np.array([np.nan]), "has NaN or infinite values"),
        (np.array([np.inf]), "has NaN or infinite values"),
        (np.array([2.0**60]), "cannot represent exactly"),
        (np.array([-1]), "has the negative label -1"),
        (np.array([-1.0]), "has the negative label -1"),
        (np.array(["a"]), "give a label image of integers"),
    ],
)
def test_whatever_is_no_label_is_refused(data, message):
    with pytest.raises(ValueError, match=message):
        as_labels(data)
    with pytest.raises(ValueError, match="negative label -2"):
        as_labels(np.array([-1, -2]), ignore_label=-1)


@given(st.lists(st.sampled_from([0, 1, 5, 70_000, 2**24 + 1, 2**40, 2**63 + 5]), max_size=30))
def test_numbering_is_the_sorted_order_of_the_labels(values):
    labels = np.array(values, np.uint64).reshape(1, -1)
    compact, names = number_consecutively(labels)
    assert compact.dtype == np.int32
    assert names.tolist() == sorted(set(values) - {0})
    np.testing.assert_array_equal(np.array([0, *names.tolist()], np.uint64)[compact], labels)


def test_an_image_is_told_from_labels():
    """Swapped files: intensities differ from voxel to voxel, labels only at borders of objects."""
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 1, (20, 40, 40))
    for image in (100 + 20 * noise, rng.integers(0, 255, (20, 40, 40)), (1000 + 300 * noise).clip(0)):
        assert resembles_image(image.astype(np.uint16))
    grid = np.indices((20, 40, 40))
    for size in (3, 4, 10):  # cells without gaps, even small ones
        places = grid // size
        labels = 1 + places[0] + 20 * places[1] + 800 * places[2]
        assert not resembles_image(labels)
    assert not resembles_image(np.zeros((4, 5, 6), np.uint8))
    assert not resembles_image((noise > 0).astype(np.uint8))
