"""NumPy ``.npy``: the array, and nothing else."""

from __future__ import annotations

import numpy as np

from anystar.arrays import Volume
from anystar.errors import FileError
from anystar.io.address import Address
from anystar.io.source import Source

__all__ = ["open_source", "write"]


def open_source(address: Address, level: int) -> Source:
    """Map a 3D array; it is ZYX by definition and has no spacing.

    Raises
    ------
    FileError
        If the array is not 3D (``.npy`` names no axes, so none can be chosen).
    """
    data = np.load(address.file, mmap_mode="r", allow_pickle=False)
    if not isinstance(data, np.ndarray):
        raise FileError("is an archive of arrays; save one array with numpy.save")
    if data.ndim != 3:
        raise FileError(f"has shape {data.shape}, and .npy names no axes; save one array of shape (Z, Y, X)")
    return Source(axes="ZYX", shape=data.shape, dtype=data.dtype, fetch=lambda index: np.array(data[index]))


def write(address: Address, volume: Volume, *, labels: bool) -> None:
    """Write the array of ``volume``, C-ordered."""
    with open(address.file, "wb") as file:
        np.save(file, np.ascontiguousarray(volume.data))
