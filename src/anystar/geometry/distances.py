"""Star distances: how far a voxel's object reaches along each ray, to a fraction of a voxel.

The boundary. Let ``f`` be the trilinear interpolation of "has this voxel's label" (1 or 0), 0 outside the
volume. A ray's distance is where ``f`` falls through 1/2. Between two voxels of different labels that is
halfway, whatever the direction; StarDist instead measures to the last rounded voxel.

The border. Outside counts as another object, so a ray that leaves the volume ends half a voxel beyond the
outermost sample, at -0.5 or ``size - 0.5``, where the outermost voxels end. Surrounding a volume with
background therefore changes no distance, and an object cut by the border ends at the cut, as in StarDist.

What is skipped. A ray advances in steps of one voxel by the nearest label, as StarDist's do, and only then
looks for the crossing. A gap that no step lands in is crossed.
"""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np
from numpy.typing import DTypeLike

from anystar.geometry.rays import Rays
from anystar.geometry.threads import run_chunks

__all__ = ["star_distances", "star_distances_at"]

# Layers of background around the volume: the first stops a march by unit steps, the second lets the
# interpolation look at both sides of where it stopped.
_PAD = 2


def star_distances(
    labels: np.ndarray,
    rays: Rays,
    *,
    grid: int = 1,
    dtype: DTypeLike = np.float32,
    num_threads: int | None = None,
) -> np.ndarray:
    """Return the star distances of every ``grid``-th voxel along each axis.

    Parameters
    ----------
    labels : numpy.ndarray
        Shape ``(Z, Y, X)``, any integer dtype with values that fit int32; 0 is background.
    rays : Rays
        ``R`` directions.
    grid : int
        Voxels between samples along each axis, at least 1. Sample ``i`` is voxel ``i * grid``.
    dtype : numpy dtype
        float32 or float16 (half the memory; a relative error of 5e-4).
    num_threads : int, optional
        Threads at most; all cores by default.

    Returns
    -------
    numpy.ndarray
        Shape ``((Z - 1) // grid + 1, ..., R)``: voxels along the unit rays; 0 in the background.

    Examples
    --------
    >>> from anystar.geometry.rays import golden_spiral
    >>> labels = np.zeros((9, 9, 9), np.int32)
    >>> labels[2:7, 2:7, 2:7] = 1
    >>> distances = star_distances(labels, golden_spiral(32), grid=2)
    >>> distances.shape
    (5, 5, 5, 32)
    >>> float(distances[2, 2, 2, 0])    # straight up to the face of the cube
    2.5
    """
    padded = _pad(labels)
    if grid < 1:
        raise ValueError(f"grid must be at least 1, got {grid}")
    dtype = np.dtype(dtype)
    if dtype not in (np.dtype(np.float32), np.dtype(np.float16)):
        raise ValueError(f"dtype must be float32 or float16, got {dtype}")
    shape = tuple((s - 1) // grid + 1 for s in labels.shape)
    out = np.empty((*shape, len(rays)), dtype)
    if out.size == 0:
        return out
    offsets = _march_offsets(padded.shape, rays)
    num_rows = shape[0] * shape[1]
    rows = out.reshape(num_rows, shape[2], len(rays))

    def work(start: int, stop: int) -> None:
        for a in range(start, stop, 8) if dtype == np.float16 else (start,):
            # Half floats go through a small buffer: one compiled kernel serves both.
            b = min(a + 8, stop) if dtype == np.float16 else stop
            part = np.empty((b - a, *rows.shape[1:]), np.float32) if dtype == np.float16 else rows[a:b]
            _rows_kernel(padded, rays.vertices, offsets, a, shape[1], grid, part)
            if dtype == np.float16:
                rows[a:b] = part

    run_chunks(work, num_rows, num_threads=num_threads)
    return out


def star_distances_at(
    labels: np.ndarray, points: np.ndarray, rays: Rays, *, num_threads: int | None = None
) -> np.ndarray:
    """Return the star distances of some voxels only, which is what a training step needs.

    Parameters
    ----------
    labels : numpy.ndarray
        Shape ``(Z, Y, X)``, any integer dtype with values that fit int32; 0 is background.
    points : numpy.ndarray
        Shape ``(N, 3)``, integer voxel coordinates (ZYX) inside the volume.
    rays : Rays
        ``R`` directions.
    num_threads : int, optional
        Threads at most; all cores by default.

    Returns
    -------
    numpy.ndarray
        Shape ``(N, R)``, float32: voxels along the unit rays; 0 for points in the background. Equal to
        ``star_distances(labels, rays)`` at these points.

    Examples
    --------
    >>> from anystar.geometry.rays import golden_spiral
    >>> labels = np.ones((5, 5, 5), np.int32)
    >>> star_distances_at(labels, np.array([[1, 2, 2]]), golden_spiral(5))[0, [0, 4]]
    array([1.5, 3.5], dtype=float32)
    """
    padded = _pad(labels)
    points = np.asarray(points)
    if points.ndim != 2 or points.shape[1] != 3 or points.dtype.kind not in "iu":
        raise ValueError(f"points must be integers of shape (N, 3), got {points.dtype} {points.shape}")
    points = np.ascontiguousarray(points, np.int64)
    if len(points) and ((points < 0).any() or (points >= labels.shape).any()):
        raise ValueError(
            f"points must lie inside the volume of shape {labels.shape}, "
            f"got {points.min(axis=0).tolist()} to {points.max(axis=0).tolist()}"
        )
    out = np.empty((len(points), len(rays)), np.float32)
    offsets = _march_offsets(padded.shape, rays)
    run_chunks(
        lambda a, b: _points_kernel(padded, rays.vertices, offsets, points[a:b], out[a:b]),
        len(points),
        num_threads=num_threads,
        min_chunk=64,
    )
    return out


def _pad(labels: np.ndarray) -> np.ndarray:
    """Return int32 labels inside two layers of background, or raise ``ValueError``."""
    if labels.ndim != 3:
        raise ValueError(f"labels must have three axes (Z, Y, X), got shape {labels.shape}")
    if labels.dtype.kind not in "iu":
        raise ValueError(f"labels must be integers, got {labels.dtype}")
    limit = np.iinfo(np.int32).max
    if labels.dtype.itemsize >= 4 and labels.dtype != np.int32 and labels.size and labels.max() > limit:
        raise ValueError(f"labels must fit int32, got {labels.max()}")
    z, y, x = labels.shape
    padded = np.zeros((z + 2 * _PAD, y + 2 * _PAD, x + 2 * _PAD), np.int32)
    padded[_PAD : _PAD + z, _PAD : _PAD + y, _PAD : _PAD + x] = labels
    return padded


def _march_offsets(shape: tuple[int, ...], rays: Rays) -> np.ndarray:
    """Return flat offsets ``(R, K)`` of the nearest voxel after 1, 2, ... steps; the same for every start.

    Rounding is ``floor(x + 0.5)``, by which one step moves at most one voxel along an axis: no march can
    jump over the padding.
    """
    num_steps = int(np.ceil(np.sqrt(sum(s * s for s in shape)))) + 1
    steps = np.arange(1, num_steps + 1, dtype=np.float64)[:, None]
    nearest = np.floor(rays.vertices[:, None, :].astype(np.float64) * steps + 0.5).astype(np.int64)
    strides = np.array([shape[1] * shape[2], shape[2], 1], np.int64)
    return nearest @ strides


_KERNEL: dict[str, Any] = {"cache": True, "nogil": True, "fastmath": {"contract", "nsz"}}


@nb.njit(inline="always", **_KERNEL)
def _share(flat, start, stride_z, stride_y, value, dz, dy, dx):
    """Trilinear share of ``value`` at the flat voxel ``start`` plus the offset (dz, dy, dx)."""
    fz, fy, fx = np.floor(dz), np.floor(dy), np.floor(dx)
    i = start + np.int64(fz) * stride_z + np.int64(fy) * stride_y + np.int64(fx)
    wz, wy, wx = dz - fz, dy - fy, dx - fx
    one, zero = np.float32(1), np.float32(0)
    vx = one - wx
    j = i + stride_y
    near = (one - wy) * ((vx if flat[i] == value else zero) + (wx if flat[i + 1] == value else zero)) + wy * (
        (vx if flat[j] == value else zero) + (wx if flat[j + 1] == value else zero)
    )
    i += stride_z
    j += stride_z
    far = (one - wy) * ((vx if flat[i] == value else zero) + (wx if flat[i + 1] == value else zero)) + wy * (
        (vx if flat[j] == value else zero) + (wx if flat[j + 1] == value else zero)
    )
    return near + wz * (far - near)


@nb.njit(**_KERNEL)
def _voxel(flat, start, stride_z, stride_y, vertices, offsets, out):
    """Distances of one voxel: march by nearest labels, bracket the half-crossing, close in."""
    value = flat[start]
    half, one = np.float32(0.5), np.float32(1)
    for r in range(vertices.shape[0]):
        if value == 0:
            out[r] = 0
            continue
        step = 0
        while flat[start + offsets[r, step]] == value:
            step += 1
        dz, dy, dx = vertices[r, 0], vertices[r, 1], vertices[r, 2]
        high = np.float32(step + 1)
        f_high = _share(flat, start, stride_z, stride_y, value, high * dz, high * dy, high * dx)
        if f_high < half:
            low = high - one
            f_low = _share(flat, start, stride_z, stride_y, value, low * dz, low * dy, low * dx)
            while f_low < half:  # the voxel itself has share 1, so this ends at 0 at the latest
                high, f_high = low, f_low
                low = high - half
                f_low = _share(flat, start, stride_z, stride_y, value, low * dz, low * dy, low * dx)
        else:
            low, f_low = high, f_high
            while f_high >= half:  # rounding saw another label where most of the share is still ours
                low, f_low = high, f_high
                high = low + half
                f_high = _share(flat, start, stride_z, stride_y, value, high * dz, high * dy, high * dx)
        # Regula falsi; two more looks leave an error of about a hundredth of a voxel.
        for _ in range(2):
            t = low + (high - low) * (f_low - half) / (f_low - f_high)
            f = _share(flat, start, stride_z, stride_y, value, t * dz, t * dy, t * dx)
            if f >= half:
                low, f_low = t, f
            else:
                high, f_high = t, f
        out[r] = low + (high - low) * (f_low - half) / (f_low - f_high)


@nb.njit(**_KERNEL)
def _rows_kernel(padded, vertices, offsets, first_row, num_y, grid, out):
    """Fill ``out`` (rows, X, R), row ``first_row + i`` being voxel row (z, y) of the grid, z slowest."""
    stride_y = padded.shape[2]
    stride_z = padded.shape[1] * stride_y
    flat = padded.ravel()
    for i in range(out.shape[0]):
        z, y = divmod(first_row + i, num_y)
        row = (z * grid + _PAD) * stride_z + (y * grid + _PAD) * stride_y + _PAD
        for x in range(out.shape[1]):
            _voxel(flat, row + x * grid, stride_z, stride_y, vertices, offsets, out[i, x])


@nb.njit(**_KERNEL)
def _points_kernel(padded, vertices, offsets, points, out):
    """Fill ``out`` (N, R) for the voxels ``points`` (N, 3)."""
    stride_y = padded.shape[2]
    stride_z = padded.shape[1] * stride_y
    flat = padded.ravel()
    for n in range(points.shape[0]):
        start = (points[n, 0] + _PAD) * stride_z + (points[n, 1] + _PAD) * stride_y + points[n, 2] + _PAD
        _voxel(flat, start, stride_z, stride_y, vertices, offsets, out[n])
