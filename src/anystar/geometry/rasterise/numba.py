"""Star-convex bodies to voxels.

A voxel belongs to a body if its centre does (:mod:`anystar.geometry.body.numba` says what the body is). Where
bodies overlap, the more probable one wins the voxel, and of equally probable ones the earlier. Bodies are
clipped at the volume's border; their centres may lie outside.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from anystar.arrays import check_spacing
from anystar.geometry.body.numba import check_bodies, inside, radius_tables
from anystar.geometry.polyhedra import bounding_boxes
from anystar.geometry.rays import Rays
from anystar.geometry.threads import default_num_threads, run_chunks
from anystar.runtime.compiled import kernel

__all__ = ["check_shape", "check_start", "rasterise"]


def rasterise(
    points: np.ndarray,
    distances: np.ndarray,
    rays: Rays,
    shape: tuple[int, int, int],
    *,
    prob: np.ndarray | None = None,
    labels: np.ndarray | None = None,
    voxel_size: tuple[float, float, float] = (1.0, 1.0, 1.0),
    start: tuple[int, int, int] = (0, 0, 0),
    num_threads: int | None = None,
) -> np.ndarray:
    """Draw bodies into a label volume, or into a part of it.

    Parameters
    ----------
    points : numpy.ndarray
        Centres, shape ``(N, 3)``, voxels (ZYX), inside or outside of the volume.
    distances : numpy.ndarray
        Star distances, shape ``(N, R)``, finite, at least 0; in voxels, or in the unit of ``voxel_size``.
    rays : Rays
        ``R`` directions.
    shape : tuple of 3 ints
        Shape ``(Z, Y, X)`` of the result.
    prob : numpy.ndarray, optional
        Shape ``(N,)``. Where bodies overlap the highest wins; without, or if equal, the first.
    labels : numpy.ndarray, optional
        What to write for each body, shape ``(N,)``, 1 to 2^31 - 1; by default 1 to N.
    voxel_size : tuple of 3 floats
        Size of a voxel of the result (ZYX) in the unit of the distances: bodies found on a resampled volume
        are drawn straight onto the original, anisotropic lattice.
    start : tuple of 3 ints
        First voxel (ZYX) of the part to be drawn, exactly as it would be drawn in the whole.
    num_threads : int, optional
        Threads at most; all cores by default.

    Returns
    -------
    numpy.ndarray
        Shape ``shape``, int32; 0 where there is no body.

    Examples
    --------
    >>> from anystar.geometry.rays import golden_spiral
    >>> volume = rasterise(np.array([[5, 5, 5]]), np.full((1, 32), 3.0), golden_spiral(32), (11, 11, 11))
    >>> volume[5, 5]
    array([0, 0, 1, 1, 1, 1, 1, 1, 1, 0, 0], dtype=int32)
    """
    points, distances = check_bodies(points, distances, rays)
    shape = check_shape(shape)
    num = len(points)
    names = np.arange(1, num + 1) if labels is None else np.asarray(labels)
    if names.shape != (num,) or names.dtype.kind not in "iu":
        raise ValueError(f"labels must be integers of shape ({num},), got {names.dtype} {names.shape}")
    if num and (names.min() < 1 or names.max() > np.iinfo(np.int32).max):
        raise ValueError(f"labels must be 1 to 2^31 - 1, got {names.min()} to {names.max()}")
    scores = np.zeros(num) if prob is None else np.asarray(prob, np.float64)
    if scores.shape != (num,) or np.isnan(scores).any():
        raise ValueError(f"prob must be numbers of shape ({num},), got shape {scores.shape} or NaN")
    out = np.zeros(shape, np.int32)
    size = np.array(check_spacing(voxel_size))
    first = np.array(check_start(start))
    boxes = _voxel_boxes(points, distances, rays, shape, size, first)
    # The winner is drawn last.
    order = np.argsort(-scores, kind="stable")[::-1].astype(np.int64)
    names = names.astype(np.int32)
    face_map = radius_tables(rays).face_map
    run_chunks(
        lambda a, b: _draw_kernel(
            points, distances, size, boxes, names, order, face_map, first + np.array([a, 0, 0]), out[a:b]
        ),
        shape[0],
        num_threads=num_threads,
        min_chunk=max(1, min(16, shape[0] // (4 * default_num_threads()))),
    )
    return out


def _voxel_boxes(
    points: np.ndarray,
    distances: np.ndarray,
    rays: Rays,
    shape: tuple[int, int, int],
    size: np.ndarray,
    first: np.ndarray,
) -> np.ndarray:
    """Return half-open voxel boxes within the part that begins at ``first``, maybe empty: ``(N, 2, 3)``."""
    boxes = bounding_boxes(points * size, distances, rays) / size
    slack = 1e-3  # the kernel computes in float32
    start = np.clip(np.ceil(boxes[:, 0] - slack), first, first + shape)
    stop = np.clip(np.floor(boxes[:, 1] + slack) + 1, first, first + shape)
    return np.stack([start, np.maximum(stop, start)], axis=1).astype(np.int64)


def check_shape(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Return ``shape`` as three integers of at least 0, or raise ``ValueError``."""
    if len(shape) != 3 or any(int(s) != s or s < 0 for s in shape):
        raise ValueError(f"shape must be three integers of at least 0 (Z Y X), got {shape}")
    return int(shape[0]), int(shape[1]), int(shape[2])


