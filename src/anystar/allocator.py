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


def keep_freed_memory(largest: int = 2**27) -> bool:
    """Let this process keep the memory of freed arrays.

    For processes of our own only, a command or its workers: it holds for everything in the process.

    Parameters
    ----------
    largest : int
        Bytes of the largest arrays whose memory is kept (smaller than 2 GiB), and half of what may lie unused
        at the end of the heap.

    Returns
    -------
    bool
        Whether it could be done: with glibc, thus on most Linux systems; elsewhere nothing is changed.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    kept = min(2 * largest, 2**31 - 1)
    return all(mallopt(*option) == 1 for option in ((_MMAP_THRESHOLD, largest), (_TRIM_THRESHOLD, kept)))
