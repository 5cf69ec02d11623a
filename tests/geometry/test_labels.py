import numpy as np
import pytest

from anystar.geometry.labels import check_labels


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64])
def test_any_integers_become_int32(dtype):
    labels = np.arange(24).reshape(2, 3, 4).astype(dtype).transpose(2, 0, 1)
    got = check_labels(labels)
    assert got.dtype == np.int32
    assert got.flags.c_contiguous
    np.testing.assert_array_equal(got, labels)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="three axes"):
        check_labels(np.zeros((2, 2), int))
    with pytest.raises(ValueError, match="labels must be integers, got bool"):
        check_labels(np.zeros((2, 2, 2), bool))
    with pytest.raises(ValueError, match="got 0 to 4294967295"):
        check_labels(np.array([[[0, 2**32 - 1]]], np.uint32))
    with pytest.raises(ValueError, match="got -1 to 0"):
        check_labels(np.array([[[0, -1]]]))
