"""Non-maximum suppression on a graphics card with torch: the survivors of :mod:`.numba`.

Candidates are taken in batches by descending probability. A batch is first compared with the bodies kept
before, all at once. Then its own conflicts become a list of pairs, which is worked off in rounds. Each round
keeps the candidates that conflict with no undecided more probable one, and drops those that they overlap. The
outcome is that of the sequential algorithm; the longest chain of conflicts is the number of rounds.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from anystar.geometry.body.numba import radius_tables
from anystar.geometry.body.torch import extents, tables
from anystar.geometry.nms.numba import digest_factors
from anystar.geometry.nms.overlap import sampling
from anystar.geometry.nms.torch_pairs import Bodies, bounds, contacts, estimates, levels
from anystar.geometry.polyhedra import Polyhedra
from anystar.geometry.tensors import chunk_size

__all__ = ["suppress"]

_FIRST_BATCH, _LAST_BATCH = 1024, 32768


def suppress(
    polyhedra: Polyhedra, threshold: float, device: torch.device, *, first_batch: int = _FIRST_BATCH
) -> np.ndarray:
    """Return the indices of the survivors, see :func:`anystar.geometry.nms.suppress`.

    ``first_batch`` candidates are taken at first, and twice the number each time.
    """
    arrays = polyhedra.points, polyhedra.distances, polyhedra.probabilities
    points, distances, prob = (torch.from_numpy(a).to(device) for a in arrays)
    points, prob = points.to(torch.float64), prob.to(torch.float64)
    num = len(points)
    order = _order(points, distances, prob)
    if threshold == 1 or num == 0:
        return order.cpu().numpy()
    known = tables(polyhedra.rays, device)
    # Sorted once: from here on a row's number is its rank.
    points, distances = points[order], distances[order]
    sizes = extents(distances, known)
    pattern = torch.from_numpy(sampling(radius_tables(polyhedra.rays)).pattern).to(device)
    bodies = Bodies(points, distances, sizes, levels(sizes.outer), known, pattern)
    alive = torch.ones(num, dtype=torch.bool, device=device)
    kept = torch.empty(0, dtype=torch.int64, device=device)
    start, size = 0, first_batch
    while start < num:
        batch = torch.arange(start, min(start + size, num), device=device)
        if len(kept):
            _drop_overlapping(bodies, batch, kept, threshold, alive)
        kept = torch.cat([kept, _keep(bodies, batch[alive[batch]], threshold)])
        start, size = start + size, min(2 * size, _LAST_BATCH)
    return order[kept].cpu().numpy()


def _order(points: Tensor, distances: Tensor, prob: Tensor) -> Tensor:
    """Return the candidates by descending probability, then position, then their distances' bits."""
    order = torch.arange(len(prob), device=prob.device)
    keys = (points[:, 2], points[:, 1], points[:, 0], -prob)
    for key in keys:
        order = order[key[order].argsort(stable=True)]
    ranked, places = prob[order], points[order]
    same = (ranked[1:] == ranked[:-1]) & (places[1:] == places[:-1]).all(1)
    if len(prob) > 1 and bool(same.any()):
        no = same.new_zeros(1)
        run = torch.cat([no, ~same]).cumsum(0)
        twins = (torch.cat([same, no]) | torch.cat([no, same])).nonzero()[:, 0]
        rows = order[twins]
        digest = _digests(distances, rows)
        sequence = rows.argsort()
        for key in (digest, run[twins]):
            sequence = sequence[key[sequence].argsort(stable=True)]
        order[twins] = rows[sequence]
    return order


def _digests(distances: Tensor, rows: Tensor) -> Tensor:
    """Return an int64 number per row, equal for equal distances."""
    factors = torch.from_numpy(digest_factors(distances.shape[1])).to(distances.device)
    parts = rows.split(max(1, chunk_size(rows.device) // distances.shape[1]))
    return torch.cat([(distances[p].view(torch.int32).to(torch.int64) * factors).sum(1) for p in parts])


def _drop_overlapping(bodies: Bodies, batch: Tensor, kept: Tensor, threshold: float, alive: Tensor) -> None:
    """Mark in ``alive`` which of the batch no kept body overlaps."""
    nearest = torch.full_like(bodies.sizes.outer, torch.inf)
    pairs = []
    for n, m, square in contacts(bodies, batch, kept):
        lower, upper = bounds(bodies, n, m, square)
        alive[n[lower > threshold]] = False
        unsure = (lower <= threshold) & (upper > threshold)
        pairs.append((n[unsure], m[unsure], square[unsure]))
        nearest.scatter_reduce_(0, n[unsure], square[unsure], "amin")
    # The nearest is usually the one that overlaps: what it drops need not be compared with the others.
    for first in (True, False):
        for n, m, square in pairs:
            undecided = (alive[n] & ((square == nearest[n]) == first)).nonzero()[:, 0]
            n, m = n[undecided], m[undecided]
            alive[n[estimates(bodies, n, m, threshold).double() > threshold]] = False


def _keep(bodies: Bodies, batch: Tensor, threshold: float) -> Tensor:
    """Return which of a batch are kept, compared with each other only."""
    found: list[tuple[Tensor, Tensor, Tensor]] = []
    for n, m, square in contacts(bodies, batch, batch):
        before = m < n
        n, m, square = n[before], m[before], square[before]
        lower, upper = bounds(bodies, n, m, square)
        matters = upper > threshold
        found.append((n[matters], m[matters], (lower > threshold)[matters]))
    if not found:
        return batch
    later, earlier, sure = (torch.cat(column) for column in zip(*found, strict=True))
    waiting = torch.zeros(len(bodies.points), dtype=torch.bool, device=batch.device)
    dropped = torch.zeros_like(waiting)
    while len(later):
        waiting.zero_()
        waiting[later] = True
        ready = ~waiting[earlier] & ~dropped[earlier]  # nothing before them is undecided: they are kept
        n, m, certain = later[ready], earlier[ready], sure[ready]
        dropped[n[certain]] = True
        undecided = (~certain & ~dropped[n]).nonzero()[:, 0]
        n, m = n[undecided], m[undecided]
        dropped[n[estimates(bodies, n, m, threshold).double() > threshold]] = True
        rest = ~ready & ~dropped[later] & ~dropped[earlier]
        later, earlier, sure = later[rest], earlier[rest], sure[rest]
    return batch[~dropped[batch]]
