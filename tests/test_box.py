"""A part of a volume, as text, slices or a value."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anystar.box import Box
from anystar.errors import InputError

SHAPE, SPACING = (20, 40, 60), (2.0, 0.5, 0.25)


@pytest.mark.parametrize(
    ("text", "start", "stop"),
    [
        ("2:6,10:,:", (2, 10, 0), (6, 40, 60)),
        (" 2 : 6 , :7 , 3:4 ", (2, 0, 3), (6, 7, 4)),
        ("4um:8um,1um:2um,1um:2um", (2, 2, 4), (4, 4, 8)),
        ("4:8um,1:2,1:2", (2, 2, 4), (4, 4, 8)),  # one unit counts for all
        ("4µm:,:,:5UM", (2, 0, 0), (20, 40, 20)),
        ("3.9:4.1um,:,:", (2, 0, 0), (3, 40, 60)),  # the plane whose centre lies in between
        ("0:0.02mm,:,1000nm:10um", (0, 0, 4), (10, 40, 40)),
        ("1px:3px,0um:20um,:", (1, 0, 0), (3, 40, 60)),
    ],
)
def test_text_gives_the_voxels_whose_centres_lie_inside(text, start, stop):
    box = Box.of(text, SHAPE, spacing=SPACING)
    assert (box.start, box.stop) == (start, stop)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1:2,3:4", "box must be Z0:Z1,Y0:Y1,X0:X1"),
        ("1:2:3,:,:", "box must be Z0:Z1"),
        ("-1:2,:,:", "box must be Z0:Z1"),
        ("a:2,:,:", "box must be Z0:Z1"),
        ("1:1,:,:", "box is empty along Z, 1:1"),
        (":,9:3,:", "box is empty along Y, 9:3"),
        ("25:,:,:", "box is empty along Z, 25:20"),
        (":21,:,:", "box ends at voxel 21 along Z, where the image has 20; leave that end out"),
        ("1:2ft,:,:", "unknown unit 'ft'"),
        ("1:2um,1:2nm,1:2", "name the unit of every number"),
        ("1.5:3,:,:", "whole numbers of voxels, got 1.5"),
    ],
)
def test_text_that_is_no_box_is_refused(text, message):
    with pytest.raises(InputError, match=message):
        Box.of(text, SHAPE, spacing=SPACING)


def test_a_length_needs_a_voxel_size():
    with pytest.raises(InputError, match=r"must be in voxels, as no voxel size is known; or give spacing="):
        Box.of("1:2um,:,:", SHAPE)
    assert Box.of("1:2,:,:", SHAPE).stop == (2, 40, 60)


def test_slices_follow_numpy():
    data = np.arange(np.prod(SHAPE)).reshape(SHAPE)
    part = (slice(-3, None), slice(None, 99), slice(5, 8))
    np.testing.assert_array_equal(data[Box.of(part, SHAPE).slices], data[part])
    with pytest.raises(InputError, match="slices of step 1"):
        Box.of((slice(0, 8, 2), slice(None), slice(None)), SHAPE)


@st.composite
def boxes(draw):
    start = [draw(st.integers(0, n - 1)) for n in SHAPE]
    stop = [draw(st.integers(a + 1, n)) for a, n in zip(start, SHAPE, strict=True)]
    return Box(start=tuple(start), stop=tuple(stop))


@given(boxes(), st.tuples(*[st.integers(0, 9)] * 3))
def test_a_grown_box_contains_the_box_and_embeds_it(box, halo):
    outer = box.grown(halo, SHAPE)
    inner = box.relative_to(outer)
    data = np.arange(1, np.prod(SHAPE) + 1).reshape(SHAPE)
    np.testing.assert_array_equal(data[outer.slices][inner.slices], data[box.slices])
    whole = box.embed(data[box.slices], SHAPE)
    np.testing.assert_array_equal(whole[box.slices], data[box.slices])
    assert np.count_nonzero(whole) == np.prod(box.shape)
    for a, b, c, d, n in zip(outer.start, box.start, box.stop, outer.stop, SHAPE, strict=True):
        assert 0 <= a <= b < c <= d <= n
    assert Box.of(box, SHAPE) == box
