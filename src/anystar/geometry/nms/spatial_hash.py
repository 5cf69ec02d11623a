"""Which kept bodies lie near a candidate: a spatial hash with one level per size."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from anystar.geometry.nms.overlap import INNER_KERNEL, OUTER, overlaps
from anystar.runtime.compiled import kernel

__all__ = ["NUM_LEVELS", "Index", "insert", "new_index", "overlaps_kept", "rehashed"]

NUM_LEVELS = 64


class Index(NamedTuple):
    """Spatial hash of kept bodies: chains of slots, one slot per kept body in order of arrival."""

    head: np.ndarray  # (H,) int64, H a power of two: newest slot of each bucket, or -1
    slots: np.ndarray  # (N, 3) int64: hash of level and cell; next slot of the same bucket; candidate
    levels: np.ndarray  # (65,) float64: largest outer radius of each level, -1 if it is empty; slots in use

    @property
    def used(self) -> int:
        """Number of bodies in it."""
        return int(self.levels[-1])


def new_index(capacity: int, *, full: bool = False) -> Index:
    """Return an empty index for at most ``capacity`` bodies; if ``full``, as large as it can become."""
    buckets = max(1024, 1 << int(capacity).bit_length()) if full else 1024
    return Index(
        head=np.full(buckets, -1, np.int64),
        slots=np.empty((capacity, 3), np.int64),
        levels=np.append(np.full(NUM_LEVELS, -1.0), 0),
    )


def rehashed(index: Index) -> Index:
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


@kernel(**INNER_KERNEL)
def _key(level, z, y, x):
    """Mixed bits of level and cell. Two cells with one key would only mean needless comparisons."""
    h = (level * 0x1E3779B97F4A7C15 ^ z) * 0x3F58476D1CE4E5B9
    h = (h ^ (h >> 29) ^ y) * 0x14D049BB133111EB
    h = (h ^ (h >> 32) ^ x) * 0x56E8FEB86659FD93
    return h ^ (h >> 32)


@kernel(**INNER_KERNEL)
def overlaps_kept(bodies, sampling, index, n, threshold, first_slot, quick, scratch):
    """Whether a body kept at ``first_slot`` or later overlaps candidate n.

    ``quick`` tests only the nearest body close by. That is not conclusive, but it usually finds the body that
    suppresses.
    """
    sizes, head, slots, used = bodies.sizes, index.head, index.slots, np.int64(index.levels[NUM_LEVELS])
    outer, pz, py, px = sizes[n, OUTER], sizes[n, 0], sizes[n, 1], sizes[n, 2]
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
                            both = outer + sizes[m, OUTER]
                            if quick:
                                if square < nearest_square:
                                    nearest, nearest_square = m, square
                            elif square < both * both and overlaps(
                                bodies, sampling, n, m, square, threshold, scratch
                            ):
                                return True
                        slot = slot - 1 if go_through else slots[slot, 1]
        if go_through and not quick:
            return False  # all slots hold all levels
    return nearest >= 0 and overlaps(bodies, sampling, n, nearest, nearest_square, threshold, scratch)


@kernel(**INNER_KERNEL)
def insert(sizes, index, n):
    """Add body n to the index."""
    head, slots, levels = index.head, index.slots, index.levels
    outer, level, size = sizes[n, OUTER], 0, 2.0
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
