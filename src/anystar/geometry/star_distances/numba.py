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

import numpy as np

from anystar.geometry.body.numba import FAST
from anystar.geometry.labels import check_labels
from anystar.geometry.rays import Rays
from anystar.geometry.threads import run_chunks
from anystar.runtime.compiled import kernel

__all__ = ["PAD", "march_offsets", "star_distances"]

# Layers of background around the volume: the first stops a march by unit steps, the others let the
# interpolation look around and beyond where it stopped.
PAD = 3


def star_distances(labels: np.ndarray, points: np.ndarray, rays: Rays) -> np.ndarray:
    """Return the star distances of voxels, see :func:`anystar.geometry.star_distances.star_distances`."""
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
    offsets = march_offsets(padded.shape, rays)
    rays_3R = np.ascontiguousarray(rays.vertices.T)
    run_chunks(
        lambda a, b: _voxels_kernel(padded, rays_3R, offsets, points[a:b], out[a:b]),
        len(points),
        min_chunk=64,
    )
    return out


def _pad(labels: np.ndarray) -> np.ndarray:
    """Return int32 labels inside layers of background, or raise ``ValueError``."""
    labels = check_labels(labels)
    z, y, x = labels.shape
    if (z + 2 * PAD) * (y + 2 * PAD) * (x + 2 * PAD) >= 2**31:
        raise ValueError(f"labels must have fewer than 2^31 voxels, got shape {labels.shape}")
    return np.pad(labels, PAD)


def march_offsets(shape: tuple[int, ...], rays: Rays) -> np.ndarray:
    """Return flat offsets ``(R, K)`` of the nearest voxel after 1, 2, ... steps; the same for every start.

    Rounding is ``floor(x + 0.5)``, by which one step moves at most one voxel along an axis: no march can
    jump over the padding.
    """
    num_steps = int(np.ceil(np.sqrt(sum(s * s for s in shape)))) + 1
    steps = np.arange(1, num_steps + 1, dtype=np.float64)[:, None]
    nearest = np.floor(rays.vertices[:, None, :].astype(np.float64) * steps + 0.5).astype(np.int64)
    strides = np.array([shape[1] * shape[2], shape[2], 1], np.int64)
    # Steps that leave even the padding are never taken; clip them into int32.
    return np.clip(nearest @ strides, -(2**31), 2**31 - 1).astype(np.int32)


_HALF = np.float32(0.5)


@kernel(forceinline=True, fastmath=FAST)
def _corners(flat, i, stride_z, stride_y, value):
    """Which of the eight voxels of the cell at ``i`` have ``value``, as bits (x fastest)."""
    # Unsigned indices are several times faster: signed ones may count from the end.
    one = np.uint64(1)
    i = np.uint64(i)
    j = i + np.uint64(stride_y)
    k = i + np.uint64(stride_z)
    m = k + np.uint64(stride_y)
    return (
        np.int32(flat[i] == value)
        | np.int32(flat[i + one] == value) << 1
        | np.int32(flat[j] == value) << 2
        | np.int32(flat[j + one] == value) << 3
        | np.int32(flat[k] == value) << 4
        | np.int32(flat[k + one] == value) << 5
        | np.int32(flat[m] == value) << 6
        | np.int32(flat[m + one] == value) << 7
    )


@kernel(forceinline=True, fastmath=FAST)
def _interpolate(bits, wz, wy, wx):
    """Trilinear interpolation of eight bits."""
    one, zero = np.float32(1), np.float32(0)
    vx = one - wx
    a = (vx if bits & 1 else zero) + (wx if bits & 2 else zero)
    b = (vx if bits & 4 else zero) + (wx if bits & 8 else zero)
    c = (vx if bits & 16 else zero) + (wx if bits & 32 else zero)
    d = (vx if bits & 64 else zero) + (wx if bits & 128 else zero)
    a += wy * (b - a)
    c += wy * (d - c)
    return a + wz * (c - a)


@kernel(forceinline=True, fastmath=FAST)
def _share(flat, start, stride_z, stride_y, value, dz, dy, dx):
    """Trilinear share of ``value`` at the flat voxel ``start`` plus the offset (dz, dy, dx)."""
    fz, fy, fx = np.floor(dz), np.floor(dy), np.floor(dx)
    i = start + np.int64(fz) * stride_z + np.int64(fy) * stride_y + np.int64(fx)
    return _interpolate(_corners(flat, i, stride_z, stride_y, value), dz - fz, dy - fy, dx - fx)


