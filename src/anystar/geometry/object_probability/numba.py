"""Object probability: how deep in its object a voxel lies, 1 at the deepest.

The distance to the nearest voxel of another label (or background), between voxel centres, divided by its
maximum in the object; StarDist's ``edt_prob``. As there, the border of the volume is no boundary: an object
that it cuts is deepest where the whole object may well be deepest. The one exception, also StarDist's, is a
volume that one object fills, which is taken to end just outside.

Labels that touch separate each other. The pieces of an object that comes in several share one maximum.
"""

from __future__ import annotations

import numpy as np

from anystar.geometry.labels import check_labels
from anystar.geometry.threads import run_chunks
from anystar.runtime.compiled import kernel

__all__ = ["boundary_distance_squared", "object_probability"]

# Larger than any squared distance in a volume, and its square sums stay finite in float32.
_FAR = np.float32(1e12)
# Columns handled together: one cache line of float32, so that strided lines are read once.
_LINES = 16


def object_probability(labels: np.ndarray, grid: int, spacing: tuple[float, float, float]) -> np.ndarray:
    """Return the probabilities, see :func:`anystar.geometry.object_probability.object_probability`."""
    labels = check_labels(labels)
    squared = boundary_distance_squared(labels, spacing)
    sampled = np.ascontiguousarray(squared[::grid, ::grid, ::grid])
    sampled_labels = np.ascontiguousarray(labels[::grid, ::grid, ::grid])
    if labels.size == 0 or labels.max() == 0:
        return sampled
    if labels.max() > labels.size:  # a table over the labels would be larger than the volume
        names, index = np.unique(labels, return_inverse=True)
        labels = index.reshape(labels.shape).astype(np.int32) + np.int32(names[0] != 0)
        sampled_labels = np.ascontiguousarray(labels[::grid, ::grid, ::grid])
    maxima = np.zeros(int(labels.max()) + 1, np.float32)
    _maxima_kernel(labels.ravel(), squared.ravel(), maxima)
    flat, flat_labels = sampled.ravel(), sampled_labels.ravel()
    run_chunks(
        lambda a, b: _normalise_kernel(flat_labels[a:b], maxima, flat[a:b]),
        flat.size,
        min_chunk=1 << 16,
    )
    return sampled


def boundary_distance_squared(labels: np.ndarray, spacing: tuple[float, float, float]) -> np.ndarray:
    """Return each voxel's squared distance to the nearest voxel of another label; 0 in the background.

    Exact, in time linear in the volume: one pass per axis, each a lower envelope of parabolas within the runs
    of one label. Labels are those of :func:`check_labels`, the result is float32 in the unit of ``spacing``,
    squared, both ``(Z, Y, X)``.

    References
    ----------
    Felzenszwalb and Huttenlocher, Distance transforms of sampled functions, Theory of Computing 8, 2012.
    """
    longest = np.float32(max(spacing))
    weight_z, weight_y, weight_x = ((np.float32(s) / longest) ** 2 for s in spacing)
    if labels.size and labels.flat[0] > 0 and (labels == labels.flat[0]).all():
        inner = boundary_distance_squared(np.pad(labels, 1), spacing)
        return np.ascontiguousarray(inner[1:-1, 1:-1, 1:-1])
    num_z, num_y, num_x = labels.shape
    out = np.empty(labels.shape, np.float32)
    if labels.size == 0:
        return out

    flat_labels, flat_out = labels.ravel(), out.ravel()
    plane = num_y * num_x

    def along_x_and_y(start: int, stop: int) -> None:
        for z in range(start, stop):
            _first_axis_kernel(labels[z], out[z], weight_x)
            _envelope_kernel(flat_labels, flat_out, z * plane, num_y, num_x, num_x, weight_y)

    def along_z(start: int, stop: int) -> None:
        for y in range(start, stop):
            _envelope_kernel(flat_labels, flat_out, y * num_x, num_z, plane, num_x, weight_z)

    run_chunks(along_x_and_y, num_z)
    run_chunks(along_z, num_y)
    if longest != 1:
        out *= longest * longest
    return out


@kernel()
def _first_axis_kernel(labels, out, weight):
    """Squared distance along the last axis of (Y, X) to the nearest other label; ``_FAR`` without one."""
    num_y, num_x = labels.shape
    for y in range(num_y):
        start = 0
        while start < num_x:
            value = labels[y, start]
            stop = start + 1
            while stop < num_x and labels[y, stop] == value:
                stop += 1
            for x in range(start, stop):
                left = x - start + 1 if start > 0 else num_x + 1
                right = stop - x if stop < num_x else num_x + 1
                nearest = min(left, right)
                if value == 0:
                    out[y, x] = 0
                elif nearest > num_x:
                    out[y, x] = _FAR
                else:
                    out[y, x] = np.float32(nearest) * np.float32(nearest) * weight
            start = stop


@kernel()
def _envelope_kernel(labels, out, origin, size, stride, num_x, weight):
    """Lower envelopes down the columns of one plane, in place, within runs of one label.

    The plane is ``num_x`` columns of ``size`` voxels, ``stride`` apart, from ``origin`` on in the flat
    volume; ``weight`` is the squared length of a voxel along the columns. The neighbours at either end of a
    run have another label: parabolas of height 0.
    """
    column = np.empty((_LINES, size), np.float32)
    names = np.empty((_LINES, size), np.int32)
    apex = np.empty(size + 2, np.int32)  # where each parabola of the envelope sits
    height = np.empty(size + 2, np.float32)
    border = np.empty(size + 3, np.float32)  # where each parabola begins to be the lowest
    for first in range(0, num_x, _LINES):
        width = min(_LINES, num_x - first)
        for k in range(size):
            for x in range(width):
                column[x, k] = out[origin + k * stride + first + x]
                names[x, k] = labels[origin + k * stride + first + x]
        for x in range(width):
            start = 0
            while start < size:
                value = names[x, start]
                stop = start + 1
                while stop < size and names[x, stop] == value:
                    stop += 1
                if value != 0:
                    low = start - 1 if start > 0 else start
                    high = stop if stop < size else stop - 1
                    num = 0
                    for k in range(low, high + 1):
                        h = column[x, k] if start <= k < stop else np.float32(0)
                        while num > 0:
                            a = apex[num - 1]
                            meet = (
                                (h + weight * np.float32(k) * k)
                                - (height[num - 1] + weight * np.float32(a) * a)
                            ) / (np.float32(2) * weight * (k - a))
                            if meet > border[num - 1]:
                                border[num] = meet
                                break
                            num -= 1
                        if num == 0:
                            border[0] = -np.inf
                        apex[num] = k
                        height[num] = h
                        num += 1
                    i = 0
                    for k in range(start, stop):
                        while i + 1 < num and border[i + 1] < k:
                            i += 1
                        offset = np.float32(k - apex[i])
                        out[origin + k * stride + first + x] = min(height[i] + weight * offset * offset, _FAR)
                start = stop


@kernel()
def _maxima_kernel(labels, squared, maxima):
    for i in range(labels.size):
        if squared[i] > maxima[labels[i]]:
            maxima[labels[i]] = squared[i]


@kernel()
def _normalise_kernel(labels, maxima, squared):
    """Squared distances to probabilities, in place."""
    for i in range(labels.size):
        if labels[i] != 0:
            squared[i] = np.sqrt(squared[i] / maxima[labels[i]])
