"""Some of the objects of a label image, drawn into another where they change only."""

from __future__ import annotations

import numpy as np

from anystar.geometry.threads import run_chunks
from anystar.runtime.compiled import kernel

__all__ = ["redraw"]


def redraw(
    target: np.ndarray, labels: np.ndarray, numbers: np.ndarray, bbox: np.ndarray, visible: np.ndarray
) -> None:
    """Show or hide objects in ``target``, which is changed in place.

    It and ``labels``, all objects, are int32 ``(Z, Y, X)``. Of the N objects that change there are the
    numbers ``(N,)``, the half-open bounding boxes ``z0 y0 x0 z1 y1 x1`` ``(N, 6)``, and whether each is
    visible, bool ``(N,)``.

    Examples
    --------
    >>> labels = np.array([[[0, 1, 2, 2]]], np.int32)
    >>> target = labels.copy()
    >>> redraw(target, labels, np.array([2]), np.array([[0, 0, 2, 1, 1, 4]]), np.array([False]))
    >>> target.tolist()
    [[[0, 1, 0, 0]]]
    """
    numbers, bbox = numbers.astype(np.int64), bbox.astype(np.int64)
    run_chunks(lambda a, b: _redraw(target, labels, numbers[a:b], bbox[a:b], visible[a:b]), len(numbers))


@kernel()
def _redraw(target, labels, numbers, bbox, visible):
    for n in range(numbers.size):
        value = numbers[n] if visible[n] else 0
        for z in range(bbox[n, 0], bbox[n, 3]):
            for y in range(bbox[n, 1], bbox[n, 4]):
                for x in range(bbox[n, 2], bbox[n, 5]):
                    if labels[z, y, x] == numbers[n]:
                        target[z, y, x] = value
