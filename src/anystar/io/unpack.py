"""Voxels that are mapped into memory; compressed ones are unpacked to a nameless temporary file first.

No more is unpacked than the header declares, whatever a hostile or damaged file holds.
"""

from __future__ import annotations

import errno
import math
import mmap
import shutil
import tempfile
from typing import Protocol

import numpy as np

from anystar.errors import FileError
from anystar.io.source import Index

__all__ = ["copy_part", "cut_off", "refuse_impossible_size", "unpack"]

_PIECE = 1 << 20
_BEHIND = 1 << 24
"""Bytes behind the voxels that are read on, so that the checksum at the end of the stream is compared."""
_DENSEST = 1100
"""Bytes that one byte of a deflate stream can become; 1032 by its definition."""


class _Stream(Protocol):
    def read(self, size: int, /) -> bytes:
        """Return at most ``size`` bytes, none at the end."""


def refuse_impossible_size(declared: int, packed: int) -> None:
    """Raise ``FileError`` if a gzip file of ``packed`` bytes cannot hold the ``declared`` bytes."""
    if declared > _DENSEST * packed:
        raise FileError(
            f"declares {declared} bytes of voxels, which its {packed} compressed bytes cannot hold; "
            "it is cut off or damaged, copy or export it again"
        )


def unpack(
    stream: _Stream, dtype: np.dtype, shape: tuple[int, ...], *, offset: int = 0, exact: bool
) -> np.memmap:
    """Return the array that a decompressing stream holds, mapped, in Fortran order.

    ``offset`` bytes come before it; if ``exact``, more bytes behind it are an error. The stream is read 16 MB
    further than the array, to reach a checksum at its end.

    Raises
    ------
    FileError
        If the stream ends before, if there is more although ``exact``, or if the folder for temporary files
        is too small.
    """
    folder, size = tempfile.gettempdir(), offset + math.prod(shape) * dtype.itemsize
    if size > (free := shutil.disk_usage(folder).free):
        raise _full(size, folder, free)
    with tempfile.TemporaryFile() as file:  # the map keeps it alive
        left = size
        try:
            while left and (piece := stream.read(min(left, _PIECE))):
                file.write(piece)
                left -= len(piece)
            file.flush()
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise _full(size, folder, shutil.disk_usage(folder).free) from error
            raise
        if left:
            raise cut_off(f"{size} bytes")
        behind = 0
        while behind < _BEHIND and (piece := stream.read(_PIECE)):
            behind += len(piece)
            if exact:
                raise FileError(
                    f"holds more than the {size} bytes that its header declares; copy or export it again"
                )
        return np.memmap(file, dtype, "r", offset, shape, "F")


def cut_off(content: str) -> FileError:
    """Return the error about a file of which the end is missing."""
    return FileError(f"ends before its {content} do; it is cut off, copy or export it again")


def _full(size: int, folder: str, free: int) -> FileError:
    return FileError(
        f"unpacks to {size / 1e9:.3g} GB, but {folder}, the folder for temporary files, has "
        f"{free / 1e9:.3g} GB left; set TMPDIR to a larger one"
    )


def copy_part(mapped: np.ndarray, index: Index) -> np.ndarray:
    """Return a copy of a part of a mapped array, and let go of the pages that were read for it.

    Pages of a map stay resident, and count as the process's memory, until the system is short of it: reading
    a long file piece by piece would seem to need memory for all of it.
    """
    part = np.array(mapped[index])
    if hasattr(mmap, "MADV_DONTNEED") and isinstance(mapped.base, mmap.mmap):
        mapped.base.madvise(mmap.MADV_DONTNEED)
    return part
