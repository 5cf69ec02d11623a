"""Which kept bodies lie near a candidate, and whether two bodies overlap: the kernels of suppression."""

from __future__ import annotations

from typing import Any, NamedTuple

import numba as nb
import numpy as np

from anystar.geometry.radius import FaceMap, RadiusTables, inside

__all__ = [
    "Index",
    "Room",
    "Sampling",
    "Shapes",
    "digest",
    "grown",
    "new_index",
    "new_room",
    "overlap_estimates",
    "sampling",
    "settle",
    "settle_partly",
]

_SHELLS = 8
_MARGIN = 0.12
_NUM_LEVELS = 64


class Shapes(NamedTuple):
    """All candidates, by their index in the input."""

    points: np.ndarray  # (N, 3) float64
    distances: np.ndarray  # (N, R) float32
    inner: np.ndarray  # (N,) float32, radius of the ball inside
    outer: np.ndarray  # (N,) float32, radius of the ball around
    volume: np.ndarray  # (N,) float32
    box: np.ndarray  # (N, 6) float32, extent towards -Z, +Z, -Y, +Y, -X, +X


class Sampling(NamedTuple):
    """Where in a body its sample points lie, and what finds out whether they are in another."""

    depths: np.ndarray  # (8, R) float32, sample points as fractions of the distance
    vertices: np.ndarray  # (3, R) float32
    solid_angle: np.ndarray  # (R,) float32
    face_map: FaceMap


class Room(NamedTuple):
    """Working memory of one thread."""

    scratch: np.ndarray  # (6, R) float32
    hits: np.ndarray  # (R,) int32


class Index(NamedTuple):
    """Spatial hash of kept bodies: chains of slots, one slot per kept body in order of arrival."""

    head: np.ndarray  # (H,) int32, H a power of two: newest slot of each bucket, or -1
    following: np.ndarray  # (N,) int32: next slot of the same bucket
    keys: np.ndarray  # (N,) uint64: hash of level and cell of each slot
    members: np.ndarray  # (N,) int64: candidate in each slot
    used: np.ndarray  # (1,) int64: slots in use
    level_outer: np.ndarray  # (64,) float32: largest outer radius of each level, -1 if it is empty


def sampling(tables: RadiusTables) -> Sampling:
    """Return eight samples per ray, spread evenly over the volume.

    The depths are cube roots of an additive sequence (the plastic number, unrelated to the golden angle of
    the rays), shifted by an eighth between shells: every shell alone samples all depths.
    """
    num_rays = len(tables.vertices)
    base = np.arange(num_rays) * 0.7548776662466927 + 0.5 / _SHELLS
    # Bit-reversed shifts: the first shells together are spread as evenly as possible.
    shifts = np.array([0, 4, 2, 6, 1, 5, 3, 7]) / _SHELLS
    depths = np.cbrt((base + shifts[:, None]) % 1).astype(np.float32)
    vertices = np.ascontiguousarray(tables.vertices.T)
    return Sampling(depths, vertices, tables.solid_angle, tables.face_map)


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
        head=np.full(buckets, -1, np.int32),
        following=np.empty(capacity, np.int32),
        keys=np.empty(capacity, np.uint64),
        members=np.empty(capacity, np.int64),
        used=np.zeros(1, np.int64),
        level_outer=np.full(_NUM_LEVELS, -1, np.float32),
    )


def grown(index: Index) -> Index:
    """Return the index with at least one bucket per kept body."""
    size = len(index.head)
    if index.used[0] <= size:
        return index
    while size < 2 * index.used[0]:
        size *= 2
    head = np.full(size, -1, np.int32)
    _rehash(head, index.following, index.keys, index.used[0])
    return index._replace(head=head)


# Wrappers for C, and for Python where only other kernels call, would double the time to compile.
_ENTRY: dict[str, Any] = {
    "cache": True,
    "nogil": True,
    "fastmath": {"contract", "nsz"},
    "no_cfunc_wrapper": True,
}
_KERNEL: dict[str, Any] = _ENTRY | {"no_cpython_wrapper": True}


@nb.njit(**_ENTRY)
def digest(bits, rows, factors):
    """A 64-bit number per row of ``bits``, equal for equal rows."""
    out = np.empty(rows.size, np.uint64)
    for n in range(rows.size):
        total = np.uint64(0)
        for r in range(bits.shape[1]):
            total = total * np.uint64(6364136223846793005) + np.uint64(bits[rows[n], r]) * factors[r]
        out[n] = total
    return out


@nb.njit(**_ENTRY)
def _rehash(head, following, keys, count):
    mask = np.uint64(head.size - 1)
    for slot in range(count):
        bucket = keys[slot] & mask
        following[slot] = head[bucket]
        head[bucket] = slot


