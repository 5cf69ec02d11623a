"""One object divided in two by a point in each half."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from skimage.segmentation import watershed

__all__ = ["divide"]

_SMALLEST = 0.05
"""Share of the object that the watershed must leave to the smaller half."""


def divide(
    mask: np.ndarray,
    point_a: tuple[int, int, int],
    point_b: tuple[int, int, int],
    *,
    aspect: tuple[float, float, float],
) -> np.ndarray:
    """Return which half each voxel of an object belongs to: 1 or 2, and 0 outside of the object.

    Two cuts are made: by the watershed of the distance to the surface, which follows a neck, and half-way
    between the points. The one with the smaller cut surface is taken.

    Parameters
    ----------
    mask : numpy.ndarray
        ``(Z, Y, X)`` bool.
    point_a, point_b : 3 ints
        Two different voxels of the object.
    aspect : 3 floats
        Edges of a voxel in units of the shortest.

    Examples
    --------
    >>> bar = np.ones((3, 3, 8), bool)
    >>> divide(bar, (1, 1, 1), (1, 1, 6), aspect=(1, 1, 1))[1, 1]
    array([1, 1, 1, 1, 2, 2, 2, 2], dtype=int32)
    """
    places = np.argwhere(mask)
    squares = [
        (((places - np.array(point)) * np.array(aspect)) ** 2).sum(axis=1) for point in (point_a, point_b)
    ]
    nearest = np.zeros(mask.shape, np.int32)
    nearest[mask] = np.where(squares[0] <= squares[1], 1, 2)
    depth = ndimage.distance_transform_edt(np.pad(mask, 1), sampling=aspect)[1:-1, 1:-1, 1:-1]
    seeds = np.zeros(mask.shape, np.int32)
    seeds[tuple(point_a)], seeds[tuple(point_b)] = 1, 2
    flooded = watershed(-depth, seeds, mask=mask).astype(np.int32)
    flooded = np.where(mask & (flooded == 0), nearest, flooded)  # pieces that hold neither point
    smaller = min(np.count_nonzero(flooded == half) for half in (1, 2))
    if smaller < _SMALLEST * np.count_nonzero(mask):
        return nearest
    return min((flooded, nearest), key=lambda halves: _cut_surface(halves, aspect))


def _cut_surface(halves: np.ndarray, aspect: tuple[float, float, float]) -> float:
    """Return the area between the two halves, in squared shortest edges."""
    total = 0.0
    for axis, edge in enumerate(aspect):
        one, other = (np.moveaxis(halves, axis, 0)[part] for part in (slice(None, -1), slice(1, None)))
        total += np.count_nonzero(one * other == 2) * float(np.prod(aspect)) / edge
    return total
