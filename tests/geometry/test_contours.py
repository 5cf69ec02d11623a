"""Outlines of labels, filled in again by scikit-image and matplotlib."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from matplotlib.path import Path
from scipy import ndimage

from anystar.geometry.contours import trace_contours


def fill(contours, shape):
    """Pixels whose centres lie in an odd number of the outlines of each label."""
    labels = np.zeros(shape, int)
    y, x = np.indices(shape)
    centres = np.stack([x.ravel(), y.ravel()], axis=1) + 0.5
    for label in np.unique(contours.label):
        inside = np.zeros(len(centres), int)
        for index in np.flatnonzero(contours.label == label):
            corners = contours.outline(index)
            inside += Path(np.concatenate([corners, corners[:1]])).contains_points(centres)
        labels[(inside % 2 == 1).reshape(shape)] = label
    return labels


@given(arrays(np.int32, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.integers(0, 3)))
def test_outlines_filled_in_are_the_labels(labels):
    contours = trace_contours(labels)
    np.testing.assert_array_equal(fill(contours, labels.shape), labels)
    assert contours.label.tolist() == sorted(contours.label.tolist())
    area = 0
    for index in range(len(contours)):
        x, y = contours.outline(index).astype(float).T
        area += (x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2
        steps = np.diff(np.concatenate([contours.outline(index), contours.outline(index)[:2]]), axis=0)
        assert ((steps == 0).sum(axis=1) == 1).all(), "edges run along X or Y"
        assert ((steps[1:, 0] == 0) != (steps[:-1, 0] == 0)).all(), "every point is a corner"
    assert area == np.count_nonzero(labels), "holes run the other way"


@pytest.mark.parametrize("label", [1, 2])
def test_parts_that_touch_at_a_corner_are_separate(label):
    labels = np.array([[1, 1, 2], [1, 2, 1], [2, 1, 1]])
    contours = trace_contours(labels)
    assert (contours.label == label).sum() == ndimage.label(labels == label)[1]


def test_an_empty_plane_has_no_outlines():
    contours = trace_contours(np.zeros((4, 5), np.uint16))
    assert (len(contours), contours.points.shape, contours.first.tolist()) == (0, (0, 2), [0])
