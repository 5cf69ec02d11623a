"""Coarser levels of a label image, block by block."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np

__all__ = ["Box", "Shape", "blocks", "coarser_shapes", "most_frequent"]

Shape = tuple[int, int, int]
Box = tuple[slice, slice, slice]


def coarser_shapes(shape: Shape, spacing: Sequence[float], *, smallest: int = 64) -> list[Shape]:
    """Return the shapes of a pyramid: axes are halved until none is longer than ``smallest``.

    Axes whose voxels are already at least twice as long as the shortest wait until the others have caught up.

    Examples
    --------
    >>> coarser_shapes((60, 512, 512), (2.0, 0.5, 0.5))
    [(60, 512, 512), (60, 256, 256), (60, 128, 128), (30, 64, 64)]
    """
    shapes, sizes, now = [shape], np.asarray(spacing, float), np.array(shape)
    while now.max() > smallest:
        halved = (sizes < 2 * sizes[now > 1].min()) & (now > 1)
        sizes, now = np.where(halved, 2 * sizes, sizes), np.where(halved, -(-now // 2), now)
        z, y, x = (int(n) for n in now)
        shapes.append((z, y, x))
    return shapes


def blocks(shape: Shape, size: Shape) -> Iterator[Box]:
    """Yield the boxes of ``size`` that cover ``shape``, the last ones cut off.

    Examples
    --------
    >>> [box[2] for box in blocks((4, 4, 6), (4, 4, 4))]
    [slice(0, 4, None), slice(4, 6, None)]
    """
    starts = (range(0, n, s) for n, s in zip(shape, size, strict=True))
    for corner in itertools.product(*starts):
        z, y, x = (slice(c, min(c + s, n)) for c, s, n in zip(corner, size, shape, strict=True))
        yield z, y, x


def most_frequent(labels: np.ndarray, factors: Shape, shape: Shape) -> np.ndarray:
    """Return labels in coarser voxels: of those that a voxel covers, the most frequent, the first if tied.

    ``factors`` voxels of the labels (Z, Y, X) become one. What lies beyond the ``shape`` of the result is
    left out; what is missing is the border repeated.

    Examples
    --------
    >>> most_frequent(np.array([[[1, 2, 2, 0, 0]]]), (1, 1, 3), (1, 1, 2))
    array([[[2, 0]]])
    """
    wanted = [n * f for n, f in zip(shape, factors, strict=True)]
    labels = labels[tuple(slice(n) for n in wanted)]
    missing = [(0, n - have) for n, have in zip(wanted, labels.shape, strict=True)]
    if any(after for _, after in missing):
        labels = np.pad(labels, missing, mode="edge")
    (z, y, x), (fz, fy, fx) = shape, factors
    parts = labels.reshape(z, fz, y, fy, x, fx).transpose(0, 2, 4, 1, 3, 5).reshape(-1, fz * fy * fx)
    chosen = parts[:, 0].copy()
    mixed = np.flatnonzero((parts != parts[:, :1]).any(axis=1))
    if len(mixed):
        some = parts[mixed]
        votes = np.stack([(some == some[:, [k]]).sum(axis=1) for k in range(some.shape[1])], axis=1)
        chosen[mixed] = some[np.arange(len(some)), votes.argmax(axis=1)]
    return chosen.reshape(shape)
