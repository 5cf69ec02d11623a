"""Which bodies are near, and by how much two overlap, by torch; the rules are those of `overlap`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from anystar.geometry.body.torch import Extents, Tables, inside
from anystar.geometry.nms.overlap import ANGLE, MARGIN, SHELLS, VERTICES
from anystar.geometry.nms.spatial_hash import NUM_LEVELS
from anystar.geometry.tensors import chunk_size

__all__ = ["Bodies", "bounds", "contacts", "estimates", "levels"]

# As in the Numba index; any odd numbers would do.
_MIX = (0x1E3779B97F4A7C15, 0x3F58476D1CE4E5B9, 0x14D049BB133111EB, 0x56E8FEB86659FD93)


class Bodies(NamedTuple):
    """All candidates, in the order in which they are taken."""

    points: Tensor  # (N, 3) float64
    distances: Tensor  # (N, R) float32
    sizes: Extents
    level: Tensor  # (N,) int64: 0 for outer radii up to 1, then one per doubling
    tables: Tables
    pattern: Tensor  # (12, R) float32, see overlap.Sampling


def levels(outer: Tensor) -> Tensor:
    """Return the size class of each outer radius."""
    return outer.clamp_min(1).log2().ceil().clamp_max(NUM_LEVELS - 1).to(torch.int64)


def _keys(cells: Tensor) -> Tensor:
    """Mixed bits of cells ``(..., 3)``. Two cells with one key would only mean needless comparisons."""
    h = (cells[..., 0] ^ _MIX[0]) * _MIX[1]
    h = (h ^ (h >> 29) ^ cells[..., 1]) * _MIX[2]
    h = (h ^ (h >> 32) ^ cells[..., 2]) * _MIX[3]
    return h ^ (h >> 32)


def contacts(bodies: Bodies, queries: Tensor, targets: Tensor) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Yield the pairs whose bounding balls meet: query, target, squared distance of centres.

    A pair may come twice; a body is paired with itself, too. Bodies are sought in cells twice as wide as the
    larger of the two can be, so that huge ones do not become neighbours of everything. Queries and targets
    are rows of the bodies, int64; squared distances are float64, in chunks of bounded memory.
    """
    query_level, target_level = bodies.level[queries], bodies.level[targets]
    for level in torch.cat([query_level, target_level]).unique().tolist():
        size = 2.0 * 2.0**level
        at, below = query_level == level, query_level <= level
        yield from _in_cells(bodies, queries[below], targets[target_level == level], size)
        yield from _in_cells(bodies, queries[at], targets[target_level < level], size)


def _in_cells(
    bodies: Bodies, queries: Tensor, targets: Tensor, size: float
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    if len(queries) == 0 or len(targets) == 0:
        return
    keys, order = _keys((bodies.points[targets] / size).floor().to(torch.int64)).sort()
    targets = targets[order]
    around = torch.cartesian_prod(*[torch.arange(-1, 2, device=queries.device)] * 3)
    most = chunk_size(queries.device) // 4
    for part in queries.split(max(1, most // 27)):
        cells = (bodies.points[part] / size).floor().to(torch.int64)
        wanted = _keys(cells[:, None] + around)
        first = torch.searchsorted(keys, wanted)
        count = torch.searchsorted(keys, wanted, right=True) - first
        # Cells of one query that share a key would be gone through twice: harmless.
        first, count = first.view(-1), count.view(-1)
        ends = count.cumsum(0)
        total = int(ends[-1])
        for start in range(0, total, most):
            flat = torch.arange(start, min(start + most, total), device=queries.device)
            cell = torch.searchsorted(ends, flat, right=True)
            target = targets[first[cell] + flat - (ends[cell] - count[cell])]
            query = part[cell // 27]
            square = ((bodies.points[target] - bodies.points[query]) ** 2).sum(1)
            both = bodies.sizes.outer[query] + bodies.sizes.outer[target]
            near = square < both * both
            yield query[near], target[near], square[near]


def _lens(r: Tensor, s: Tensor, d: Tensor) -> Tensor:
    """Volume of the intersection of two balls of radii r and s whose centres are d apart."""
    small, gap = torch.minimum(r, s), r + s - d
    part = math.pi * gap * gap * (d * d + 2 * d * (r + s) - 3 * (r - s) * (r - s)) / (12 * d)
    whole = 4.0 / 3.0 * math.pi * small * small * small
    return torch.where(gap <= 0, 0.0, torch.where(d <= (r - s).abs(), whole, part))


def bounds(bodies: Bodies, n: Tensor, m: Tensor, square: Tensor) -> tuple[Tensor, Tensor]:
    """Return lower and upper bound of the overlap of bodies whose centres are ``sqrt(square)`` apart."""
    sizes, distance = bodies.sizes, square.sqrt()
    shift = bodies.points[m] - bodies.points[n]
    own, other = sizes.box_N6[n], sizes.box_N6[m]
    low = torch.maximum(-own[:, 0::2], shift - other[:, 0::2])
    high = torch.minimum(own[:, 1::2], shift + other[:, 1::2])
    extent = (high - low).clamp_min(0)
    common = extent[:, 0] * extent[:, 1] * extent[:, 2]
    smaller = torch.minimum(sizes.volume[n], sizes.volume[m])
    upper = torch.minimum(common, _lens(sizes.outer[n], sizes.outer[m], distance)) / smaller
    lower = _lens(sizes.inner[n], sizes.inner[m], distance) / smaller
    solid = smaller > 0
    return torch.where(solid, lower, 0.0), torch.where(solid, upper, 0.0)


def estimates(bodies: Bodies, n: Tensor, m: Tensor, threshold: float) -> Tensor:
    """Return the sampled overlap of bodies, float32: one shell, or all eight if that is near the threshold.

    The smaller one is sampled, of two alike the first.
    """
    swap = bodies.sizes.volume[m] < bodies.sizes.volume[n]
    n, m = torch.where(swap, m, n), torch.where(swap, n, m)
    out = _sampled(bodies, n, m, range(1))
    unsure = ((out.double() - threshold).abs() <= MARGIN).nonzero()[:, 0]
    out[unsure] = _sampled(bodies, n[unsure], m[unsure], range(SHELLS))
    return out


def _sampled(bodies: Bodies, n: Tensor, m: Tensor, shells: range) -> Tensor:
    """Share of the samples of body n in some shells that lie in body m."""
    pattern, tables = bodies.pattern, bodies.tables
    out = torch.zeros(len(n), device=n.device)
    num_rays = pattern.shape[1]
    step = max(1, chunk_size(n.device) // num_rays)
    for first in range(0, len(n), step):
        rows = slice(first, first + step)
        mine = bodies.distances[n[rows]]
        apart = (bodies.points[n[rows]] - bodies.points[m[rows]]).float()
        weight = pattern[ANGLE] * mine * mine * mine
        whole = (3 * bodies.sizes.volume[n[rows]]).float()
        for shell in shells:
            z, y, x = (
                apart[:, axis : axis + 1] + pattern[shell] * mine * pattern[VERTICES + axis]
                for axis in range(3)
            )
            hits = inside(z, y, x, m[rows, None], bodies.distances, tables)
            share = (weight * hits).sum(1) / whole
            out[rows] += torch.where(whole > 0, share, 0.0) / len(shells)
    return out
