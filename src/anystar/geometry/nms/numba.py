"""Greedy non-maximum suppression of star-convex bodies.

Candidates are taken by descending probability. One is dropped if it overlaps a kept one by more than the
threshold; *overlap* is the volume of the intersection over the volume of the smaller body (StarDist's
measure: a small body inside a large one overlaps it wholly).

The result is that of the sequential algorithm, in any number of threads and whatever the order of the input.
A candidate need only be compared with kept bodies nearby, which a spatial hash finds. The hash has one level
per size (a power of two), so that a few huge bodies do not make everything their neighbour. Candidates are
handled in batches: against the bodies kept before in parallel, then among themselves in order.

A pair is decided by the cheapest of: bounding spheres and boxes (no overlap can exceed that of the outer
ones, none is less than that of the inner ones); one sample point per ray of the smaller body; eight. The
samples are fixed in the body, each with its share of the volume. Against a fine voxel count the single
sample is within about 0.05 of the overlap and the eight within 0.02 (tested), and the single one decides only
if it is 0.12 or more away from the threshold.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial

import numpy as np

from anystar.geometry.body.numba import check_bodies, extents, radius_tables
from anystar.geometry.nms import spatial_hash as neighbours
from anystar.geometry.rays import Rays
from anystar.geometry.threads import run_chunks

__all__ = ["DROPPED", "KEPT", "UNDECIDED", "Suppression", "rethreshold", "suppress", "suppress_partly"]

_FIRST_BATCH, _LAST_BATCH = 256, 32768


@dataclass(frozen=True, eq=False, kw_only=True)
class Suppression:
    """What survived.

    Parameters
    ----------
    kept : numpy.ndarray
        Indices of the surviving candidates in the input, int64, by descending probability, then by position.
    candidates, survivors : int
        How many came in, how many were kept.
    seconds : float
        Time taken.
    """

    kept: np.ndarray
    candidates: int
    survivors: int
    seconds: float


def suppress(
    points: np.ndarray,
    distances: np.ndarray,
    prob: np.ndarray,
    rays: Rays,
    *,
    threshold: float = 0.3,
    num_threads: int | None = None,
) -> Suppression:
    """Keep the most probable of the candidates that overlap.

    Parameters
    ----------
    points : numpy.ndarray
        Centres, shape ``(N, 3)``, voxels (ZYX), any real dtype, inside or outside of the volume.
    distances : numpy.ndarray
        Star distances, shape ``(N, R)``, voxels, finite, at least 0.
    prob : numpy.ndarray
        Shape ``(N,)``, finite. Ties go to the smaller Z, then Y, then X.
    rays : Rays
        ``R`` directions.
    threshold : float
        Largest overlap, 0 to 1, that two kept bodies may have. At 1 everything survives.
    num_threads : int, optional
        Threads at most; all cores by default.

    Returns
    -------
    Suppression

    Examples
    --------
    >>> from anystar.geometry.rays import golden_spiral
    >>> points = np.array([[0, 0, 0], [0, 0, 2], [0, 0, 30]])
    >>> suppress(points, np.full((3, 32), 5.0), np.array([0.7, 0.9, 0.8]), golden_spiral(32)).kept
    array([1, 2])
    """
    began = time.perf_counter()
    points, distances, prob = _check(points, distances, prob, rays, threshold)
    num = len(points)
    order = _order(points, distances, prob)
    kept = order if threshold == 1 else _greedy(points, distances, rays, order, float(threshold), num_threads)
    return Suppression(kept=kept, candidates=num, survivors=len(kept), seconds=time.perf_counter() - began)


UNDECIDED, KEPT, DROPPED = np.uint8(0), np.uint8(1), np.uint8(2)
"""What is known of a candidate."""


def suppress_partly(
    points: np.ndarray,
    distances: np.ndarray,
    prob: np.ndarray,
    rays: Rays,
    status: np.ndarray,
    complete: np.ndarray,
    *,
    threshold: float = 0.3,
) -> np.ndarray:
    """Decide as many candidates of a part of a volume as can be decided without seeing the rest.

    What it says is what :func:`suppress` would say of the whole volume. A candidate is dropped as soon as a
    more probable one that it overlaps is known to be kept. It is kept once all that could overlap it is known
    and everything more probable that does is dropped. Otherwise it stays undecided, until more is known of
    its neighbours. The most probable undecided candidate of a volume can always be decided by whoever sees
    its neighbourhood, so that repeating this part by part comes to an end.

    Parameters
    ----------
    points, distances, prob, rays, threshold
        As for :func:`suppress`; coordinates are those of the whole volume.
    status : numpy.ndarray
        ``UNDECIDED`` or ``KEPT`` (known from before), shape ``(N,)``, uint8. Leave dropped ones out.
    complete : numpy.ndarray
        Whether every candidate of the volume that could overlap it and has not been dropped is among the N,
        shape ``(N,)``, bool.

    Returns
    -------
    numpy.ndarray
        ``UNDECIDED``, ``KEPT`` or ``DROPPED``, shape ``(N,)``, uint8.

    Examples
    --------
    >>> from anystar.geometry.rays import golden_spiral
    >>> points, radii = np.array([[0, 0, 0], [0, 0, 2], [0, 0, 9]]), np.full((3, 32), 5.0)
    >>> unknown, seen = np.zeros(3, np.uint8), np.array([True, True, False])
    >>> suppress_partly(points, radii, np.array([0.9, 0.8, 0.7]), golden_spiral(32), unknown, seen)
    array([1, 2, 0], dtype=uint8)
    """
    points, distances, prob = _check(points, distances, prob, rays, threshold)
    status, complete = np.array(status, np.uint8), np.asarray(complete, np.bool_)
    if threshold == 1:
        status[complete] = KEPT
        return status
    num = len(points)
    order = _order(points, distances, prob)
    neighbours.settle_partly(
        _shapes(points, distances, rays, 1),
        neighbours.sampling(radius_tables(rays)),
        neighbours.new_index(num, full=True),
        neighbours.new_index(num, full=True),
        order,
        float(threshold),
        status,
        complete,
        neighbours.new_room(len(rays)),
    )
    return status


def _check(
    points: np.ndarray, distances: np.ndarray, prob: np.ndarray, rays: Rays, threshold: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    points, distances = check_bodies(points, distances, rays)
    prob = np.asarray(prob, np.float64)
    num = len(points)
    if prob.shape != (num,) or not np.isfinite(prob).all():
        raise ValueError(f"prob must be finite and of shape ({num},), got shape {prob.shape} or NaN")
    if not 0 <= threshold <= 1:
        raise ValueError(f"threshold must be from 0 to 1, got {threshold}")
    return points, distances, prob


def rethreshold(suppression: Suppression, prob: np.ndarray, prob_threshold: float) -> np.ndarray:
    """Return what would have been kept had only candidates of at least this probability come in.

    No less probable candidate can drop a more probable one, so it is the head of what was kept.

    Parameters
    ----------
    suppression : Suppression
        Of candidates that include all those at or above ``prob_threshold``.
    prob : numpy.ndarray
        The probabilities that were given to :func:`suppress`, shape ``(N,)``.
    prob_threshold : float
        Lowest probability to keep.

    Returns
    -------
    numpy.ndarray
        Indices, int64, by descending probability.
    """
    kept = suppression.kept
    return kept[np.asarray(prob)[kept] >= prob_threshold]


def _order(points: np.ndarray, distances: np.ndarray, prob: np.ndarray) -> np.ndarray:
    """Return the candidates by descending probability, then position, then their distances' bits."""
    order = np.lexsort((points[:, 2], points[:, 1], points[:, 0], -prob)).astype(np.int64)
    same = (np.diff(prob[order]) == 0) & (np.diff(points[order], axis=0) == 0).all(axis=1)
    if same.any():
        # Several candidates at one place: only what they describe can tell them apart.
        run = np.concatenate([[0], np.cumsum(~same)])
        twins = np.flatnonzero(np.concatenate([same, [False]]) | np.concatenate([[False], same]))
        digests = _digests(distances, order[twins])
        order[twins] = order[twins][np.lexsort((order[twins], digests, run[twins]))]
    return order


