"""Surface area of labels straight from their voxels, by Crofton's formula over 13 directions.

The surface area of a body is twice the number of times that random lines cross it, averaged over directions
and per area of lines. A digital image gives the crossings along the 13 directions between neighbouring
voxels. Each direction stands for the share of the sphere that is nearest to it, which depends on the voxel's
edges. Unlike the surface of a triangulated staircase this has no bias for smooth bodies (Ohser and Mücklich,
Statistical Analysis of Microstructures in Materials Science, 2000; Legland et al., Bioinformatics 2016).
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product

import numpy as np
from scipy.spatial import SphericalVoronoi

from anystar.runtime.compiled import kernel

__all__ = ["label_surfaces"]

_STEPS = np.array([s for s in product((-1, 0, 1), repeat=3) if s > (0, 0, 0)], np.int64)


def label_surfaces(labels: np.ndarray, num: int, spacing: tuple[float, float, float]) -> np.ndarray:
    """Return the surface areas of the labels 1 to ``num``, shape ``(num,)`` float64, in squared ``spacing``.

    Where an object is cut by the border of the image, the cut counts as surface.

    Parameters
    ----------
    labels : numpy.ndarray
        ``(Z, Y, X)`` int32. Labels above ``num`` are neighbours that are not measured.
    num : int
        The highest label to measure.
    spacing : 3 floats
        Edges of a voxel along Z, Y, X.

    Examples
    --------
    >>> ball = np.linalg.norm(np.indices((21, 21, 21)) - 10, axis=0) <= 8
    >>> surface = label_surfaces(ball.astype(np.int32), 1, (1.0, 1.0, 1.0))
    >>> bool(abs(surface[0] / (4 * np.pi * 8**2) - 1) < 0.02)
    True
    """
    crossings = np.zeros((num + 1, len(_STEPS)), np.int64)
    _count_crossings(labels, _STEPS, crossings)
    return crossings[1:] @ _areas(spacing)


@lru_cache(maxsize=16)
def _areas(spacing: tuple[float, float, float]) -> np.ndarray:
    """Return the surface area that one crossing along each direction stands for."""
    vectors = _STEPS * np.array(spacing)
    lengths = np.linalg.norm(vectors, axis=1)
    units = vectors / lengths[:, None]
    share = SphericalVoronoi(np.concatenate([units, -units])).calculate_areas()[: len(units)] / (2 * np.pi)
    return 2 * share * np.prod(spacing) / lengths


@kernel()
def _count_crossings(labels, steps, crossings):  # pragma: no cover - compiled
    depth, height, width = labels.shape
    for z in range(depth):
        for y in range(height):
            for x in range(width):
                own = labels[z, y, x]
                measured = 0 < own < len(crossings)
                for d in range(len(steps)):
                    k, j, i = z + steps[d, 0], y + steps[d, 1], x + steps[d, 2]
                    inside = 0 <= k < depth and 0 <= j < height and 0 <= i < width
                    other = labels[k, j, i] if inside else 0
                    if own != other:
                        if measured:
                            crossings[own, d] += 1
                        if 0 < other < len(crossings):
                            crossings[other, d] += 1
                    if measured:
                        k, j, i = z - steps[d, 0], y - steps[d, 1], x - steps[d, 2]
                        if not (0 <= k < depth and 0 <= j < height and 0 <= i < width):
                            crossings[own, d] += 1
