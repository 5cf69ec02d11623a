"""A subsample of a volume's voxels, evenly spread over it, from which its intensities are judged."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from anystar.box import triple
from anystar.preprocess.arrays import ArrayLike, Shape

__all__ = ["Subsample", "take_subsample"]

MAX_VOXELS = 4_000_000
"""Most voxels of a subsample of every n-th plane, row and column."""
SCANNED = 1 << 30
"""Voxels of the largest volume that is read whole: files give whole chunks, not every n-th voxel."""
BRICK, BRICKS = 32, 512
"""Edge of a brick in voxels, and about how many bricks are read of a larger volume."""


@dataclass(frozen=True, eq=False)
class Subsample:
    """The voxels at which some planes, rows and columns of a volume meet."""

    indices: tuple[np.ndarray, np.ndarray, np.ndarray]
    """Indices of the planes, rows and columns (Z, Y, X), ascending and evenly spread."""
    voxels: np.ndarray
    """Intensities there, one axis per array of indices."""
    shape: Shape
    """Shape of the volume."""
    known: np.ndarray | None = None
    """Which voxels are data, bool; ``None`` if all are."""

    @property
    def data(self) -> np.ndarray:
        """Return the intensities of the voxels that are data."""
        return self.voxels if self.known is None else self.voxels[self.known]


def take_subsample(image: ArrayLike, known: np.ndarray | None = None) -> Subsample:
    """Return every n-th plane, row and column; of more than a gigavoxel, bricks on a lattice.

    Which of the voxels are data is given in ``known``, all by default.

    Examples
    --------
    >>> subsample = take_subsample(np.zeros((400, 400, 400), bool))
    >>> subsample.voxels.shape, subsample.indices[0][:4].tolist()
    ((134, 134, 134), [0, 3, 6, 9])
    """
    shape = triple(image.shape)
    if math.prod(shape) <= SCANNED:
        step = max(1, round((math.prod(shape) / MAX_VOXELS) ** (1 / 3)))
        indices = triple(np.arange(0, num, step) for num in shape)
        return Subsample(indices, np.asarray(image[(slice(None, None, step),) * 3]), shape, known)
    runs = [_runs(num, count) for num, count in zip(shape, _bricks_along(shape), strict=True)]
    indices = triple(np.concatenate([np.arange(r.start, r.stop) for r in along]) for along in runs)
    voxels = np.empty(tuple(map(len, indices)), image.dtype)
    for places in itertools.product(*map(_placed, runs)):
        voxels[tuple(to for to, _ in places)] = image[tuple(run for _, run in places)]
    return Subsample(indices, voxels, shape, known)


def _bricks_along(shape: Sequence[int]) -> list[int]:
    """Return the number of bricks along each axis: equally far apart, at least one along a short axis."""
    counts, long = [1] * len(shape), list(range(len(shape)))
    while long:
        apart = (math.prod(shape[axis] for axis in long) / BRICKS) ** (1 / len(long))
        short = [axis for axis in long if shape[axis] < apart]
        if not short:
            for axis in long:
                counts[axis] = max(1, round(shape[axis] / apart))
            break
        long = [axis for axis in long if axis not in short]
    return counts


def _runs(num: int, count: int) -> list[slice]:
    """Return runs of a brick's length, each in the middle of its share of an axis."""
    if num <= count * BRICK:
        return [slice(0, num)]
    starts = [round((k + 0.5) * num / count - BRICK / 2) for k in range(count)]
    return [slice(start, start + BRICK) for start in starts]


def _placed(runs: list[slice]) -> list[tuple[slice, slice]]:
    """Pair each run with its place in the subsample."""
    stops = list(itertools.accumulate(run.stop - run.start for run in runs))
    return [(slice(stop - (run.stop - run.start), stop), run) for run, stop in zip(runs, stops, strict=True)]
