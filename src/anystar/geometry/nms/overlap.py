"""Whether two bodies overlap by more than a threshold: bounds, then one sample per ray, then eight."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from anystar.geometry.body.numba import FAST, FaceMap, RadiusTables, extents, inside
from anystar.geometry.polyhedra import Polyhedra
from anystar.runtime.compiled import kernel

__all__ = [
    "ANGLE",
    "INNER_KERNEL",
    "MARGIN",
    "OUTER",
    "SHELLS",
    "VERTICES",
    "BodyTable",
    "Sampling",
    "Scratch",
    "body_table",
    "new_scratch",
    "overlap_bounds",
    "overlap_estimates",
    "overlaps",
    "sampling",
]

SHELLS = 8
MARGIN = 0.12

# Few arrays with many columns: every array that a kernel passes to another takes time to compile.
INNER, OUTER, VOLUME = 9, 10, 11
ANGLE, VERTICES = SHELLS, SHELLS + 1


class BodyTable(NamedTuple):
    """All candidates, in the order of the input."""

    sizes: np.ndarray  # (N, 12) float64: centre; extent to -Z, +Z, -Y ... +X; inner, outer radius; volume
    distances: np.ndarray  # (N, R) float32


class Sampling(NamedTuple):
    """Where in a body its sample points lie, and the map to test whether they lie in another."""

    pattern: np.ndarray  # (12, R) float32: 8 depths as fractions of the distance; solid angle; direction ZYX
    face_map: FaceMap


class Scratch(NamedTuple):
    """Working memory of one thread."""

    floats: np.ndarray  # (6, R) float32
    hits: np.ndarray  # (R,) int32


def sampling(tables: RadiusTables) -> Sampling:
    """Return eight samples per ray, spread evenly over the volume.

    The depths are cube roots of an additive sequence (the plastic number, unrelated to the golden angle of
    the rays), shifted by an eighth between shells: every shell alone samples all depths.
    """
    num_rays = len(tables.vertices)
    base = np.arange(num_rays) * 0.7548776662466927 + 0.5 / SHELLS
    # Bit-reversed shifts: the first shells together are spread as evenly as possible.
    shifts = np.array([0, 4, 2, 6, 1, 5, 3, 7]) / SHELLS
    depths = np.cbrt((base + shifts[:, None]) % 1).astype(np.float32)
    pattern = np.concatenate([depths, tables.solid_angle[None], tables.vertices.T]).astype(np.float32)
    return Sampling(pattern, tables.face_map)


def body_table(polyhedra: Polyhedra) -> BodyTable:
    """Return bodies, measured, as the kernels take them."""
    inner, outer, volume, box = extents(polyhedra.distances, polyhedra.rays)
    columns = (polyhedra.points, box, inner[:, None], outer[:, None], volume[:, None])
    return BodyTable(np.concatenate(columns, axis=1, dtype=np.float64), polyhedra.distances)


def new_scratch(num_rays: int) -> Scratch:
    """Return working memory for one thread."""
    return Scratch(floats=np.empty((6, num_rays), np.float32), hits=np.empty(num_rays, np.int32))


# Wrappers for C, and for Python where only other kernels call, would double the time to compile.
INNER_KERNEL: dict[str, Any] = {"fastmath": FAST, "no_cpython_wrapper": True}


@kernel(**INNER_KERNEL)
def _lens(r, s, d):
    """Volume of the intersection of two balls of radii r and s whose centres are d apart."""
    if d >= r + s:
        return 0.0
    small = min(r, s)
    if d <= abs(r - s):
        return 4.0 / 3.0 * np.pi * small * small * small
    gap = r + s - d
    return np.pi * gap * gap * (d * d + 2 * d * (r + s) - 3 * (r - s) * (r - s)) / (12 * d)


@kernel(**INNER_KERNEL)
def overlap_bounds(sizes, n, m, square):
    """Lower and upper bound of the overlap of two bodies whose centres are ``sqrt(square)`` apart."""
    distance, smaller = np.sqrt(square), min(sizes[n, VOLUME], sizes[m, VOLUME])
    if smaller <= 0:
        return 0.0, 0.0
    common = 1.0
    for axis in range(3):
        shift = sizes[m, axis] - sizes[n, axis]
        low = max(-sizes[n, 3 + 2 * axis], shift - sizes[m, 3 + 2 * axis])
        high = min(sizes[n, 4 + 2 * axis], shift + sizes[m, 4 + 2 * axis])
        common *= max(high - low, 0.0)
    upper = min(common, _lens(sizes[n, OUTER], sizes[m, OUTER], distance))
    return _lens(sizes[n, INNER], sizes[m, INNER], distance) / smaller, upper / smaller


@kernel(**INNER_KERNEL)
def overlap_estimates(bodies, sampling, n, m, threshold, scratch):
    """The sampled overlap of two bodies: with one shell, and with all eight if that is near the threshold.

    The smaller one is sampled, of two alike the first.
    """
    sizes, pattern = bodies.sizes, sampling.pattern
    if sizes[m, VOLUME] < sizes[n, VOLUME]:
        n, m = m, n
    mine, theirs = bodies.distances[n], bodies.distances[m]
    offsets, weight, hits = scratch.floats[:3], scratch.floats[3], scratch.hits
    whole = np.float32(3 * sizes[n, VOLUME])
    for r in range(mine.size):
        weight[r] = pattern[ANGLE, r] * mine[r] * mine[r] * mine[r]
    one, all_shells = np.float32(0), np.float32(0)
    for shell in range(SHELLS):
        for axis in range(3):
            apart = np.float32(sizes[n, axis] - sizes[m, axis])
            for r in range(mine.size):
                offsets[axis, r] = apart + pattern[shell, r] * mine[r] * pattern[VERTICES + axis, r]
        inside(offsets, mine.size, theirs, sampling.face_map, scratch.floats[4:6], hits)
        common = np.float32(0)
        for r in range(mine.size):
            common += weight[r] * np.float32(hits[r])
        share = common / whole if whole > 0 else np.float32(0)
        all_shells += share / np.float32(SHELLS)
        if shell == 0:
            one = share
            if abs(one - threshold) > MARGIN:
                return one, one
    return one, all_shells


@kernel(**INNER_KERNEL)
def overlaps(bodies, sampling, n, m, square, threshold, scratch):
    """Whether two bodies with centres ``sqrt(square)`` apart overlap by more than the threshold."""
    lower, upper = overlap_bounds(bodies.sizes, n, m, square)
    if lower > threshold or upper <= threshold:
        return lower > threshold
    return overlap_estimates(bodies, sampling, n, m, threshold, scratch)[1] > threshold
