"""Lossless changes of the values between files and memory."""

from __future__ import annotations

import numpy as np

from anystar.errors import FileError

__all__ = ["compact", "memory_dtype"]


def memory_dtype(dtype: np.dtype) -> np.dtype:
    """Return the type in which values of ``dtype`` are worked with.

    Raises
    ------
    FileError
        For complex or structured values, with ``<what>; <what to do>``.

    Examples
    --------
    >>> memory_dtype(np.dtype(bool)), memory_dtype(np.dtype(">f2"))
    (dtype('uint8'), dtype('float32'))
    """
    if dtype.kind not in "buif":
        raise FileError(f"holds {dtype} values; save it as grey integers or floats")
    if dtype.kind == "b":
        return np.dtype(np.uint8)
    half = dtype.kind == "f" and dtype.itemsize == 2
    return np.dtype(np.float32) if half else dtype.newbyteorder("=")


def compact(data: np.ndarray) -> np.ndarray:
    """Return wide integers (32 or 64 bits: labels) in the smallest type of 16 bits or more, others unchanged.

    Unsigned where nothing is negative, but int32 rather than uint32, which fewer programs read. Eight bits
    would leave no room for the objects that are painted in later.

    Examples
    --------
    >>> [str(compact(np.array([0, n])).dtype) for n in (255, 65_536, 2**31, -1)]
    ['uint16', 'int32', 'uint32', 'int16']
    """
    if data.dtype.kind == "b":
        return data.astype(np.uint8)
    if data.dtype.kind not in "ui" or data.dtype.itemsize < 4:
        return data
    low, high = (int(data.min()), int(data.max())) if data.size else (0, 0)
    unsigned = (np.uint16, np.int32, np.uint32, np.uint64)
    signed = (np.int16, np.int32, np.int64)
    for dtype in unsigned if low >= 0 else signed:
        if np.iinfo(dtype).min <= low and high <= np.iinfo(dtype).max:
            return data.astype(dtype, copy=False)
    raise AssertionError("every 64-bit integer fits one of the types")
