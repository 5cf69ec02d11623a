"""The box that is tried; needs no window."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from anystar.napari.boxes import box_around

axes = st.tuples(*[st.integers(4, 300)] * 3)


@given(axes, st.tuples(*[st.floats(-50, 400)] * 3), st.tuples(*[st.floats(1, 8)] * 3), st.floats(2, 60))
def test_it_lies_inside_holds_the_point_and_is_bounded(shape, point, aspect, diameter):
    box = box_around(point, shape, aspect=aspect, diameter=diameter)
    size = np.array([s.stop - s.start for s in box])
    assert all(0 <= s.start < s.stop <= n for s, n in zip(box, shape, strict=True))
    inside = np.clip(point, 0, np.array(shape) - 1)
    assert all(s.start - 1 <= p <= s.stop for s, p in zip(box, inside, strict=True))
    # No larger than four diameters cubed, but for rounding and axes at their least
    edges = np.maximum(size - 1, 0) * np.array(aspect)
    free = size > 16
    assert np.prod(edges[free]) <= (4 * diameter) ** 3 * 1.001 or not free.all()


def test_it_is_a_cube_in_space_where_there_is_room():
    box = box_around((50, 200, 200), (100, 400, 400), aspect=(4, 1, 1), diameter=16)
    assert [s.stop - s.start for s in box] == [16, 64, 64]
    assert [(s.start + s.stop) // 2 for s in box] == [50, 200, 200]