def check_start(start: tuple[int, ...]) -> tuple[int, int, int]:
    """Return ``start`` as three integers, or raise ``ValueError``."""
    if len(start) != 3 or any(int(s) != s for s in start):
        raise ValueError(f"start must be three integers (Z Y X), got {start}")
    return int(start[0]), int(start[1]), int(start[2])


_KERNEL: dict[str, Any] = {
    "fastmath": {"contract", "nsz"},
    "no_cfunc_wrapper": True,  # nobody calls from C, and it takes time to compile
}


@kernel(**_KERNEL)
def _draw_kernel(points, distances, size, boxes, names, order, face_map, first, out):
    """Draw all bodies, in order, into ``out``: the part of the volume from voxel ``first`` on."""
    first_z, first_y, first_x = first
    last_z, width = first_z + out.shape[0], out.shape[2]
    offsets, scratch = np.empty((3, width), np.float32), np.empty((2, width), np.float32)
    hits = np.empty(width, np.int32)
    for n in order:
        z0, z1 = max(boxes[n, 0, 0], first_z), min(boxes[n, 1, 0], last_z)
        x0, x1 = boxes[n, 0, 2], boxes[n, 1, 2]
        if z0 >= z1 or x0 >= x1:
            continue
        mine = distances[n]
        outer = 0.0
        for distance in mine:
            outer = max(outer, distance * (1 + 1e-6))
        for z in range(z0, z1):
            dz = (z - points[n, 0]) * size[0]
            for y in range(boxes[n, 0, 1], boxes[n, 1, 1]):
                dy = (y - points[n, 1]) * size[1]
                # Only the stretch of the row within the ball around the body
                square = outer * outer - dz * dz - dy * dy
                if square < 0:
                    continue
                half = np.sqrt(square) / size[2]
                low = max(x0, np.int64(np.ceil(points[n, 2] - half)))
                num = min(x1, np.int64(np.floor(points[n, 2] + half)) + 1) - low
                if num <= 0:
                    continue
                for k in range(num):
                    offsets[0, k] = np.float32(dz)
                    offsets[1, k] = np.float32(dy)
                    offsets[2, k] = np.float32((low + k - points[n, 2]) * size[2])
                inside(offsets, num, mine, face_map, scratch, hits)
                for k in range(num):
                    if hits[k]:
                        out[z - first_z, y - first_y, low + k - first_x] = names[n]
