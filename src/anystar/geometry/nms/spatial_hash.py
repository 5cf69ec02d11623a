"""Which kept bodies lie near a candidate, and whether two bodies overlap: the kernels of suppression."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from anystar.geometry.body.numba import FaceMap, RadiusTables, inside
from anystar.runtime.compiled import kernel

__all__ = [
    "ANGLE",
    "MARGIN",
    "NUM_LEVELS",
    "SHELLS",
    "VERTICES",
    "Index",
    "Room",
    "Sampling",
    "Shapes",
    "grown",
    "new_index",
    "new_room",
    "overlap_estimates",
    "sampling",
    "settle",
    "settle_partly",
    "shapes",
]

SHELLS = 8
MARGIN = 0.12
NUM_LEVELS = 64


# Few arrays with many columns: every array that a kernel hands on to another takes time to compile.
_INNER, _OUTER, _VOLUME = 9, 10, 11
ANGLE, VERTICES = SHELLS, SHELLS + 1


class Shapes(NamedTuple):
    """All candidates, by their index in the input."""

    sizes: np.ndarray  # (N, 12) float64: centre; extent to -Z, +Z, -Y ... +X; inner, outer radius; volume
    distances: np.ndarray  # (N, R) float32


class Sampling(NamedTuple):
    """Where in a body its sample points lie, and what finds out whether they are in another."""

    pattern: np.ndarray  # (12, R) float32: 8 depths as fractions of the distance; solid angle; direction ZYX
    face_map: FaceMap


class Room(NamedTuple):
    """Working memory of one thread."""

    scratch: np.ndarray  # (6, R) float32
    hits: np.ndarray  # (R,) int32


class Index(NamedTuple):
    """Spatial hash of kept bodies: chains of slots, one slot per kept body in order of arrival."""

    head: np.ndarray  # (H,) int64, H a power of two: newest slot of each bucket, or -1
    slots: np.ndarray  # (N, 3) int64: hash of level and cell; next slot of the same bucket; candidate
    levels: np.ndarray  # (65,) float64: largest outer radius of each level, -1 if it is empty; slots in use

    @property
    def used(self) -> int:
        """Number of bodies in it."""
        return int(self.levels[-1])


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


def shapes(
    points: np.ndarray,
    distances: np.ndarray,
    inner: np.ndarray,
    outer: np.ndarray,
    volume: np.ndarray,
    box: np.ndarray,
) -> Shapes:
    """Return what :func:`anystar.geometry.body.numba.bodies` measured, as the kernels take it."""
    columns = (points, box, inner[:, None], outer[:, None], volume[:, None])
    return Shapes(np.concatenate(columns, axis=1, dtype=np.float64), distances)


def new_room(num_rays: int) -> Room:
    """Return working memory for one thread."""
    return Room(
        scratch=np.empty((6, num_rays), np.float32),
        hits=np.empty(num_rays, np.int32),
    )


def new_index(capacity: int, *, full: bool = False) -> Index:
    """Return an empty index for at most ``capacity`` bodies; if ``full``, as large as it can become."""
    buckets = max(1024, 1 << int(capacity).bit_length()) if full else 1024
    return Index(
        head=np.full(buckets, -1, np.int64),
        slots=np.empty((capacity, 3), np.int64),
        levels=np.append(np.full(NUM_LEVELS, -1.0), 0),
    )


def grown(index: Index) -> Index:
    """Return the index with at least one bucket per kept body."""
    size = len(index.head)
    if index.used <= size:
        return index
    while size < 2 * index.used:
        size *= 2
    head, used = np.full(size, -1, np.int64), index.used
    bucket = index.slots[:used, 0] & (size - 1)
    order = np.argsort(bucket, kind="stable")
    same = np.diff(bucket[order], prepend=-1) == 0
    index.slots[order, 1] = np.where(same, np.roll(order, 1), -1)
    head[bucket[order]] = order  # the newest comes last
    return index._replace(head=head)


# Wrappers for C, and for Python where only other kernels call, would double the time to compile.
_ENTRY: dict[str, Any] = {
    "fastmath": {"contract", "nsz"},
    "no_cfunc_wrapper": True,
}
_KERNEL: dict[str, Any] = _ENTRY | {"no_cpython_wrapper": True}


@kernel(**_KERNEL)
def _key(level, z, y, x):
    """Mixed bits of level and cell. Two cells with one key would only mean needless comparisons."""
    h = (level * 0x1E3779B97F4A7C15 ^ z) * 0x3F58476D1CE4E5B9
    h = (h ^ (h >> 29) ^ y) * 0x14D049BB133111EB
    h = (h ^ (h >> 32) ^ x) * 0x56E8FEB86659FD93
    return h ^ (h >> 32)


@kernel(**_KERNEL)
def _lens(r, s, d):
    """Volume of the intersection of two balls of radii r and s whose centres are d apart."""
    if d >= r + s:
        return 0.0
    small = min(r, s)
    if d <= abs(r - s):
        return 4.0 / 3.0 * np.pi * small * small * small
    gap = r + s - d
    return np.pi * gap * gap * (d * d + 2 * d * (r + s) - 3 * (r - s) * (r - s)) / (12 * d)


@kernel(**_KERNEL)
def _bounds(sizes, n, m, square):
    """Lower and upper bound of the overlap of two bodies whose centres are ``sqrt(square)`` apart."""
    distance, smaller = np.sqrt(square), min(sizes[n, _VOLUME], sizes[m, _VOLUME])
    if smaller <= 0:
        return 0.0, 0.0
    common = 1.0
    for axis in range(3):
        shift = sizes[m, axis] - sizes[n, axis]
        low = max(-sizes[n, 3 + 2 * axis], shift - sizes[m, 3 + 2 * axis])
        high = min(sizes[n, 4 + 2 * axis], shift + sizes[m, 4 + 2 * axis])
        common *= max(high - low, 0.0)
    upper = min(common, _lens(sizes[n, _OUTER], sizes[m, _OUTER], distance))
    return _lens(sizes[n, _INNER], sizes[m, _INNER], distance) / smaller, upper / smaller


@kernel(**_KERNEL)
def overlap_estimates(shapes, sampling, n, m, threshold, room):
    """The sampled overlap of two bodies: with one shell, and with all eight if that is near the threshold.

    The smaller one is sampled, of two alike the first.
    """
    sizes, pattern = shapes.sizes, sampling.pattern
    if sizes[m, _VOLUME] < sizes[n, _VOLUME]:
        n, m = m, n
    mine, theirs = shapes.distances[n], shapes.distances[m]
    offsets, weight, hits = room.scratch[:3], room.scratch[3], room.hits
    whole = np.float32(3 * sizes[n, _VOLUME])
    for r in range(mine.size):
        weight[r] = pattern[ANGLE, r] * mine[r] * mine[r] * mine[r]
    one, all_shells = np.float32(0), np.float32(0)
    for shell in range(SHELLS):
        for axis in range(3):
            apart = np.float32(sizes[n, axis] - sizes[m, axis])
            for r in range(mine.size):
                offsets[axis, r] = apart + pattern[shell, r] * mine[r] * pattern[VERTICES + axis, r]
        inside(offsets, mine.size, theirs, sampling.face_map, room.scratch[4:6], hits)
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


@kernel(**_KERNEL)
def _overlaps(shapes, sampling, n, m, square, threshold, room):
    """Whether two bodies with centres ``sqrt(square)`` apart overlap by more than the threshold."""
    lower, upper = _bounds(shapes.sizes, n, m, square)
    if lower > threshold or upper <= threshold:
        return lower > threshold
    return overlap_estimates(shapes, sampling, n, m, threshold, room)[1] > threshold


@kernel(**_KERNEL)
def _search(shapes, sampling, index, n, threshold, first_slot, quick, room):
    """Whether a body kept at ``first_slot`` or later overlaps candidate n.

    ``quick`` looks close by and asks the nearest body there only: no answer, but usually the one that
    suppresses.
    """
    sizes, head, slots, used = shapes.sizes, index.head, index.slots, np.int64(index.levels[NUM_LEVELS])
    outer, pz, py, px = sizes[n, _OUTER], sizes[n, 0], sizes[n, 1], sizes[n, 2]
    nearest, nearest_square = np.int64(-1), np.inf
    for level in range(NUM_LEVELS):
        largest = index.levels[level]
        if largest < 0:
            continue
        size = 2.0 * 2.0**level
        reach = 0.5 * outer if quick else outer + largest
        z0, z1 = np.floor((pz - reach) / size), np.floor((pz + reach) / size)
        y0, y1 = np.floor((py - reach) / size), np.floor((py + reach) / size)
        x0, x1 = np.floor((px - reach) / size), np.floor((px + reach) / size)
        # If the body is far larger than this level, it is cheaper to go through all slots.
        go_through = (z1 - z0 + 1) * (y1 - y0 + 1) * (x1 - x0 + 1) > used
        if go_through:
            z0 = z1 = y0 = y1 = x0 = x1 = 0.0
        for z in range(np.int64(z0), np.int64(z1) + 1):
            for y in range(np.int64(y0), np.int64(y1) + 1):
                for x in range(np.int64(x0), np.int64(x1) + 1):
                    key = _key(level, z, y, x)
                    slot = used - 1 if go_through else head[key & (head.size - 1)]
                    while slot >= first_slot:  # chains run from new to old
                        m = slots[slot, 2]
                        if go_through or slots[slot, 0] == key:
                            dz, dy, dx = sizes[m, 0] - pz, sizes[m, 1] - py, sizes[m, 2] - px
                            square = dz * dz + dy * dy + dx * dx
                            both = outer + sizes[m, _OUTER]
                            if quick:
                                if square < nearest_square:
                                    nearest, nearest_square = m, square
                            elif square < both * both and _overlaps(
                                shapes, sampling, n, m, square, threshold, room
                            ):
                                return True
                        slot = slot - 1 if go_through else slots[slot, 1]
        if go_through and not quick:
            return False  # all slots hold all levels
    return nearest >= 0 and _overlaps(shapes, sampling, n, nearest, nearest_square, threshold, room)


@kernel(**_KERNEL)
def _insert(sizes, index, n):
    head, slots, levels = index.head, index.slots, index.levels
    outer, level, size = sizes[n, _OUTER], 0, 2.0
    while size < 2 * outer and level < NUM_LEVELS - 1:
        size, level = 2 * size, level + 1
    slot, z, y, x = np.int64(levels[NUM_LEVELS]), sizes[n, 0], sizes[n, 1], sizes[n, 2]
    z, y, x = np.floor(z / size), np.floor(y / size), np.floor(x / size)
    key = _key(level, np.int64(z), np.int64(y), np.int64(x))
    bucket = key & (head.size - 1)
    slots[slot, 0], slots[slot, 1], slots[slot, 2] = key, head[bucket], n
    head[bucket] = slot
    levels[level] = max(levels[level], outer)
    levels[NUM_LEVELS] = slot + 1


@kernel(**_ENTRY)
def settle(shapes, sampling, index, order, threshold, alive, room, first_slot, keep, offset, first, last):
    """Mark which of ``order[offset + first:offset + last]`` survive those kept at ``first_slot`` or later.

    With ``keep`` those still alive are taken in turn, and join the index as they are kept; without, the index
    is left alone, and threads may settle different candidates at once.
    """
    for i in range(offset + first, offset + last):
        if not alive[i]:
            continue
        n = order[i]
        for attempt in range(2):
            if _search(shapes, sampling, index, n, threshold, first_slot, attempt == 0, room):
                alive[i] = False
                break
        if keep and alive[i]:
            _insert(shapes.sizes, index, n)


@kernel(**_ENTRY)
def settle_partly(shapes, sampling, kept, undecided, order, threshold, status, complete, room):
    """Decide what can be decided: 0 undecided, 1 kept, 2 dropped; both indices are empty at first."""
    for n in order:
        if status[n] == 0:
            for attempt in range(2):
                if _search(shapes, sampling, kept, n, threshold, 0, attempt == 0, room):
                    status[n] = 2
                    break
            if status[n] == 2:
                continue
            if complete[n] and not _search(shapes, sampling, undecided, n, threshold, 0, False, room):
                status[n] = 1
        _insert(shapes.sizes, kept if status[n] == 1 else undecided, n)
