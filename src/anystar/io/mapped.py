"""Parts of files that are mapped into memory."""

from __future__ import annotations

import mmap

import numpy as np

from anystar.io.source import Index

__all__ = ["copy_part"]


def copy_part(mapped: np.ndarray, index: Index) -> np.ndarray:
    """Return a copy of a part, and let go of the pages that were read for it.

    Pages of a map stay resident, and count as the process's memory, until the system is short of it: reading
    a long file piece by piece would seem to need memory for all of it.
    """
    part = np.array(mapped[index])
    if hasattr(mmap, "MADV_DONTNEED") and isinstance(mapped.base, mmap.mmap):
        mapped.base.madvise(mmap.MADV_DONTNEED)
    return part