@kernel(fastmath=FAST)
def _shares(flat, start, stride_z, stride_y, value, rays_3R, t, bits, out):
    """:func:`_share` at distance ``t[r]`` along every ray: loops of arithmetic only, or of look-ups only."""
    num_rays = t.shape[0]
    for r in range(num_rays):
        fz, fy, fx = (
            np.floor(t[r] * rays_3R[0, r]),
            np.floor(t[r] * rays_3R[1, r]),
            np.floor(t[r] * rays_3R[2, r]),
        )
        bits[r] = np.int32(fz) * stride_z + np.int32(fy) * stride_y + np.int32(fx)
    for r in range(num_rays):
        bits[r] = _corners(flat, start + bits[r], stride_z, stride_y, value)
    for r in range(num_rays):
        dz, dy, dx = t[r] * rays_3R[0, r], t[r] * rays_3R[1, r], t[r] * rays_3R[2, r]
        out[r] = _interpolate(bits[r], dz - np.floor(dz), dy - np.floor(dy), dx - np.floor(dx))


@kernel(fastmath=FAST)
def _bracket(flat, start, stride_z, stride_y, value, rays_3R, near, f_near, far, f_far):
    """Move the few brackets that do not hold the half-crossing until they do."""
    for r in range(near.shape[0]):
        if (f_near[r] >= _HALF) != (f_far[r] >= _HALF):
            continue
        dz, dy, dx = rays_3R[0, r], rays_3R[1, r], rays_3R[2, r]
        # Inside at both ends: outwards. Outside at both: inwards, to 0 at the latest, where the share is 1.
        move = _HALF if f_far[r] >= _HALF else -_HALF
        while (f_near[r] >= _HALF) == (f_far[r] >= _HALF):
            near[r], f_near[r] = far[r], f_far[r]
            t = max(near[r] + move, np.float32(0))
            far[r] = t
            f_far[r] = _share(flat, start, stride_z, stride_y, value, t * dz, t * dy, t * dx)


@kernel(fastmath=FAST)
def _voxel(flat, start, stride_z, stride_y, rays_3R, offsets, scratch, bits, out):
    """Distances of one voxel: march by nearest labels, bracket the half-crossing, close in.

    The loops are many and short so that each is plain arithmetic over few arrays, which compiles to vectors.
    """
    value = flat[start]
    if value == 0:
        out[:] = 0
        return
    one, zero = np.float32(1), np.float32(0)
    num_rays = out.shape[0]
    near, f_near, far, f_far, f = scratch[0], scratch[1], scratch[2], scratch[3], scratch[4]
    for r in range(num_rays):
        step = np.uint64(0)
        while flat[np.uint64(start + offsets[r, step])] == value:
            step += np.uint64(1)
        near[r] = np.float32(step) + _HALF
    # The crossing is nearly always within one voxel of the middle of the last step; the share there decides
    # on which side.
    _shares(flat, start, stride_z, stride_y, value, rays_3R, near, bits, f_near)
    for r in range(num_rays):
        far[r] = near[r] + one if f_near[r] >= _HALF else max(near[r] - one, zero)
    _shares(flat, start, stride_z, stride_y, value, rays_3R, far, bits, f_far)
    _bracket(flat, start, stride_z, stride_y, value, rays_3R, near, f_near, far, f_far)
    # A secant, a look, and a secant on the side that holds the crossing: within a few hundredths of a voxel.
    for r in range(num_rays):
        out[r] = near[r] + (far[r] - near[r]) * (f_near[r] - _HALF) / (f_near[r] - f_far[r])
    _shares(flat, start, stride_z, stride_y, value, rays_3R, out, bits, f)
    for r in range(num_rays):
        use_far = (f[r] >= _HALF) == (f_near[r] >= _HALF)
        end = far[r] if use_far else near[r]
        f_end = f_far[r] if use_far else f_near[r]
        out[r] += (end - out[r]) * (f[r] - _HALF) / (f[r] - f_end)


@kernel(fastmath=FAST)
def _voxels_kernel(padded, rays_3R, offsets, points, out):
    """Fill ``out`` with the distances of ``points``."""
    stride_y = np.int32(padded.shape[2])
    stride_z = np.int32(padded.shape[1] * padded.shape[2])
    flat = padded.ravel()
    scratch = np.empty((5, rays_3R.shape[1]), np.float32)
    bits = np.empty(rays_3R.shape[1], np.int32)
    for n in range(points.shape[0]):
        z, y, x = points[n, 0], points[n, 1], points[n, 2]
        start = (z + PAD) * np.int64(stride_z) + (y + PAD) * np.int64(stride_y) + (x + PAD)
        _voxel(flat, start, stride_z, stride_y, rays_3R, offsets, scratch, bits, out[n])
