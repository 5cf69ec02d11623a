"""What processes of our own, a command and its workers, change for themselves to be faster.

Memory: the C library requests every array of more than 32 MiB from the system and returns it when it is
freed. The system clears the pages each time, a good part of all time from 128³ voxels on
(docs/explanation/generator.md).

Garbage: libraries make hundreds of thousands of objects when they are loaded, none of which is garbage. With
Python's own thresholds they are looked through 793 times in a short segmentation, for 0.55 of its 5.1
seconds.

Threads: GNU's OpenMP lets waiting threads spin. Beside any other busy process the thread that others wait for
then loses its core to those that only wait. Two threads on two cores then take longer than one.
"""

from __future__ import annotations

import ctypes
import gc
import os
import platform

__all__ = ["WAIT_POLICY", "collect_rarely", "keep_freed_memory", "wait_passively"]

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Options of ``mallopt`` in glibc's ``malloc.h``."""
_LARGEST = 2**27
_NEW_OBJECTS = 50_000
"""New containers after which the youngest are looked through; 700 by default."""
WAIT_POLICY = {"OMP_WAIT_POLICY": "PASSIVE"}
"""What the environment of a process must have before PyTorch is loaded; only GNU's OpenMP heeds it."""


def keep_freed_memory(largest: int = _LARGEST) -> bool:
    """Let this process keep the memory of freed arrays, from now on.

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


def collect_rarely() -> None:
    """Let Python look for garbage after more new objects; only cycles of objects wait longer to be freed."""
    _, middle, old = gc.get_threshold()
    gc.set_threshold(_NEW_OBJECTS, middle, old)


def wait_passively() -> None:
    """Let waiting threads sleep in this process and in those that it starts, unless the user chose otherwise.

    Call it before PyTorch is imported.
    """
    for name, value in WAIT_POLICY.items():
        os.environ.setdefault(name, value)
