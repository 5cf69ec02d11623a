"""Memory that large arrays gave back stays with the process, for the next ones.

The C library asks the system for every array of more than 32 MiB, and gives it back at once; the system
clears its pages each time. From 128³ voxels on that takes a good part of all time (docs/generator.md).
"""

from __future__ import annotations

import ctypes
import platform

__all__ = ["keep_freed_memory"]

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Of ``mallopt`` in glibc's ``malloc.h``."""
_LARGEST = 2**29
"""Bytes of the largest array whose memory is kept."""
_KEPT = 2**31 - 1
"""Bytes that may lie unused at the end of the heap."""


def keep_freed_memory() -> bool:
    """Let this process keep the memory of arrays up to 512 MiB when they are freed, up to 2 GiB in all.

    For processes of our own only, a command or its workers: it holds for everything in the process.

    Returns
    -------
    bool
        Whether it could be done: with glibc, thus on most Linux systems; elsewhere nothing is changed.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return all(mallopt(*option) == 1 for option in ((_MMAP_THRESHOLD, _LARGEST), (_TRIM_THRESHOLD, _KEPT)))
