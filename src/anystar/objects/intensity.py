"""Brightness of objects, and how they stand out from the unlabelled voxels around them.

One compiled pass per object over the voxels of its bounding box. The values of its voxels, and of those
around it, are copied as float64; means, variances and the median are made from these copies. NaN and infinite
values are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from anystar.geometry.threads import run_chunks
from anystar.runtime.compiled import kernel

__all__ = ["COPIED_BYTES", "brightness_columns"]

COPIED_BYTES = 1 << 28
"""Most bytes of a copy of an image."""


def brightness_columns(
    labels: np.ndarray,
    image: np.ndarray,
    numbers: np.ndarray,
    boxes: np.ndarray,
    *,
    spacing: Sequence[float] | None = None,
    channel: str = "",
) -> dict[str, np.ndarray]:
    """Return mean, median, lowest and highest value of each object's voxels, by the names of the columns.

    With ``spacing`` (ZYX, in any unit), each object is also compared with the unlabelled voxels around it:
    where ``labels`` is 0. Voxels next to the object are left out, as half of each belongs to it. The shell
    that remains is about twice the shortest edge of a voxel thick, at least one voxel along every axis.
    Then ``background`` is the mean of the voxels around, and ``contrast`` the difference of the means divided
    by the root of the mean variance. They are NaN where no voxel around is unlabelled, and the contrast is
    infinite where no values vary.

    Parameters
    ----------
    labels, image : numpy.ndarray
        ``(Z, Y, X)``; the image of any real type.
    numbers, boxes : numpy.ndarray
        ``(N,)``: the objects, and ``(N, 2, 3)``: start and stop of their bounding boxes in ``labels``.
    channel : str
        Ending of the names, if it is not the image that was segmented.
    """
    width = np.zeros(3, np.int64)
    if spacing is not None:
        width[:] = [max(1, round(2 * min(spacing) / s)) for s in spacing]
    mean, own_variance, median, lowest, highest, around, variance = _measure(
        labels, image, numbers, boxes, width
    )
    if image.dtype.kind == "f":
        median = median.astype(image.dtype).astype(np.float64)
    ending = f"_{channel}" if channel else ""
    named = {"mean": mean, "median": median, "min": lowest, "max": highest}
    columns = {f"intensity_{name}{ending}": values for name, values in named.items()}
    if spacing is None:
        return columns
    difference, spread = mean - around, np.sqrt((own_variance + variance) / 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        contrast = difference / spread
    contrast[difference == 0] = 0.0
    return columns | {"background": around, "contrast": contrast}


def _measure(
    labels: np.ndarray, image: np.ndarray, numbers: np.ndarray, boxes: np.ndarray, width: np.ndarray
) -> np.ndarray:
    """Return the seven columns of :func:`_describe`, ``(7, N)``, made in threads."""
    image = np.asarray(image).astype(_compiled_type(image), copy=False)
    image = image.view(np.uint8) if image.dtype == np.bool_ else image
    labels, numbers, boxes = np.asarray(labels), np.asarray(numbers, np.int64), np.asarray(boxes, np.int64)
    found = np.full((len(numbers), 7), np.nan)
    run_chunks(
        lambda a, b: _describe(
            labels, image, numbers[a:b], boxes[a:b], width, np.ones(3, np.int64), found[a:b]
        ),
        len(numbers),
    )
    return found.T


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
def _describe(labels, image, numbers, boxes, width, one, out):
    """Mean, variance, median, lowest, highest value of each object; mean and variance around it.

    Nothing of what has no finite value, and nothing around it without a width.
    """
    for n in range(numbers.size):
        # A mask of the box and the shell, even beyond the volume: no shift of it runs into the next row.
        z0, y0, x0, z1, y1, x1 = _corners(boxes, n)
        az, ay, ax = z0 - width[0] - 1, y0 - width[1] - 1, x0 - width[2] - 1
        bz, by, bx = z1 + width[0] + 1, y1 + width[1] + 1, x1 + width[2] + 1
        inside = np.zeros((bz - az, by - ay, bx - ax), np.uint8)
        for z in range(z0, z1):
            for y in range(y0, y1):
                for x in range(x0, x1):
                    inside[z - az, y - ay, x - ax] = labels[z, y, x] == numbers[n]
        own = _values(labels, image, inside, az, ay, ax, numbers[n])
        if own.size == 0:
            continue
        out[n, 0], out[n, 1] = _mean_and_variance(own)
        out[n, 3], out[n, 4] = _range(own)
        out[n, 2] = _median(own)
        if width[0] > 0:
            near = _dilated(inside, one)
            shell = _dilated(near, width)
            _remove(shell.ravel(), near.ravel())
            around = _values(labels, image, shell, az, ay, ax, np.int64(0))
            if around.size > 0:
                out[n, 5], out[n, 6] = _mean_and_variance(around)


@kernel(**_INNER)
def _corners(boxes, n):
    """Start and stop of a box; expressions of arrays take seconds to compile."""
    return boxes[n, 0, 0], boxes[n, 0, 1], boxes[n, 0, 2], boxes[n, 1, 0], boxes[n, 1, 1], boxes[n, 1, 2]


@kernel(**_INNER)
def _values(labels, image, mask, az, ay, ax, wanted):
    """Finite values of the voxels with a label, where a mask of 0 and 1 that begins at a corner is 1."""
    size = 0
    for value in mask.ravel():
        size += value
    values, count = np.empty(size, np.float64), 0
    for z in range(max(az, 0), min(az + mask.shape[0], labels.shape[0])):
        for y in range(max(ay, 0), min(ay + mask.shape[1], labels.shape[1])):
            for x in range(max(ax, 0), min(ax + mask.shape[2], labels.shape[2])):
                if mask[z - az, y - ay, x - ax] and labels[z, y, x] == wanted:
                    value = np.float64(image[z, y, x])
                    if np.isfinite(value):
                        values[count] = value
                        count += 1
    return values[:count]


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
def _remove(target, source):
    """Take a mask out of another that holds it."""
    for i in range(target.size):
        target[i] -= source[i]


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
