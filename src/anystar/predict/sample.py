"""A sample of a volume's voxels that stands for all of them, however large it is."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from anystar.predict.view import ArrayLike

__all__ = ["Sample", "take_sample"]

_MAX_SAMPLE = 4_000_000
"""Voxels of a sample of every n-th plane, row and column."""
_SCANNED = 1 << 30
"""Voxels of the largest volume all of which is read for it: files give whole chunks, not every n-th voxel."""
_BRICK, _BRICKS = 32, 512
"""Voxels along the edge of a brick, and how many bricks stand for a larger volume."""


@dataclass(frozen=True, eq=False)
class Sample:
    """Where some planes, rows and columns of a volume meet."""

    rows: tuple[np.ndarray, np.ndarray, np.ndarray]
    """Indices along Z, Y, X, ascending and evenly spread."""
    voxels: np.ndarray
    """What is there."""


def take_sample(image: ArrayLike) -> Sample:
    """Return every n-th plane, row and column; of more than a gigavoxel, bricks on a lattice.

    Examples
    --------
    >>> sample = take_sample(np.zeros((400, 400, 400), bool))
    >>> sample.voxels.shape, sample.rows[0][:4].tolist()
    ((134, 134, 134), [0, 3, 6, 9])
    """
    shape = image.shape
    if math.prod(shape) <= _SCANNED:
        step = max(1, round((math.prod(shape) / _MAX_SAMPLE) ** (1 / 3)))
        z, y, x = (np.arange(0, num, step) for num in shape)
        return Sample((z, y, x), np.asarray(image[(slice(None, None, step),) * 3]))
    runs = [_runs(num, count) for num, count in zip(shape, _bricks_along(shape), strict=True)]
    z, y, x = (np.concatenate([np.arange(r.start, r.stop) for r in along]) for along in runs)
    voxels = np.empty((len(z), len(y), len(x)), image.dtype)
    for places in itertools.product(*map(_placed, runs)):
        voxels[tuple(to for to, _ in places)] = image[tuple(run for _, run in places)]
    return Sample((z, y, x), voxels)


def _bricks_along(shape: Sequence[int]) -> list[int]:
    """Return how many bricks lie along each axis: equally far apart, but along short axes one at least."""
    counts, long = [1] * len(shape), list(range(len(shape)))
    while long:
        apart = (math.prod(shape[axis] for axis in long) / _BRICKS) ** (1 / len(long))
        short = [axis for axis in long if shape[axis] < apart]
        if not short:
            for axis in long:
                counts[axis] = max(1, round(shape[axis] / apart))
            break
        long = [axis for axis in long if axis not in short]
    return counts


def _runs(num: int, count: int) -> list[slice]:
    """Return runs of a brick's length, each in the middle of its share of an axis."""
    if num <= count * _BRICK:
        return [slice(0, num)]
    starts = [round((k + 0.5) * num / count - _BRICK / 2) for k in range(count)]
    return [slice(start, start + _BRICK) for start in starts]


def _placed(runs: list[slice]) -> list[tuple[slice, slice]]:
    """Pair each run with where it goes when they are joined."""
    stops = list(itertools.accumulate(run.stop - run.start for run in runs))
    return [(slice(stop - (run.stop - run.start), stop), run) for run, stop in zip(runs, stops, strict=True)]
