"""Outlines of labels in a plane, along the edges of their pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from anystar.runtime.compiled import kernel

__all__ = ["Contours", "trace_contours"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Contours:
    """Closed outlines, ordered by label."""

    label: np.ndarray
    """Label that each outline belongs to, int64, shape ``(C,)``: several for holes and separate parts."""
    first: np.ndarray
    """Where the points of each outline begin, int64, shape ``(C + 1,)``."""
    points: np.ndarray
    """Corners, ``(K, 2)`` int32, as X, Y: pixel ``i`` reaches from ``i`` to ``i + 1``."""

    def __len__(self) -> int:
        return len(self.label)

    def outline(self, index: int) -> np.ndarray:
        """Return the corners of one outline, ``(K, 2)``."""
        return self.points[self.first[index] : self.first[index + 1]]


def trace_contours(labels: np.ndarray) -> Contours:
    """Trace every label of a plane along the edges of its pixels.

    Going along an outline, the label lies on the right (with Y downwards): outer borders run clockwise, those
    of holes the other way. Pixels that touch at a corner only are separate parts.

    Parameters
    ----------
    labels : numpy.ndarray
        ``(Y, X)`` integers, 0 is background.

    Examples
    --------
    >>> trace_contours(np.array([[0, 5, 5], [0, 5, 5]])).points.tolist()
    [[3, 0], [3, 2], [1, 2], [1, 0]]
    """
    plane = np.pad(labels.astype(np.int64, copy=False), 1)  # one type to compile for
    edges = sum(np.count_nonzero(np.diff(plane, axis=axis)) for axis in (0, 1))
    points = np.empty((2 * edges, 2), np.int32)
    owner, first = np.empty(edges, np.int64), np.empty(edges + 1, np.int64)
    count, used = _trace(plane, points, owner, first, np.zeros(plane.shape, np.bool_))
    first[count] = used
    order = np.argsort(owner[:count], kind="stable")
    lengths = np.diff(first[: count + 1])[order]
    starts = np.concatenate([[0], np.cumsum(lengths)])
    rows = np.repeat(first[:count][order] - starts[:-1], lengths) + np.arange(used)
    return Contours(label=owner[:count][order], first=starts, points=points[rows])


@kernel()
def _trace(plane, points, owner, first, visited):  # pragma: no cover - compiled
    """Fill ``points`` with corners; ``plane`` has a border of 0, ``visited`` marks upper edges.

    Directions are 0 along +X, 1 along +Y, 2 along -X, 3 along -Y, with the label on the right.
    """
    step_x, step_y = (1, 0, -1, 0), (0, 1, 0, -1)
    # The pixels ahead of a corner, on the right and on the left, relative to the corner, for each direction
    right_x, right_y = (0, -1, -1, 0), (0, 0, -1, -1)
    left_x, left_y = (0, 0, -1, -1), (-1, 0, 0, -1)
    count, used = 0, 0
    for row in range(1, plane.shape[0] - 1):
        for column in range(1, plane.shape[1] - 1):
            label = plane[row, column]
            if label == 0 or plane[row - 1, column] == label or visited[row, column]:
                continue
            owner[count], first[count] = label, used
            count += 1
            x, y, direction = column, row, 0
            while True:
                if direction == 0:
                    if visited[y, x]:
                        break
                    visited[y, x] = True
                x, y = x + step_x[direction], y + step_y[direction]
                if plane[y + right_y[direction], x + right_x[direction]] != label:
                    turn = 1
                elif plane[y + left_y[direction], x + left_x[direction]] != label:
                    continue
                else:
                    turn = 3
                direction = (direction + turn) % 4
                points[used, 0], points[used, 1] = x - 1, y - 1
                used += 1
    return count, used
