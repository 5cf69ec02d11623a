"""Brightness of objects, and how they stand out from the unlabelled voxels around them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.ndimage import maximum_filter1d

__all__ = ["contrast_columns", "intensity_columns"]


def intensity_columns(
    labels: np.ndarray, image: np.ndarray, numbers: np.ndarray, boxes: np.ndarray, channel: str = ""
) -> dict[str, np.ndarray]:
    """Return mean, median, lowest and highest value of each object's voxels, by the names of the columns.

    Parameters
    ----------
    labels, image : numpy.ndarray
        ``(Z, Y, X)``.
    numbers : numpy.ndarray
        ``(N,)``: the objects.
    boxes : numpy.ndarray
        ``(N, 2, 3)``: start and stop of their bounding boxes in ``labels``.
    channel : str
        Ending of the names, if it is not the image that was segmented.
    """
    rows = np.full((len(numbers), 4), np.nan)
    for row, number, box in zip(rows, numbers, boxes, strict=True):
        crop = _crop(box)
        values = image[crop][labels[crop] == number]
        if len(values):
            row[:] = values.mean(dtype=np.float64), np.median(values), values.min(), values.max()
    ending = f"_{channel}" if channel else ""
    names = [f"intensity_{name}{ending}" for name in ("mean", "median", "min", "max")]
    return dict(zip(names, rows.T, strict=True))


def contrast_columns(
    labels: np.ndarray, image: np.ndarray, numbers: np.ndarray, boxes: np.ndarray, spacing: Sequence[float]
) -> dict[str, np.ndarray]:
    """Compare each object with the unlabelled voxels around it.

    Voxels next to the object are left out, as half of each belongs to it. The shell that remains is about
    twice the shortest edge of a voxel thick, at least one voxel along every axis.

    Parameters
    ----------
    labels, image, numbers, boxes
        As :func:`intensity_columns` takes them.
    spacing : 3 floats
        Edges of a voxel along Z, Y, X, in any unit.
    """
    rows = np.full((len(numbers), 2), np.nan)
    width = [max(1, round(2 * min(spacing) / s)) for s in spacing]
    for row, number, (start, stop) in zip(rows, numbers, boxes, strict=True):
        margin = np.array(width) + 1
        crop = _crop((np.maximum(start - margin, 0), np.minimum(stop + margin, labels.shape)))
        here = labels[crop]
        inside = here == number
        near, far = inside.view(np.uint8), inside.view(np.uint8)
        for axis, w in enumerate(width):
            near = maximum_filter1d(near, 3, axis=axis, mode="constant")
            far = maximum_filter1d(far, 2 * w + 3, axis=axis, mode="constant")
        around = (far > near) & (here == 0)
        if not (around.any() and inside.any()):
            continue
        values = image[crop]
        own, other = values[inside].astype(np.float64), values[around].astype(np.float64)
        spread = math.sqrt((own.var() + other.var()) / 2)
        difference = own.mean() - other.mean()
        row[:] = other.mean(), difference / spread if spread else math.copysign(math.inf, difference)
        if difference == 0:
            row[1] = 0.0
    return dict(zip(("background", "contrast"), rows.T, strict=True))


def _crop(box: Any) -> tuple[slice, ...]:
    return tuple(slice(int(a), int(b)) for a, b in zip(*box, strict=True))
