"""The part of a volume that is tried: a box around a point, as large as takes a second or two."""

from __future__ import annotations

from collections.abc import Sequence

from anystar.napari.layers import Box

__all__ = ["box_around"]

_DIAMETERS = 4.0
"""Edge of the box in diameters of the objects, where that is known; two more are read on each side."""
_VOXELS = 64.0
"""Edge of the box in voxels where it is not: then scales are tried, which takes longer."""
_LEAST = 16
"""Fewest voxels along an axis, or all of a thinner volume."""


def box_around(
    point: Sequence[float],
    shape: tuple[int, int, int],
    *,
    aspect: tuple[float, float, float] = (1.0, 1.0, 1.0),
    diameter: float | None = None,
) -> Box:
    """Return a box of a volume with the point in its middle, or as near to it as the border allows.

    Parameters
    ----------
    point : three floats
        In voxels.
    shape : three ints
        Of the volume.
    aspect : three floats
        Edges of a voxel in units of the shortest.
    diameter : float, optional
        Of the objects, in shortest edges.

    Examples
    --------
    A thin volume gives a wider box:

    >>> box_around((5, 50, 99), (100, 100, 100)), box_around((5, 50, 99), (16, 200, 200))
    ((slice(0, 64, None), slice(18, 82, None), slice(36, 100, None)),
     (slice(0, 16, None), slice(0, 128, None), slice(35, 163, None)))
    """
    edge = _VOXELS if diameter is None else _DIAMETERS * diameter
    budget, sides = edge**3, [0.0] * 3
    lengths = [num * size for num, size in zip(shape, aspect, strict=True)]
    for left, axis in zip((3, 2, 1), sorted(range(3), key=lengths.__getitem__), strict=True):
        sides[axis] = min(lengths[axis], budget ** (1 / left))  # what a thin axis leaves, the others take
        budget /= sides[axis]
    parts = []
    for at, num, side, size in zip(point, shape, sides, aspect, strict=True):
        voxels = min(num, max(_LEAST, round(side / size)))
        start = min(max(0, round(at - voxels / 2)), num - voxels)
        parts.append(slice(start, start + voxels))
    return parts[0], parts[1], parts[2]
