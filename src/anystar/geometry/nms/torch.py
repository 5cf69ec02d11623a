"""Greedy non-maximum suppression on tensors: the survivors of :mod:`anystar.geometry.nms.numba`.

Candidates are taken in batches by descending probability. A batch is first compared with the bodies kept
before, all at once. Its own conflicts then become a list of pairs, and whatever no undecided more probable
one conflicts with is kept, what that overlaps is dropped, and so on until nothing is left: the outcome of the
sequential algorithm, in as many rounds as the longest chain of conflicts.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch
from torch import Tensor

from anystar.geometry.body.numba import radius_tables
from anystar.geometry.body.torch import check_tensors, measure, tables
from anystar.geometry.nms import numba as numba_suppression
from anystar.geometry.nms import spatial_hash as neighbours
from anystar.geometry.nms.torch_pairs import Scene, bounds, contacts, estimates, levels
from anystar.geometry.rays import Rays
from anystar.geometry.tensors import chunk_size, stays

__all__ = ["TensorSuppression", "suppress"]

_FIRST_BATCH, _LAST_BATCH = 1024, 32768


@dataclass(frozen=True, eq=False, kw_only=True)
class TensorSuppression:
    """What survived; as :class:`anystar.geometry.nms.numba.Suppression`.

    Parameters
    ----------
    kept : torch.Tensor
        Indices of the surviving candidates, int64, by descending probability, then by position.
    candidates, survivors : int
        How many came in, how many were kept.
    seconds : float
        Time taken.
    """

    kept: Tensor
    candidates: int
    survivors: int
    seconds: float


def suppress(
    points: Tensor, distances: Tensor, prob: Tensor, rays: Rays, *, threshold: float = 0.3
) -> TensorSuppression:
    """Keep the most probable of the candidates that overlap.

    Parameters
    ----------
    points : torch.Tensor
        Centres, shape ``(N, 3)``, voxels (ZYX), any real dtype, inside or outside of the volume.
    distances : torch.Tensor
        Star distances, shape ``(N, R)``, voxels, finite, at least 0.
    prob : torch.Tensor
        Shape ``(N,)``, finite. Ties go to the smaller Z, then Y, then X.
    rays : Rays
        ``R`` directions.
    threshold : float
        Largest overlap (intersection over the smaller volume), 0 to 1, that two kept bodies may have.

    Returns
    -------
    TensorSuppression

    Examples
    --------
    >>> from anystar.geometry.rays import golden_spiral
    >>> points = torch.tensor([[0, 0, 0], [0, 0, 2], [0, 0, 30]])
    >>> suppress(points, torch.full((3, 32), 5.0), torch.tensor([0.7, 0.9, 0.8]), golden_spiral(32)).kept
    tensor([1, 2])
    """
    began = time.perf_counter()
    if not stays(distances):
        at, radii, scores = (t.cpu().numpy() for t in (points, distances, prob))
        done = numba_suppression.suppress(at, radii, scores, rays, threshold=threshold)
        kept = torch.from_numpy(done.kept).to(distances.device)
    else:
        kept = _suppress(points, distances, prob, rays, threshold)
    return TensorSuppression(
        kept=kept, candidates=len(points), survivors=len(kept), seconds=time.perf_counter() - began
    )


def _suppress(points: Tensor, distances: Tensor, prob: Tensor, rays: Rays, threshold: float) -> Tensor:
    points, distances = check_tensors(points, distances, rays)
    prob = prob.to(torch.float64)
    num = len(points)
    if prob.shape != (num,) or not bool(prob.isfinite().all()):
        raise ValueError(f"prob must be finite and of shape ({num},), got shape {tuple(prob.shape)} or NaN")
    if not 0 <= threshold <= 1:
        raise ValueError(f"threshold must be from 0 to 1, got {threshold}")
    order = _order(points, distances, prob)
    if threshold == 1 or num == 0:
        return order
    known, device = tables(rays, distances.device), distances.device
    # Sorted once: from here on a row's number is its rank.
    points, distances = points[order], distances[order]
    sizes = measure(distances, known)
    pattern = torch.from_numpy(neighbours.sampling(radius_tables(rays)).pattern).to(device)
    scene = Scene(points, distances, sizes, levels(sizes.outer), known, pattern)
    alive = torch.ones(num, dtype=torch.bool, device=device)
    kept = torch.empty(0, dtype=torch.int64, device=device)
    start, size = 0, _FIRST_BATCH
    while start < num:
        batch = torch.arange(start, min(start + size, num), device=device)
        if len(kept):
            _drop_overlapping(scene, batch, kept, threshold, alive)
        kept = torch.cat([kept, _settle(scene, batch[alive[batch]], threshold)])
        start, size = start + size, min(2 * size, _LAST_BATCH)
    return order[kept]


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
    factors = torch.from_numpy(numba_suppression.digest_factors(distances.shape[1])).to(distances.device)
    parts = rows.split(max(1, chunk_size(rows.device) // distances.shape[1]))
    return torch.cat([(distances[p].view(torch.int32).to(torch.int64) * factors).sum(1) for p in parts])


def _drop_overlapping(scene: Scene, batch: Tensor, kept: Tensor, threshold: float, alive: Tensor) -> None:
    """Mark in ``alive`` which of the batch no kept body overlaps."""
    nearest = torch.full_like(scene.sizes.outer, torch.inf)
    doubtful = []
    for n, m, square in contacts(scene, batch, kept):
        lower, upper = bounds(scene, n, m, square)
        alive[n[lower > threshold]] = False
        unsure = (lower <= threshold) & (upper > threshold)
        doubtful.append((n[unsure], m[unsure], square[unsure]))
        nearest.scatter_reduce_(0, n[unsure], square[unsure], "amin")
    # The nearest is usually the one that overlaps: the others of what it drops need no look.
    for first in (True, False):
        for n, m, square in doubtful:
            asked = (alive[n] & ((square == nearest[n]) == first)).nonzero()[:, 0]
            n, m = n[asked], m[asked]
            alive[n[estimates(scene, n, m, threshold).double() > threshold]] = False


def _settle(scene: Scene, batch: Tensor, threshold: float) -> Tensor:
    """Return which of a batch are kept, compared with each other only."""
    found: list[tuple[Tensor, Tensor, Tensor]] = []
    for n, m, square in contacts(scene, batch, batch):
        before = m < n
        n, m, square = n[before], m[before], square[before]
        lower, upper = bounds(scene, n, m, square)
        matters = upper > threshold
        found.append((n[matters], m[matters], (lower > threshold)[matters]))
    if not found:
        return batch
    later, earlier, sure = (torch.cat(column) for column in zip(*found, strict=True))
    waiting = torch.zeros(len(scene.points), dtype=torch.bool, device=batch.device)
    dropped = torch.zeros_like(waiting)
    while len(later):
        waiting.zero_()
        waiting[later] = True
        ready = ~waiting[earlier] & ~dropped[earlier]  # nothing before them is undecided: they are kept
        n, m, certain = later[ready], earlier[ready], sure[ready]
        dropped[n[certain]] = True
        asked = (~certain & ~dropped[n]).nonzero()[:, 0]
        n, m = n[asked], m[asked]
        dropped[n[estimates(scene, n, m, threshold).double() > threshold]] = True
        rest = ~ready & ~dropped[later] & ~dropped[earlier]
        later, earlier, sure = later[rest], earlier[rest], sure[rest]
    return batch[~dropped[batch]]
