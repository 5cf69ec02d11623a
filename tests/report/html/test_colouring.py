"""Objects that touch have different colours."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from anystar.report.html.colouring import colour_numbers, shades
from tests.scenes import ellipsoids


def touching(labels):
    """Pairs of labels at most two voxels apart along an axis, by looking at every voxel."""
    pairs = set()
    for at in np.argwhere(labels):
        for axis in range(3):
            for step in (1, 2):
                other = at.copy()
                other[axis] += step
                if other[axis] < labels.shape[axis]:
                    pairs.add(tuple(sorted((int(labels[tuple(at)]), int(labels[tuple(other)])))))
    return {(a, b) for a, b in pairs if a and a != b}


@given(arrays(np.uint16, (3, 5, 6), elements=st.integers(0, 6)))
def test_enough_numbers_separate_whatever_touches(labels):
    numbers = colour_numbers(labels, 7)
    for one, other in touching(labels):
        assert numbers[one] != numbers[other]


def test_four_numbers_separate_touching_objects_of_scenes():
    rng = np.random.default_rng(0)
    labels = ellipsoids(rng, num=40)
    pairs = touching(labels)
    numbers = colour_numbers(labels, 4)
    assert len(pairs) > 10
    assert sum(numbers[a] == numbers[b] for a, b in pairs) <= 0.1 * len(pairs)


def test_objects_apart_share_the_colour_itself():
    labels = np.zeros((3, 8, 20), int)
    labels[:, 2:4, 2:5], labels[:, 2:4, 12:15] = 1, 5
    assert colour_numbers(labels, 4)[[1, 5]].tolist() == [0, 0]
    assert shades((10, 200, 30))[0] == (10, 200, 30)
