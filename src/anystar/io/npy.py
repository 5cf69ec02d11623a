"""NumPy ``.npy``: the array, and nothing else."""

from __future__ import annotations

import numpy as np

from anystar.arrays import Volume
from anystar.errors import FileError
from anystar.io.address import Address
from anystar.io.axis_names import unnamed_axes
from anystar.io.source import Source

__all__ = ["open_source", "write"]


def open_source(address: Address, level: int) -> Source:
    """Map an array; its last three axes are Z, Y, X by definition, and it has no spacing.

    Raises
    ------
    FileError
        If it is an archive of arrays.
    """
    data = np.load(address.file, mmap_mode="r", allow_pickle=False)
    if not isinstance(data, np.ndarray):
        raise FileError("is an archive of arrays; save one array with numpy.save")
    return Source(
        axes=unnamed_axes(data.shape),
        shape=data.shape,
        dtype=data.dtype,
        fetch=lambda index: np.array(data[index]),
    )


def write(address: Address, volume: Volume, *, labels: bool) -> None:
    """Write the array of ``volume``, C-ordered."""
    with open(address.file, "wb") as file:
        np.save(file, np.ascontiguousarray(volume.data))