def _digests(distances: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return an int64 number per row, equal for equal distances."""
    factors = digest_factors(distances.shape[1])
    out = np.empty(len(rows), np.int64)
    for a in range(0, len(rows), 4096):
        bits = distances[rows[a : a + 4096]].view(np.int32).astype(np.int64)
        out[a : a + 4096] = (bits * factors).sum(axis=1)  # wraps around
    return out


def digest_factors(num_rays: int) -> np.ndarray:
    """Return the odd factors, ``(R,)`` int64, that make a number of a body's distances."""
    rng = np.random.default_rng(0)
    return rng.integers(-(2**62), 2**62, num_rays) * 2 + 1


def _greedy(
    points: np.ndarray,
    distances: np.ndarray,
    rays: Rays,
    order: np.ndarray,
    threshold: float,
    num_threads: int | None,
) -> np.ndarray:
    num = len(points)
    shapes = _shapes(points, distances, rays, num_threads)
    sampling = neighbours.sampling(radius_tables(rays))
    index = neighbours.new_index(num)
    alive = np.ones(num, np.bool_)

    def settle(first_slot: int, keep: bool, offset: int, first: int, last: int) -> None:
        room = neighbours.new_room(len(rays))
        neighbours.settle(
            shapes, sampling, index, order, threshold, alive, room, first_slot, keep, offset, first, last
        )

    start, size = 0, _FIRST_BATCH
    while start < num:
        stop = min(start + size, num)
        kept_before = index.used
        if kept_before:
            against_kept = partial(settle, 0, False, start)
            run_chunks(against_kept, stop - start, num_threads=num_threads, min_chunk=64)
        settle(kept_before, True, start, 0, stop - start)
        index = neighbours.grown(index)
        start, size = stop, min(2 * size, _LAST_BATCH)
    return order[alive]


def _shapes(
    points: np.ndarray, distances: np.ndarray, rays: Rays, num_threads: int | None
) -> neighbours.Shapes:
    """Measure all candidates."""
    return neighbours.shapes(points, distances, *extents(distances, rays, num_threads=num_threads))
