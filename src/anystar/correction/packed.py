"""Arrays in compressed form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from imagecodecs import zstd_decode, zstd_encode

__all__ = ["Packed", "pack", "unpack"]


@dataclass(frozen=True, kw_only=True)
class Packed:
    """An array, compressed."""

    data: bytes
    dtype: str
    shape: tuple[int, ...]


def pack(array: np.ndarray) -> Packed:
    """Compress an array (Zstandard, level 1)."""
    plain = np.ascontiguousarray(array)
    return Packed(data=bytes(zstd_encode(plain.tobytes(), level=1)), dtype=plain.dtype.str, shape=plain.shape)


def unpack(packed: Packed) -> np.ndarray:
    """Return the array, which may be changed.

    Examples
    --------
    >>> unpack(pack(np.arange(6).reshape(2, 3)))
    array([[0, 1, 2],
           [3, 4, 5]])
    """
    return np.frombuffer(bytearray(zstd_decode(packed.data)), packed.dtype).reshape(packed.shape)
