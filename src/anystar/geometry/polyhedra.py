"""Where star-convex bodies lie."""

from __future__ import annotations

import numpy as np

from anystar.geometry.body.numba import check_bodies, extents
from anystar.geometry.rays import Rays

__all__ = ["bounding_boxes"]


def bounding_boxes(points: np.ndarray, distances: np.ndarray, rays: Rays) -> np.ndarray:
    """Return boxes that surely hold the bodies, not clipped.

    Parameters
    ----------
    points, distances, rays
        As for :func:`rasterise`.

    Returns
    -------
    numpy.ndarray
        Shape ``(N, 2, 3)``, float64: lowest and highest coordinate (ZYX). Exact for balls, and otherwise at
        most one face wider than the body.

    Examples
    --------
    >>> from anystar.geometry.rays import golden_spiral
    >>> bounding_boxes(np.array([[5, 5, 5]]), np.full((1, 32), 2.0), golden_spiral(32))[0]
    array([[3., 3., 3.], [7., 7., 7.]])
    """
    points, distances = check_bodies(points, distances, rays)
    box = extents(distances, rays, num_threads=1).box
    return np.stack([points - box[:, 0::2], points + box[:, 1::2]], axis=1)