@nb.njit(forceinline=True, **_KERNEL)
def _level(outer):
    """Level 0 for radii up to 1, then one per doubling."""
    return min(max(int(np.ceil(np.log2(max(outer, np.float32(1))))), 0), _NUM_LEVELS - 1)


@nb.njit(forceinline=True, **_KERNEL)
def _key(level, z, y, x):
    """Mixed bits of level and cell. Two cells with one key would only mean needless comparisons."""
    h = np.uint64(level) * np.uint64(0x9E3779B97F4A7C15)
    h = (h ^ np.uint64(z)) * np.uint64(0xBF58476D1CE4E5B9)
    h = (h ^ (h >> np.uint64(29)) ^ np.uint64(y)) * np.uint64(0x94D049BB133111EB)
    h = (h ^ (h >> np.uint64(32)) ^ np.uint64(x)) * np.uint64(0xD6E8FEB86659FD93)
    return h ^ (h >> np.uint64(32))


@nb.njit(**_KERNEL)
def _insert(shapes, index, n):
    slot = index.used[0]
    level = _level(shapes.outer[n])
    size = 2.0 * 2.0**level
    p = shapes.points[n]
    key = _key(
        level,
        np.int64(np.floor(p[0] / size)),
        np.int64(np.floor(p[1] / size)),
        np.int64(np.floor(p[2] / size)),
    )
    bucket = key & np.uint64(index.head.size - 1)
    index.following[slot] = index.head[bucket]
    index.head[bucket] = slot
    index.keys[slot] = key
    index.members[slot] = n
    index.level_outer[level] = max(index.level_outer[level], shapes.outer[n])
    index.used[0] = slot + 1


@nb.njit(**_KERNEL)
def _lens(r, s, d):
    """Volume of the intersection of two balls of radii r and s whose centres are d apart."""
    if d >= r + s:
        return 0.0
    small = min(r, s)
    if d <= abs(r - s):
        return 4.0 / 3.0 * np.pi * small * small * small
    gap = r + s - d
    return np.pi * gap * gap * (d * d + 2 * d * (r + s) - 3 * (r - s) * (r - s)) / (12 * d)


@nb.njit(**_KERNEL)
def _bounds(shapes, n, m, square):
    """Lower and upper bound of the overlap of two bodies whose centres are ``sqrt(square)`` apart."""
    smaller = float(min(shapes.volume[n], shapes.volume[m]))
    if smaller <= 0:
        return 0.0, 0.0
    distance = np.sqrt(square)
    common = 1.0
    for axis in range(3):
        shift = shapes.points[m, axis] - shapes.points[n, axis]
        low = max(-shapes.box[n, 2 * axis], shift - shapes.box[m, 2 * axis])
        high = min(shapes.box[n, 2 * axis + 1], shift + shapes.box[m, 2 * axis + 1])
        common *= max(high - low, 0.0)
    upper = min(common, _lens(float(shapes.outer[n]), float(shapes.outer[m]), distance))
    lower = _lens(float(shapes.inner[n]), float(shapes.inner[m]), distance)
    return lower / smaller, upper / smaller


@nb.njit(**_KERNEL)
def _is_smaller(shapes, n, m):
    """Whether to sample body n rather than m; what the bodies are settles ties, not their indices."""
    if shapes.volume[n] != shapes.volume[m]:
        return shapes.volume[n] < shapes.volume[m]
    for axis in range(3):
        if shapes.points[n, axis] != shapes.points[m, axis]:
            return shapes.points[n, axis] < shapes.points[m, axis]
    for r in range(shapes.distances.shape[1]):
        if shapes.distances[n, r] != shapes.distances[m, r]:
            return shapes.distances[n, r] < shapes.distances[m, r]
    return True


@nb.njit(**_KERNEL)
def _sampled(shapes, sampling, n, m, shell, scratch, hits):
    """Share of the samples of body n in one shell that lie in body m; 0 for a body without volume."""
    mine, theirs = shapes.distances[n], shapes.distances[m]
    oz = np.float32(shapes.points[n, 0] - shapes.points[m, 0])
    oy = np.float32(shapes.points[n, 1] - shapes.points[m, 1])
    ox = np.float32(shapes.points[n, 2] - shapes.points[m, 2])
    offsets, weight = scratch[:3], scratch[3]
    common = np.float32(0)
    for r in range(mine.size):
        weight[r] = sampling.solid_angle[r] * mine[r] * mine[r] * mine[r]
    for r in range(mine.size):
        offsets[0, r] = oz + sampling.depths[shell, r] * mine[r] * sampling.vertices[0, r]
    for r in range(mine.size):
        offsets[1, r] = oy + sampling.depths[shell, r] * mine[r] * sampling.vertices[1, r]
    for r in range(mine.size):
        offsets[2, r] = ox + sampling.depths[shell, r] * mine[r] * sampling.vertices[2, r]
    inside(offsets, mine.size, theirs, sampling.face_map, scratch[4:6], hits)
    for r in range(mine.size):
        common += weight[r] * np.float32(hits[r])
    whole = np.float32(3) * shapes.volume[n]
    return common / whole if whole > 0 else np.float32(0)


