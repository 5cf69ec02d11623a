"""Files of arrays, and checksums of what a task wrote: a resumed run finds out what is damaged by them."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from anystar.runtime.atomic import staged

__all__ = ["checksum", "checksum_of_file", "read_columns", "write_columns"]

_PIECE = 1 << 20


def checksum(array: np.ndarray) -> int:
    """Return the CRC-32 of an array's bytes in C order."""
    return zlib.crc32(np.ascontiguousarray(array).data.cast("B"))


def checksum_of_file(path: Path) -> int:
    """Return the CRC-32 of a file."""
    total = 0
    with open(path, "rb") as file:
        while piece := file.read(_PIECE):
            total = zlib.crc32(piece, total)
    return total


def write_columns(path: Path, columns: Mapping[str, np.ndarray]) -> int:
    """Write arrays by name, whole or not at all, and return the checksum of the file."""
    with staged(path) as (temporary,):
        with open(temporary, "wb") as file:
            np.savez(file, allow_pickle=False, **columns)
        return checksum_of_file(temporary)


def read_columns(path: Path) -> dict[str, np.ndarray]:
    """Read what :func:`write_columns` wrote."""
    with np.load(path) as columns:
        return {name: columns[name] for name in columns.files}
