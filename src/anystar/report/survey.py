"""Statistics of a volume for its overview image, added up over the boxes that it consists of.

Only the rows and columns that the image displays are kept, so the volume may have any size.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

__all__ = ["PIXELS", "Extent", "Survey", "displayed", "merge", "nearest", "pixels", "survey"]

PIXELS = 600
"""On the longer side of a view."""


class Extent(NamedTuple):
    """The volume that the overview image is drawn from."""

    shape: tuple[int, ...]  # voxels along Z, Y, X
    spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)  # size of a voxel along Z, Y, X


@dataclass(frozen=True, kw_only=True, eq=False)
class Survey:
    """Counts and projections of a box."""

    start: np.ndarray
    """(3,) int64, first voxel of the box in the volume."""
    filled_z: np.ndarray
    """(Z,) int64, object voxels of each plane of the box."""
    filled_y: np.ndarray
    """(Y,) int64, object voxels of each row."""
    filled_x: np.ndarray
    """(X,) int64, object voxels of each column."""
    voxels: np.ndarray
    """(2,) int64, number of voxels outside and inside of objects."""
    total: np.ndarray
    """(2,) float64, sums of their intensities."""
    darkest: np.ndarray
    """(H, W) float64, lowest intensity along Z, where the rows and columns are displayed."""
    brightest: np.ndarray
    """(H, W) float64, highest."""
    labels: np.ndarray
    """(H, W) int64, highest label."""

    @property
    def filled(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Object voxels of each plane along Z, Y, X."""
        return self.filled_z, self.filled_y, self.filled_x

    @property
    def dark(self) -> bool:
        """Whether objects are darker than what surrounds them."""
        outside, inside = self.total / np.maximum(self.voxels, 1)
        return bool(self.voxels.all() and inside < outside)


def pixels(height: float, width: float) -> tuple[int, int]:
    """Return how many pixels a view of that extent gets, ``PIXELS`` on its longer side.

    Examples
    --------
    >>> pixels(20.0, 15.0)
    (600, 450)
    """
    rows, columns = (max(1, round(e * PIXELS / max(height, width))) for e in (height, width))
    return rows, columns


def nearest(num_pixels: int, num_voxels: int) -> np.ndarray:
    """Return which of a row of voxels lies under each pixel.

    Examples
    --------
    >>> nearest(4, 2), nearest(2, 6)
    (array([0, 0, 1, 1]), array([1, 4]))
    """
    return ((np.arange(num_pixels) + 0.5) * num_voxels // num_pixels).astype(np.int64)


def displayed(extent: Extent, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Return which rows and columns of voxels are visible along an axis: all, if there is room.

    Examples
    --------
    >>> rows, columns = displayed(Extent((9, 1200, 300)), axis=0)
    >>> rows[:3], len(columns)
    (array([1, 3, 5]), 150)
    """
    nums, sizes = (np.delete(values, axis).tolist() for values in extent)
    room = pixels(*(n * s for n, s in zip(nums, sizes, strict=True)))
    rows, columns = (
        np.arange(num) if num <= p else nearest(p, num) for num, p in zip(nums, room, strict=True)
    )
    return rows, columns


def survey(image: np.ndarray, labels: np.ndarray, extent: Extent, start: Sequence[int] = (0, 0, 0)) -> Survey:
    """Look at a box of a volume, given as image and labels ``(Z, Y, X)``, that begins at ``start``."""
    inside = labels != 0
    columns = inside.sum(axis=0, dtype=np.int64)
    num, whole = int(columns.sum()), float(np.sum(image, dtype=np.float64))
    within = float(np.sum(image, dtype=np.float64, where=inside))
    spans = _spans(extent, start[1:], labels.shape[1:])
    at = np.ix_(
        *(visible[s] - a for visible, s, a in zip(displayed(extent, 0), spans, start[1:], strict=True))
    )
    return Survey(
        start=np.array(start, np.int64),
        filled_z=np.array([np.count_nonzero(plane) for plane in inside], np.int64),
        filled_y=columns.sum(axis=1),
        filled_x=columns.sum(axis=0),
        voxels=np.array([inside.size - num, num], np.int64),
        total=np.array([whole - within, within]),
        darkest=image.min(axis=0)[at].astype(np.float64),
        brightest=image.max(axis=0)[at].astype(np.float64),
        labels=labels.max(axis=0)[at].astype(np.int64),
    )


def merge(parts: Iterable[Survey], extent: Extent) -> Survey:
    """Return the survey of a volume from those of boxes that make it up, in any order."""
    z, y, x = (np.zeros(num, np.int64) for num in extent.shape)
    view = tuple(map(len, displayed(extent, 0)))
    whole = Survey(
        start=np.zeros(3, np.int64),
        filled_z=z,
        filled_y=y,
        filled_x=x,
        voxels=np.zeros(2, np.int64),
        total=np.zeros(2),
        darkest=np.full(view, np.inf),
        brightest=np.full(view, -np.inf),
        labels=np.zeros(view, np.int64),
    )
    for part in parts:
        for sums, start, own in zip(whole.filled, part.start.tolist(), part.filled, strict=True):
            sums[start : start + len(own)] += own
        whole.voxels[:] += part.voxels
        whole.total[:] += part.total
        at = _spans(extent, part.start[1:].tolist(), (len(part.filled_y), len(part.filled_x)))
        whole.darkest[at] = np.minimum(whole.darkest[at], part.darkest)
        whole.brightest[at] = np.maximum(whole.brightest[at], part.brightest)
        whole.labels[at] = np.maximum(whole.labels[at], part.labels)
    return whole


def _spans(extent: Extent, start: Sequence[int], nums: Sequence[int]) -> tuple[slice, ...]:
    """Return which of the displayed rows and columns lie in a box."""
    ends = (
        np.searchsorted(visible, [a, a + n])
        for visible, a, n in zip(displayed(extent, 0), start, nums, strict=True)
    )
    return tuple(slice(int(first), int(stop)) for first, stop in ends)
