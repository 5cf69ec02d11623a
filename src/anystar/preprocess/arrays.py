"""Arrays that are in memory or read box by box."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from anystar.box import triple

__all__ = [
    "ArrayLike",
    "Box",
    "ImageView",
    "PartInMemory",
    "Shape",
    "Vec",
    "around",
    "box_shape",
    "corners",
    "in_memory",
    "whole_box",
    "within",
]

Box = tuple[slice, slice, slice]
"""Slices along Z, Y, X."""
Shape = tuple[int, int, int]
"""Voxels along Z, Y, X."""
Vec = tuple[float, float, float]
"""One number per axis, Z, Y, X."""


class ArrayLike(Protocol):
    """An array in memory, or one that reads what is indexed: NumPy, Zarr, HDF5, ..."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels along Z, Y, X."""

    @property
    def dtype(self) -> Any:
        """NumPy dtype."""

    def __getitem__(self, box: Any, /) -> Any:
        """Return the part of three slices."""


@dataclass(frozen=True)
class ImageView(ABC):
    """An image that is changed as it is read: each kind says how in its ``__getitem__``."""

    image: ArrayLike
    """What it reads from."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels along Z, Y, X."""
        return self.image.shape

    @property
    def dtype(self) -> Any:
        """NumPy dtype."""
        return self.image.dtype

    @abstractmethod
    def __getitem__(self, box: Any, /) -> np.ndarray:
        """Return the part of three slices."""


@dataclass(frozen=True)
class PartInMemory(ImageView):
    """An image of which one box has been read: what lies within it is not read again.

    Examples
    --------
    >>> image = np.arange(64).reshape(4, 4, 4)
    >>> half = PartInMemory.of(image, (slice(0, 2), slice(0, 4), slice(0, 4)))
    >>> half[:1, :1, ::2].tolist(), half[3:, :1, :1].tolist()
    ([[[0, 2]]], [[[48]]])
    """

    box: Box
    """The box, with step 1."""
    part: np.ndarray
    """Its voxels."""

    @classmethod
    def of(cls, image: ArrayLike, box: Box) -> PartInMemory:
        """Read a box of an image."""
        return cls(image, box, np.asarray(image[box]))

    def __getitem__(self, box: Any, /) -> np.ndarray:
        """Return the part of three slices, of any positive step."""
        parts = [slice(*each.indices(num)) for each, num in zip(box, self.shape, strict=True)]
        inside = zip(parts, self.box, strict=True)
        if not all(own.start <= each.start and each.stop <= own.stop for each, own in inside):
            return np.asarray(self.image[box])
        return self.part[within(parts, self.box)]


def whole_box(shape: tuple[int, ...]) -> Box:
    """Return the box of all voxels."""
    return triple(slice(0, num) for num in shape)


def box_shape(box: Box) -> Shape:
    """Return the voxels of a box along Z, Y, X."""
    return triple(part.stop - part.start for part in box)


def corners(box: Box) -> tuple[np.ndarray, np.ndarray]:
    """Return the first voxel of a box, and the one after its last along each axis, two of ``(3,)``."""
    return np.array([part.start for part in box]), np.array([part.stop for part in box])


def within(box: Sequence[slice], outer: Box) -> Box:
    """Return where a box lies in one that contains it."""
    return triple(
        slice(part.start - own.start, part.stop - own.start, part.step)
        for part, own in zip(box, outer, strict=True)
    )


def around(box: Sequence[slice], voxels: int, shape: Sequence[int]) -> Box:
    """Return a box with ``voxels`` more on each side, within a volume of ``shape``."""
    return triple(
        slice(max(0, part.start - voxels), min(num, part.stop + voxels))
        for part, num in zip(box, shape, strict=True)
    )


def in_memory(image: ArrayLike) -> bool:
    """Return whether an image, or the one that it is a view of, is an array in memory."""
    while isinstance(image, ImageView):
        image = image.image
    return isinstance(image, np.ndarray)
