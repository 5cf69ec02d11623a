"""N star-convex polyhedra, checked once: what all functions of this package take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from anystar.geometry.body.numba import extents
from anystar.geometry.rays import Rays

__all__ = ["Polyhedra"]


@dataclass(frozen=True, eq=False)
class Polyhedra:
    """N star-convex polyhedra over the same rays.

    Subclasses may add columns (arrays of N rows), which :meth:`take` and :meth:`joined` treat alike.

    Parameters
    ----------
    points : numpy.ndarray
        Centres, shape ``(N, 3)``, ZYX in voxels, inside or outside of the volume; finite. Kept as float32 or
        float64; any other real dtype becomes float64.
    distances : numpy.ndarray
        Star distances, shape ``(N, R)``, along the unit rays; finite, at least 0. Kept as float32. In voxels,
        or in units of the shortest edge of an anisotropic voxel.
    rays : Rays
        ``R`` directions.
    prob : numpy.ndarray, optional
        Object probabilities, shape ``(N,)``; finite. Kept as float32 or float64.
    group : numpy.ndarray, optional
        Groups, shape ``(N,)``, uint8: those of a lower one take precedence, and votes stay within a group.
    spread : numpy.ndarray, optional
        Standard deviation of the logarithm of the volumes that voted for each, shape ``(N,)``, float32.

    Raises
    ------
    ValueError
        If a shape or a value is wrong.

    Examples
    --------
    >>> from anystar.geometry.rays import golden_spiral
    >>> balls = Polyhedra(np.zeros((2, 3)), np.full((2, 32), 5.0), golden_spiral(32), np.array([0.9, 0.8]))
    >>> len(balls.take(balls.prob > 0.85))
    1
    """

    points: np.ndarray
    distances: np.ndarray
    rays: Rays
    prob: np.ndarray | None = None
    group: np.ndarray | None = None
    spread: np.ndarray | None = None

    def __post_init__(self) -> None:
        points, distances = _floats(self.points), np.ascontiguousarray(self.distances, np.float32)
        num, num_rays = len(points), len(self.rays)
        if points.ndim != 2 or points.shape[1] != 3:
            raise ValueError(f"points must have shape (N, 3), got {points.shape}")
        if distances.shape != (num, num_rays):
            raise ValueError(f"distances must have shape {(num, num_rays)}, got {distances.shape}")
        if not np.isfinite(points).all():
            raise ValueError(f"points must be finite, got {points[~np.isfinite(points).all(axis=1)][0]}")
        if distances.size and not (distances.min() >= 0 and distances.max() < np.inf):  # NaN is neither
            wrong = int(np.argmin((distances >= 0) & (distances < np.inf)))
            row, value = wrong // num_rays, distances.flat[wrong]
            raise ValueError(f"distances must be finite and not negative, got {value} for point {row}")
        object.__setattr__(self, "points", points)
        object.__setattr__(self, "distances", distances)
        if self.prob is not None:
            object.__setattr__(self, "prob", _check_prob(self.prob, num))

    def __len__(self) -> int:
        return len(self.points)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} polyhedra of {len(self.rays)} rays)"

    @property
    def probabilities(self) -> np.ndarray:
        """``prob``, where it is required; ``ValueError`` if there is none."""
        if self.prob is None:
            raise ValueError("the polyhedra must have probabilities; give prob")
        return self.prob

    def take(self, rows: np.ndarray) -> Self:
        """Return the polyhedra of a mask or of indices."""
        rows = np.asarray(rows)
        if rows.dtype == bool:
            if rows.all():
                return self
            rows = np.flatnonzero(rows)
        columns = {n: v for n, v in vars(self).items() if isinstance(v, np.ndarray)}
        return self._changed(**{n: v.take(rows, axis=0) for n, v in columns.items()})

    def with_prob(self, prob: np.ndarray) -> Self:
        """Return the same polyhedra with other probabilities, shape ``(N,)``."""
        return self._changed(prob=_check_prob(prob, len(self)))

    def in_group(self, number: int) -> Self:
        """Return the same polyhedra in one group."""
        return self._changed(group=np.full(len(self), number, np.uint8))

    def scaled(self, zoom: float) -> Self:
        """Return the polyhedra in a volume resampled by ``zoom`` along every axis."""
        distances = (self.distances * zoom).astype(np.float32, copy=False)
        return self._changed(points=(self.points + 0.5) * zoom - 0.5, distances=distances)

    def on_voxels(self, spacing: Sequence[float]) -> Self:
        """Return the polyhedra with centres in voxels of a size, (ZYX) in the unit of the distances.

        Distances keep their unit: so polyhedra found in cubic voxels are drawn in anisotropic ones.
        """
        return self._changed(points=(self.points + 0.5) / np.array(spacing, np.float64) - 0.5)

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Return the polyhedra of at least one part together; all over the rays of the first."""
        first = parts[0]
        columns = [name for name, values in vars(first).items() if isinstance(values, np.ndarray)]
        return first._changed(**{n: np.concatenate([getattr(p, n) for p in parts]) for n in columns})

    def bounding_boxes(self) -> np.ndarray:
        """Return boxes that contain the polyhedra, not clipped at the volume.

        Returns
        -------
        numpy.ndarray
            Shape ``(N, 2, 3)``, float64: lowest and highest coordinate (ZYX). Exact for balls, and otherwise
            at most one face wider than the polyhedron.

        Examples
        --------
        >>> from anystar.geometry.rays import golden_spiral
        >>> ball = Polyhedra(np.array([[5, 5, 5]]), np.full((1, 32), 2.0), golden_spiral(32))
        >>> ball.bounding_boxes()[0]
        array([[3., 3., 3.], [7., 7., 7.]])
        """
        points, box = self.points.astype(np.float64), extents(self.distances, self.rays).box
        return np.stack([points - box[:, 0::2], points + box[:, 1::2]], axis=1)

    def _changed(self, **columns: Any) -> Self:
        """Return a copy with other columns, which are known to be valid and are not checked again."""
        changed = object.__new__(type(self))
        changed.__dict__.update(vars(self) | columns)
        return changed


def _floats(values: np.ndarray) -> np.ndarray:
    """Return float32 and float64 as they are, contiguous; anything else as float64."""
    values = np.ascontiguousarray(values)
    return values if values.dtype in (np.float32, np.float64) else values.astype(np.float64)


def _check_prob(prob: np.ndarray, num: int) -> np.ndarray:
    prob = _floats(prob)
    if prob.shape != (num,) or not np.isfinite(prob).all():
        raise ValueError(f"prob must be finite and of shape ({num},), got shape {prob.shape} or NaN")
    return prob
