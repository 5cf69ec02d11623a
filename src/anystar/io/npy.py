"""NumPy ``.npy``: the array, and nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from anystar.arrays import Volume
from anystar.io.errors import FileError

__all__ = ["read", "write"]


def read(path: Path, channel: int | None) -> Volume:
    """Read a 3D array; it is ZYX by definition and has no spacing.

    Raises
    ------
    FileError
        If the array is not 3D (``.npy`` names no axes, so none can be chosen).
    """
    data = np.load(path, allow_pickle=False)
    if not isinstance(data, np.ndarray):
        raise FileError("is an archive of arrays; save one array with numpy.save")
    if data.ndim != 3:
        raise FileError(f"has shape {data.shape}, and .npy names no axes; save one array of shape (Z, Y, X)")
    if channel:
        raise FileError(f"has one channel, number 0, not channel {channel}; choose another --channel")
    return Volume(data=data)


def write(path: Path, volume: Volume) -> None:
    """Write the array of ``volume``, C-ordered."""
    with open(path, "wb") as file:
        np.save(file, np.ascontiguousarray(volume.data))
