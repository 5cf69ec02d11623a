"""Keep the memory of freed large arrays in the process, for the next ones.

The C library requests every array of more than 32 MiB from the system and returns it when it is freed. The
system clears the pages each time, a good part of all time from 128³ voxels on
(docs/explanation/generator.md).
"""

from __future__ import annotations

import ctypes
import platform

__all__ = ["keep_freed_memory"]

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Options of ``mallopt`` in glibc's ``malloc.h``."""
_LARGEST = 2**27


def keep_freed_memory(largest: int = _LARGEST) -> bool:
    """Let this process keep the memory of freed arrays, from now on.

    Only for processes of our own, a command or its workers, as it affects everything in the process.

    Parameters
    ----------
    largest : int
        Bytes of the largest arrays whose memory is kept (smaller than 2 GiB), and half of what may lie unused
        at the end of the heap.

    Returns
    -------
    bool
        Whether it could be done: only with glibc, on most Linux systems. Elsewhere nothing changes.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    kept = min(2 * largest, 2**31 - 1)
    return all(mallopt(*option) == 1 for option in ((_MMAP_THRESHOLD, largest), (_TRIM_THRESHOLD, kept)))
