"""Brightness of objects, and how they stand out from the unlabelled voxels around them.

One compiled pass per object over the voxels of its bounding box. The values of its voxels, and of those
around it, are copied as float64; means, variances and the median are made from these copies. NaN and infinite
values are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from anystar.geometry.threads import run_chunks
from anystar.runtime.compiled import kernel

__all__ = ["COPIED_BYTES", "contrast_columns", "intensity_columns"]

COPIED_BYTES = 1 << 28
"""Most bytes of a copy of an image."""


def intensity_columns(
    labels: np.ndarray, image: np.ndarray, numbers: np.ndarray, boxes: np.ndarray, channel: str = ""
) -> dict[str, np.ndarray]:
    """Return mean, median, lowest and highest value of each object's voxels, by the names of the columns.

    Parameters
    ----------
    labels, image : numpy.ndarray
        ``(Z, Y, X)``; the image of any real type.
    numbers : numpy.ndarray
        ``(N,)``: the objects.
    boxes : numpy.ndarray
        ``(N, 2, 3)``: start and stop of their bounding boxes in ``labels``.
    channel : str
        Ending of the names, if it is not the image that was segmented.
    """
    measured = np.full((len(numbers), 4), np.nan)
    _measure(_intensities, labels, image, numbers, boxes, measured)
    mean, median, lowest, highest = measured.T
    if image.dtype.kind == "f":
        median = median.astype(image.dtype).astype(np.float64)
    ending = f"_{channel}" if channel else ""
    columns = {"mean": mean, "median": median, "min": lowest, "max": highest}
    return {f"intensity_{name}{ending}": values for name, values in columns.items()}


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

    Returns
    -------
    dict
        ``background``, the mean of the voxels around, and ``contrast``, the difference of the means divided
        by the root of the mean variance. NaN where no voxel around is unlabelled, infinite where no values
        vary.
    """
    width = np.array([max(1, round(2 * min(spacing) / s)) for s in spacing])
    measured = np.full((len(numbers), 4), np.nan)
    _measure(_moments, labels, image, numbers, boxes, measured, np.ones(3, np.int64), width)
    own, own_variance, around, variance = measured.T
    difference, spread = own - around, np.sqrt((own_variance + variance) / 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        contrast = difference / spread
    contrast[difference == 0] = 0.0
    return {"background": around, "contrast": contrast}


def _measure(
    compiled: Callable[..., None],
    labels: np.ndarray,
    image: np.ndarray,
    numbers: np.ndarray,
    boxes: np.ndarray,
    out: np.ndarray,
    *options: np.ndarray,
) -> None:
    """Fill a row of ``out`` for each object, in threads."""
    image = np.asarray(image).astype(_compiled_type(image), copy=False)
    image = image.view(np.uint8) if image.dtype == np.bool_ else image
    labels, numbers, boxes = np.asarray(labels), np.asarray(numbers, np.int64), np.asarray(boxes, np.int64)
    run_chunks(
        lambda a, b: compiled(labels, image, numbers[a:b], boxes[a:b], out[a:b], *options), len(numbers)
    )


_INNER: dict[str, Any] = {"no_cpython_wrapper": True}
"""Of what only other kernels call: a wrapper for Python takes time to compile."""


def _compiled_type(image: np.ndarray) -> np.dtype[Any]:
    """Return the type as which an image is measured: of two, so that no new type is a reason to compile.

    A large image keeps its own, as a copy would take memory. The values are the same.
    """
    own = image.dtype.newbyteorder("=")
    kind = np.dtype(np.float32 if np.can_cast(own, np.float32) else np.float64)
    unknown = own in (np.float16, np.longdouble)  # to Numba
    return kind if unknown or image.size * kind.itemsize <= COPIED_BYTES else own


@kernel()
def _intensities(labels, image, numbers, boxes, out):
    """Mean, median, lowest and highest value of each object; nothing if none is finite."""
    for n in range(numbers.size):
        z0, y0, x0, z1, y1, x1 = _corners(boxes, n)
        values = np.empty(_count(labels[z0:z1, y0:y1, x0:x1], numbers[n]), np.float64)
        count = 0
        for z in range(z0, z1):
            for y in range(y0, y1):
                for x in range(x0, x1):
                    value = np.float64(image[z, y, x])
                    if labels[z, y, x] == numbers[n] and np.isfinite(value):
                        values[count] = value
                        count += 1
        if count > 0:
            own = values[:count]
            out[n, 0] = _sum(own) / count
            out[n, 2], out[n, 3] = _range(own)
            out[n, 1] = _median(own)


@kernel()
def _moments(labels, image, numbers, boxes, out, one, width):
    """Mean and variance of each object and of the voxels around it; nothing if none of either is finite."""
    for n in range(numbers.size):
        # A mask of the box and the shell, even beyond the volume: no shift of it runs into the next row.
        z0, y0, x0, z1, y1, x1 = _corners(boxes, n)
        az, ay, ax = z0 - width[0] - 1, y0 - width[1] - 1, x0 - width[2] - 1
        bz, by, bx = z1 + width[0] + 1, y1 + width[1] + 1, x1 + width[2] + 1
        inside = np.zeros((bz - az, by - ay, bx - ax), np.uint8)
        own, num_own = np.empty(_count(labels[z0:z1, y0:y1, x0:x1], numbers[n]), np.float64), 0
        for z in range(z0, z1):
            for y in range(y0, y1):
                for x in range(x0, x1):
                    if labels[z, y, x] == numbers[n]:
                        inside[z - az, y - ay, x - ax] = 1
                        value = np.float64(image[z, y, x])
                        if np.isfinite(value):
                            own[num_own] = value
                            num_own += 1
        near = _dilated(inside, one)
        shell = _dilated(near, width)
        around, num_around = np.empty(_count(shell, 1) - _count(near, 1), np.float64), 0
        for z in range(max(az, 0), min(bz, labels.shape[0])):
            for y in range(max(ay, 0), min(by, labels.shape[1])):
                for x in range(max(ax, 0), min(bx, labels.shape[2])):
                    ring = shell[z - az, y - ay, x - ax] > near[z - az, y - ay, x - ax]
                    if ring and labels[z, y, x] == 0:
                        value = np.float64(image[z, y, x])
                        if np.isfinite(value):
                            around[num_around] = value
                            num_around += 1
        if num_own > 0 and num_around > 0:
            out[n, 0], out[n, 1] = _mean_and_variance(own[:num_own])
            out[n, 2], out[n, 3] = _mean_and_variance(around[:num_around])


@kernel(**_INNER)
def _corners(boxes, n):
    """Start and stop of a box; expressions of arrays take seconds to compile."""
    return boxes[n, 0, 0], boxes[n, 0, 1], boxes[n, 0, 2], boxes[n, 1, 0], boxes[n, 1, 1], boxes[n, 1, 2]


@kernel(**_INNER)
def _count(values, wanted):
    count = 0
    for z in range(values.shape[0]):
        for y in range(values.shape[1]):
            for x in range(values.shape[2]):
                count += values[z, y, x] == wanted
    return count


@kernel(**_INNER)
def _dilated(mask, reach):
    """Grow a mask of 0 and 1 by a box that reaches so far either way; it must not reach across rows."""
    grown, stride = mask, 1
    for axis in (2, 1, 0):
        before = grown
        grown = np.zeros(mask.shape, np.uint8)
        old, new = before.ravel(), grown.ravel()
        for step in range(reach[axis] + 1):
            _merge(new[step * stride :], old)
            _merge(new, old[step * stride :])
        stride *= mask.shape[axis]
    return grown


@kernel(**_INNER)
def _merge(target, source):
    """Add a mask to another, as far as both go."""
    for i in range(min(target.size, source.size)):
        target[i] |= source[i]


@kernel(**_INNER)
def _sum(values):
    """Sum in blocks, whose rounding errors do not add up over all values."""
    total = 0.0
    for start in range(0, values.size, 128):
        block = 0.0
        for i in range(start, min(start + 128, values.size)):
            block += values[i]
        total += block
    return total


@kernel(**_INNER)
def _range(values):
    """Lowest and highest of at least one value, NaN if one is; numpy's own take a second to compile."""
    lowest = highest = values[0]
    for value in values:
        if value != value:
            return value, value
        lowest, highest = min(lowest, value), max(highest, value)
    return lowest, highest


@kernel(**_INNER)
def _mean_and_variance(values):
    """Mean and variance; exact if all values are the same."""
    lowest, highest = _range(values)
    if lowest == highest:
        return lowest, 0.0
    mean = _sum(values) / values.size
    squares = np.empty(values.size, np.float64)
    for i in range(values.size):
        squares[i] = (values[i] - mean) * (values[i] - mean)
    return mean, _sum(squares) / values.size


@kernel(**_INNER)
def _median(values):
    """Median of at least one value, whose order changes: the middle is selected by partitions (Hoare)."""
    middle = values.size // 2
    low, high = 0, values.size - 1
    while low < high:
        pivot = values[(low + high) // 2]
        i, j = low, high
        while i <= j:
            while values[i] < pivot:
                i += 1
            while values[j] > pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if middle <= j:
            high = j
        elif middle >= i:
            low = i
        else:
            break
    if values.size % 2 == 1:
        return values[middle]
    return (_range(values[:middle])[1] + values[middle]) / 2
