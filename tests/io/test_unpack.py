"""Compressed voxels are unpacked as declared, and no further."""

import gzip
import io

import numpy as np
import pytest

from anystar.errors import FileError
from anystar.io.unpack import refuse_impossible_size, unpack

VALUES = np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6)
BYTES = b"header" + VALUES.tobytes(order="F")


def stream(content):
    return gzip.open(io.BytesIO(gzip.compress(content)))


def test_the_array_is_that_of_the_stream():
    got = unpack(stream(BYTES), VALUES.dtype, VALUES.shape, offset=6, exact=True)
    np.testing.assert_array_equal(got, VALUES)


@pytest.mark.parametrize(
    ("content", "exact"), [(BYTES[:-1], False), (BYTES[:-1], True), (BYTES + b"x", True)]
)
def test_too_few_bytes_and_where_it_matters_too_many_are_refused(content, exact):
    with pytest.raises(FileError):
        unpack(stream(content), VALUES.dtype, VALUES.shape, offset=6, exact=exact)


def test_more_bytes_may_follow_where_the_format_allows_it():
    got = unpack(stream(BYTES + b"more"), VALUES.dtype, VALUES.shape, offset=6, exact=False)
    np.testing.assert_array_equal(got, VALUES)


def test_a_size_that_no_compression_reaches_is_refused_before_any_work():
    refuse_impossible_size(1100 * 10, 10)
    with pytest.raises(FileError, match="declares 11001 bytes of voxels, which its 10 compressed bytes"):
        refuse_impossible_size(11_001, 10)
