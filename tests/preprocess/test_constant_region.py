"""The cubes by which margins are told from noise, compared with SciPy's morphology."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from anystar.preprocess.constant_region import _all_around

CUBE = np.ones((3, 3, 3), bool)


@given(arrays(bool, st.tuples(*[st.integers(1, 6)] * 3), elements=st.booleans()))
def test_cubes_are_eroded_and_dilated_as_scipy_does(mask):
    before = mask.copy()
    np.testing.assert_array_equal(_all_around(mask), ndimage.binary_erosion(mask, CUBE, border_value=1))
    np.testing.assert_array_equal(~_all_around(~mask), ndimage.binary_dilation(mask, CUBE))
    np.testing.assert_array_equal(mask, before)


@pytest.mark.parametrize("share", [0.02, 0.5, 0.98])
def test_a_volume_of_many_voxels(share):
    mask = np.random.default_rng(0).random((20, 31, 42)) < share
    np.testing.assert_array_equal(_all_around(mask), ndimage.binary_erosion(mask, CUBE, border_value=1))