@nb.njit(**_KERNEL)
def overlap_estimates(shapes, sampling, n, m, threshold, room):
    """The sampled overlap of two bodies: with one shell, and with all eight if that is near the threshold."""
    if not _is_smaller(shapes, n, m):
        n, m = m, n
    one, all_shells = np.float32(0), np.float32(0)
    for shell in range(_SHELLS):
        share = _sampled(shapes, sampling, n, m, shell, room.scratch, room.hits)
        if shell == 0:
            one = share
            if abs(one - threshold) > _MARGIN:
                return one, one
        all_shells += share / np.float32(_SHELLS)
    return one, all_shells


@nb.njit(**_KERNEL)
def _overlaps(shapes, sampling, n, m, square, threshold, room):
    """Whether two bodies with centres ``sqrt(square)`` apart overlap by more than the threshold."""
    lower, upper = _bounds(shapes, n, m, square)
    if lower > threshold or upper <= threshold:
        return lower > threshold
    return overlap_estimates(shapes, sampling, n, m, threshold, room)[1] > threshold


@nb.njit(**_KERNEL)
def _search(shapes, sampling, index, n, threshold, first_slot, quick, room):
    """Whether a body kept at ``first_slot`` or later overlaps candidate n.

    ``quick`` looks close by and asks the nearest body there only: no answer, but usually the one that
    suppresses.
    """
    outer, p = float(shapes.outer[n]), shapes.points[n]
    nearest, nearest_square = np.int64(-1), np.inf
    for level in range(_NUM_LEVELS):
        if index.level_outer[level] < 0:
            continue
        size = 2.0 * 2.0**level
        reach = 0.5 * outer if quick else outer + float(index.level_outer[level])
        z0, z1 = np.floor((p[0] - reach) / size), np.floor((p[0] + reach) / size)
        y0, y1 = np.floor((p[1] - reach) / size), np.floor((p[1] + reach) / size)
        x0, x1 = np.floor((p[2] - reach) / size), np.floor((p[2] + reach) / size)
        # If the body is far larger than this level, it is cheaper to go through all slots.
        go_through = (z1 - z0 + 1) * (y1 - y0 + 1) * (x1 - x0 + 1) > index.used[0]
        if go_through:
            z0 = z1 = y0 = y1 = x0 = x1 = 0.0
        for z in range(np.int64(z0), np.int64(z1) + 1):
            for y in range(np.int64(y0), np.int64(y1) + 1):
                for x in range(np.int64(x0), np.int64(x1) + 1):
                    key = _key(level, z, y, x)
                    slot = np.int64(index.head[key & np.uint64(index.head.size - 1)])
                    if go_through:
                        slot = index.used[0] - 1
                    while slot >= first_slot:  # chains run from new to old
                        m = index.members[slot]
                        if go_through or index.keys[slot] == key:
                            dz = shapes.points[m, 0] - p[0]
                            dy = shapes.points[m, 1] - p[1]
                            dx = shapes.points[m, 2] - p[2]
                            square = dz * dz + dy * dy + dx * dx
                            both = outer + float(shapes.outer[m])
                            if quick and square < nearest_square:
                                nearest, nearest_square = m, square
                            elif (
                                not quick
                                and square < both * both
                                and _overlaps(shapes, sampling, n, m, square, threshold, room)
                            ):
                                return True
                        slot = slot - 1 if go_through else np.int64(index.following[slot])
        if go_through and not quick:
            return False  # all slots hold all levels
    return nearest >= 0 and _overlaps(shapes, sampling, n, nearest, nearest_square, threshold, room)


@nb.njit(**_ENTRY)
def settle(shapes, sampling, index, order, threshold, alive, room, first_slot, keep, offset, first, last):
    """Mark which of ``order[offset + first:offset + last]`` survive those kept at ``first_slot`` or later.

    With ``keep`` those still alive are taken in turn, and join the index as they are kept; without, the index
    is left alone, and threads may settle different candidates at once.
    """
    for i in range(offset + first, offset + last):
        if alive[i]:
            for attempt in range(2):
                quick = attempt == 0
                if _search(shapes, sampling, index, order[i], threshold, first_slot, quick, room):
                    alive[i] = False
                    break
            if keep and alive[i]:
                _insert(shapes, index, order[i])


@nb.njit(**_ENTRY)
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
        _insert(shapes, kept if status[n] == 1 else undecided, n)
