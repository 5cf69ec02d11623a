"""Pyramids of labels: their shapes, and which label a coarser voxel gets."""

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from anystar.io.pyramid import coarser_shapes, most_frequent


@given(
    arrays(np.uint8, st.tuples(*[st.integers(1, 7)] * 3), elements=st.integers(0, 3)),
    st.tuples(*[st.integers(1, 3)] * 3),
    st.booleans(),
)
def test_the_most_frequent_label_wins(data, factors, up):
    """Against a loop over voxels; a border that does not fill a voxel is repeated, or left out."""
    shape = tuple((n + f - 1) // f if up else n // f for n, f in zip(data.shape, factors, strict=True))
    if 0 in shape:
        return
    made = most_frequent(data, factors, shape)
    for index in np.ndindex(shape):
        reach = [
            np.minimum(np.arange(i * f, (i + 1) * f), n - 1)
            for i, f, n in zip(index, factors, data.shape, strict=True)
        ]
        counts = np.bincount(data[np.ix_(*reach)].ravel())
        assert counts[made[index]] == counts.max()


@given(st.tuples(*[st.integers(1, 500)] * 3), st.tuples(*[st.floats(0.1, 10)] * 3))
def test_pyramids_end_and_become_cubic(shape, spacing):
    shapes = coarser_shapes(shape, spacing)
    assert shapes[0] == shape
    assert max(shapes[-1]) <= max(64, 1)
    for fine, coarse in itertools.pairwise(shapes):
        assert all(c in (f, -(-f // 2)) for f, c in zip(fine, coarse, strict=True))
        assert fine != coarse
