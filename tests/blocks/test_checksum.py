"""Checksums find what changed."""

import zlib

import numpy as np

from anystar.blocks.checksum import checksum, checksum_of_file


def test_an_array_and_its_file_have_the_crc_of_the_bytes(tmp_path):
    values = np.arange(3 * 2**18, dtype=np.int64).reshape(3, 2**9, 2**9)  # more than one piece of a file
    (tmp_path / "a").write_bytes(values.tobytes())
    assert checksum(values) == checksum_of_file(tmp_path / "a") == zlib.crc32(values.tobytes())


def test_the_order_in_memory_does_not_matter_and_a_bit_does():
    values = np.arange(24, dtype=np.uint16).reshape(2, 3, 4)
    assert checksum(np.asfortranarray(values)) == checksum(values)
    changed = values.copy()
    changed[1, 2, 3] ^= 1
    assert checksum(changed) != checksum(values)
