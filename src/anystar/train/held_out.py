"""A part of an annotated volume that is held out: what was learnt is evaluated there."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import ndimage

from anystar.preprocess.arrays import Box
from anystar.train.labelled import with_shell

__all__ = ["HeldOut", "hold_out_box", "reviewed_labels"]

_FEWEST = 6
"""Objects of a volume from which a part of it is held out."""
_SHARE = 0.25
"""Share of the objects that are held out."""


class HeldOut(NamedTuple):
    """One volume in two parts; labels that belong to the other part are -1, unknown."""

    training: np.ndarray
    """Labels to learn from."""
    held_out: np.ndarray
    """Labels to evaluate on."""
    box: Box
    """Where these lie."""


def hold_out_box(labels: np.ndarray) -> HeldOut | None:
    """Cut a slab off one end of a volume, with about a quarter of the objects; None if there are too few.

    Of the six ends, that whose cut divides the fewest objects is taken. Divided objects are learnt from as a
    whole, and not evaluated on.

    Parameters
    ----------
    labels : numpy.ndarray
        ``(Z, Y, X)`` int: 0 is background, -1 unknown, objects are 1 to n.

    Examples
    --------
    >>> labels = np.zeros((3, 3, 40), int)
    >>> labels[:, :, 1::5] = np.arange(1, 9)
    >>> parts = hold_out_box(labels)
    >>> np.unique(parts.held_out).tolist(), np.unique(parts.training).tolist()
    ([-1, 0, 1, 2], [-1, 0, 3, 4, 5, 6, 7, 8])
    """
    found = [
        (name, box)
        for name, box in enumerate(ndimage.find_objects(np.maximum(labels, 0)), 1)
        if box is not None
    ]
    if len(found) < _FEWEST:
        return None
    names = np.array([name for name, _ in found])
    starts = np.array([[s.start for s in box] for _, box in found])
    stops = np.array([[s.stop for s in box] for _, box in found])
    wanted = max(2, round(_SHARE * len(found)))
    cuts = []
    for axis, num in enumerate(labels.shape):
        for last in (False, True):
            ends = np.sort(num - starts[:, axis] if last else stops[:, axis])
            depth = int(ends[wanted - 1])
            low, high = (num - depth, num) if last else (0, depth)
            inside = (starts[:, axis] >= low) & (stops[:, axis] <= high)
            outside = (stops[:, axis] <= low) | (starts[:, axis] >= high)
            if 2 * inside.sum() < len(found):
                cuts.append((int((~inside & ~outside).sum()), axis, low, high, inside))
    if not cuts:
        return None
    _, axis, low, high, inside = min(cuts, key=lambda cut: cut[0])
    box = tuple(slice(low, high) if k == axis else slice(0, n) for k, n in enumerate(labels.shape))
    training, held_out = labels.copy(), np.full_like(labels, -1)
    kept_out = np.zeros(int(names.max()) + 1, bool)
    kept_out[names[inside]] = True
    within = np.maximum(labels[box], 0)
    divided = (within > 0) & ~kept_out[within]
    training[box] = np.where(divided, labels[box], -1)
    held_out[box] = np.where(divided, -1, labels[box])
    z, y, x = box
    return HeldOut(training, held_out, (z, y, x))


def reviewed_labels(
    labels: np.ndarray, reviewed: np.ndarray, *, spacing: tuple[float, float, float] | None = None
) -> np.ndarray:
    """Return labels of which only what was reviewed is known, int32; everything else is -1.

    An object counts as reviewed if most of its voxels are: where ``reviewed`` is not 0. Known background is
    what was reviewed, and a thin shell around every reviewed object: somewhere it must end. Both are
    ``(Z, Y, X)``; ``spacing`` are the edges of a voxel.
    """
    positive, confirmed = np.maximum(labels, 0), reviewed != 0
    if confirmed.all():
        return labels.astype(np.int32)
    total = np.bincount(positive.ravel())
    known = np.bincount(positive[confirmed], minlength=len(total)) * 2 > total
    known[0] = False
    objects = known[positive]
    edges = np.array(spacing or (1.0, 1.0, 1.0))
    shell = objects
    if objects.any():
        diameter = float(np.cbrt(6 / np.pi * np.median(total[known]) * edges.prod()))
        shell = with_shell(objects, diameter, edges)
    background = (labels == 0) & (confirmed | shell)
    return np.where(objects, labels, np.where(background, 0, -1)).astype(np.int32)
