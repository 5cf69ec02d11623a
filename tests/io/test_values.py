"""Values change their type without loss."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anystar.errors import FileError
from anystar.io.values import compact, memory_dtype


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1))
def test_compact_is_lossless(values):
    data = np.array(values, np.int64)
    small = compact(data)
    assert [int(v) for v in small] == values
    assert small.dtype.itemsize <= data.dtype.itemsize


def test_types_of_files_become_those_of_memory():
    assert memory_dtype(np.dtype(np.float16)) == np.float32
    assert memory_dtype(np.dtype(">i2")) == np.dtype(np.int16)
    assert memory_dtype(np.dtype(bool)) == np.uint8
    with pytest.raises(FileError, match="complex"):
        memory_dtype(np.dtype(complex))
