"""Arrays that are in memory or read box by box."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from anystar.preprocess.arrays import PartInMemory

SHAPE = (5, 7, 6)


@st.composite
def boxes(draw, most=1):
    ends = [sorted(draw(st.tuples(st.integers(0, num), st.integers(0, num)))) for num in SHAPE]
    return tuple(slice(*each, draw(st.integers(1, most))) for each in ends)


@given(boxes(), boxes(most=3))
def test_an_image_with_a_part_in_memory_reads_as_the_image(kept, box):
    image = np.arange(210).reshape(SHAPE)
    assert np.array_equal(PartInMemory.of(image, kept)[box], image[box])


def test_what_lies_within_the_part_is_not_read_again():
    image = np.arange(210).reshape(SHAPE)
    kept = (slice(0, 5), slice(1, 5), slice(2, 6))
    part = PartInMemory(np.zeros(SHAPE, int), kept, image[kept])
    assert np.array_equal(part[1:3, 2:5, 2:6:2], image[1:3, 2:5, 2:6:2])
