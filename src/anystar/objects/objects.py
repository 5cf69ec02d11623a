"""Objects as arrays: where they lie, and the polyhedra that a model predicted for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Self

import numpy as np

from anystar.runtime.compiled import kernel

__all__ = ["LocatedObjects", "Objects", "locate_objects"]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class LocatedObjects:
    """Where N objects lie, one row per object; lengths in voxels."""

    label: np.ndarray
    """Number in the label image, integers, shape ``(N,)``."""
    probability: np.ndarray
    """Confidence in [0, 1], float32, shape ``(N,)``; NaN if unknown."""
    calibrated_probability: np.ndarray
    """Chance that the object is real, in [0, 1], float32, shape ``(N,)``; NaN if unknown."""
    volume_uncertainty: np.ndarray
    """Relative standard uncertainty of the volume, float32, shape ``(N,)``; NaN if unknown."""
    centroid_vox: np.ndarray
    """Centre of mass, ZYX, float64, shape ``(N, 3)``."""
    volume_vox: np.ndarray
    """Number of voxels, int64, shape ``(N,)``."""
    bbox: np.ndarray
    """Half-open bounding box ``z0 y0 x0 z1 y1 x1``, int64, shape ``(N, 6)``."""

    def __len__(self) -> int:
        return len(self.label)

    def select(self, rows: np.ndarray) -> Self:
        """Return the rows of a mask or of indices; labels keep their numbers."""
        return type(self)(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})

    def moved(self, offset: Sequence[int]) -> Self:
        """Return the objects ``offset`` voxels (Z, Y, X) further, in a volume of which theirs is a part."""
        shift = np.array(offset)
        return replace(self, centroid_vox=self.centroid_vox + shift, bbox=self.bbox + np.tile(shift, 2))

    def __repr__(self) -> str:
        return f"{type(self).__name__} ({len(self)}): {', '.join(f.name for f in fields(self))}"


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Objects(LocatedObjects):
    """Objects of a segmentation, with the polyhedra that the model predicted."""

    centre_vox: np.ndarray
    """Where the rays of the polyhedron start, ZYX, float64, shape ``(N, 3)``."""
    distances: np.ndarray
    """Lengths of the rays in units of the shortest edge of a voxel, float32, shape ``(N, R)``."""

    def moved(self, offset: Sequence[int]) -> Self:
        """Return the objects ``offset`` voxels (Z, Y, X) further, in a volume of which theirs is a part."""
        return replace(super().moved(offset), centre_vox=self.centre_vox + np.array(offset))


def locate_objects(
    labels: np.ndarray, num: int, *, origin: tuple[int, int, int] = (0, 0, 0)
) -> LocatedObjects:
    """Return volume, centre of mass and bounding box of the labels that own at least one voxel.

    Parameters
    ----------
    labels : numpy.ndarray
        ``(Z, Y, X)`` int32, values 0 to ``num``.
    num : int
        The highest label.
    origin : 3 ints
        First voxel of ``labels`` in the whole volume, whose voxels the result counts in.

    Examples
    --------
    >>> found = locate_objects(np.array([[[0, 2, 2]]], np.int32), 2)
    >>> found.label.tolist(), found.volume_vox.tolist(), found.centroid_vox.tolist()
    ([2], [2], [[0.0, 0.0, 1.5]])
    """
    totals = np.zeros((num + 1, 4), np.int64)
    extent = np.empty((num + 1, 6), np.int64)
    extent[:, :3], extent[:, 3:] = np.iinfo(np.int64).max, -1
    _count(labels, totals, extent)
    label = np.flatnonzero(totals[:, 0])
    volume, unknown = totals[label, 0], np.full(len(label), np.nan, np.float32)
    return LocatedObjects(
        label=label,
        probability=unknown,
        calibrated_probability=unknown,
        volume_uncertainty=unknown,
        centroid_vox=totals[label, 1:] / volume[:, None] + np.array(origin),
        volume_vox=volume,
        bbox=extent[label] + np.tile(np.array(origin), 2),
    )


@kernel()
def _count(labels, totals, extent):  # pragma: no cover - compiled
    for z in range(labels.shape[0]):
        for y in range(labels.shape[1]):
            for x in range(labels.shape[2]):
                n = labels[z, y, x]
                if n:
                    totals[n, 0] += 1
                    totals[n, 1] += z
                    totals[n, 2] += y
                    totals[n, 3] += x
                    extent[n, 0] = min(extent[n, 0], z)
                    extent[n, 1] = min(extent[n, 1], y)
                    extent[n, 2] = min(extent[n, 2], x)
                    extent[n, 3] = max(extent[n, 3], z + 1)
                    extent[n, 4] = max(extent[n, 4], y + 1)
                    extent[n, 5] = max(extent[n, 5], x + 1)
