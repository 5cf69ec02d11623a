"""Polyhedra to voxels with Numba: slabs of the volume in threads, each body row by row."""

from __future__ import annotations

import numpy as np

from anystar.geometry.body.numba import FAST, extents, inside, radius_tables
from anystar.geometry.polyhedra import Polyhedra
from anystar.geometry.threads import default_num_threads, run_chunks
from anystar.runtime.compiled import kernel

__all__ = ["rasterise"]


def rasterise(
    polyhedra: Polyhedra,
    shape: tuple[int, int, int],
    spacing: tuple[float, float, float],
    start: tuple[int, int, int],
) -> np.ndarray:
    """Return the label volume, see :func:`anystar.geometry.rasterise.rasterise`."""
    points, distances = polyhedra.points.astype(np.float64), polyhedra.distances
    size, first = np.array(spacing), np.array(start)
    boxes = _voxel_boxes(polyhedra, shape, size, first)
    # The winner is drawn last.
    scores = np.zeros(len(points)) if polyhedra.prob is None else polyhedra.prob.astype(np.float64)
    order = np.argsort(-scores, kind="stable")[::-1].astype(np.int64)
    labels, face_map = np.arange(1, len(points) + 1, dtype=np.int32), radius_tables(polyhedra.rays).face_map
    out = np.zeros(shape, np.int32)
    run_chunks(
        lambda a, b: _draw_kernel(
            points, distances, size, boxes, labels, order, face_map, first + np.array([a, 0, 0]), out[a:b]
        ),
        shape[0],
        min_chunk=max(1, min(16, shape[0] // (4 * default_num_threads()))),
    )
    return out


def _voxel_boxes(
    polyhedra: Polyhedra, shape: tuple[int, int, int], size: np.ndarray, first: np.ndarray
) -> np.ndarray:
    """Return half-open voxel boxes within the part that begins at ``first``, maybe empty: ``(N, 2, 3)``."""
    box = extents(polyhedra.distances, polyhedra.rays).box
    points = polyhedra.points.astype(np.float64) * size
    slack = 1e-3  # the kernel computes in float32
    low, high = (points - box[:, 0::2]) / size, (points + box[:, 1::2]) / size
    start = np.clip(np.ceil(low - slack), first, first + shape)
    stop = np.clip(np.floor(high + slack) + 1, first, first + shape)
    return np.stack([start, np.maximum(stop, start)], axis=1).astype(np.int64)


@kernel(fastmath=FAST)
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
