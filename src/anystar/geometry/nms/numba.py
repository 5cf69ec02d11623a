"""Non-maximum suppression with Numba.

The result is that of the sequential algorithm, in any number of threads and whatever the order of the input.
A candidate need only be compared with kept bodies nearby, which a spatial hash finds. The hash has one level
per size (a power of two), so that a few huge bodies do not make everything their neighbour. Candidates are
handled in batches: against the bodies kept before in parallel, then among themselves in order.

A pair is decided by the cheapest of three tests. First, bounding spheres and boxes: no overlap exceeds that
of the outer ones, none is less than that of the inner ones. Then one sample point per ray of the smaller
body, then eight. The samples are fixed in the body, each with its share of the volume. Against a fine voxel
count the single sample is within about 0.05 of the overlap and the eight within 0.02 (tested). The single one
decides only if it is 0.12 or more away from the threshold.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from anystar.geometry.body.numba import FAST, radius_tables
from anystar.geometry.nms.overlap import body_table, new_scratch, sampling
from anystar.geometry.nms.spatial_hash import insert, new_index, overlaps_kept, rehashed
from anystar.geometry.polyhedra import Polyhedra
from anystar.geometry.threads import run_chunks
from anystar.runtime.compiled import kernel

__all__ = ["DROPPED", "KEPT", "UNDECIDED", "check_threshold", "digest_factors", "suppress", "suppress_partly"]

UNDECIDED, KEPT, DROPPED = np.uint8(0), np.uint8(1), np.uint8(2)
"""Status of a candidate."""
_FIRST_BATCH, _LAST_BATCH = 256, 32768


def suppress(polyhedra: Polyhedra, threshold: float) -> np.ndarray:
    """Return the indices of the survivors, see :func:`anystar.geometry.nms.suppress`."""
    order = _order(polyhedra)
    if threshold == 1:
        return order
    num, rays = len(polyhedra), polyhedra.rays
    bodies, samples = body_table(polyhedra), sampling(radius_tables(rays))
    index = new_index(num)
    alive = np.ones(num, np.bool_)

    def suppress_batch(first_slot: int, keep: bool, offset: int, first: int, last: int) -> None:
        room = new_scratch(len(rays))
        _suppress_batch(
            bodies,
            samples,
            index,
            order,
            float(threshold),
            alive,
            room,
            first_slot,
            keep,
            offset,
            first,
            last,
        )

    start, size = 0, _FIRST_BATCH
    while start < num:
        stop = min(start + size, num)
        kept_before = index.used
        if kept_before:
            against_kept = partial(suppress_batch, 0, False, start)
            run_chunks(against_kept, stop - start, min_chunk=64)
        suppress_batch(kept_before, True, start, 0, stop - start)
        index = rehashed(index)
        start, size = stop, min(2 * size, _LAST_BATCH)
    return order[alive]


def suppress_partly(
    polyhedra: Polyhedra, status: np.ndarray, complete: np.ndarray, *, threshold: float = 0.3
) -> np.ndarray:
    """Decide those candidates of a part of a volume that can be decided without the rest.

    The decisions are those of :func:`anystar.geometry.nms.suppress` for the whole volume. A candidate is
    dropped as soon as a more probable one that it overlaps is known to be kept. It is kept once all that
    could overlap it is known and everything more probable that does is dropped. Otherwise it stays undecided,
    until more is known of its neighbours. The most probable undecided candidate of a volume can always be
    decided by a part that holds its neighbourhood, so that repeating this part by part comes to an end.

    Parameters
    ----------
    polyhedra : Polyhedra
        N candidates with probabilities, in coordinates of the whole volume.
    status : numpy.ndarray
        ``UNDECIDED`` or ``KEPT`` (known from before), shape ``(N,)``, uint8. Leave dropped ones out.
    complete : numpy.ndarray
        Whether every candidate of the volume that could overlap it and has not been dropped is among the N,
        shape ``(N,)``, bool.
    threshold : float
        Largest overlap, 0 to 1, that two kept polyhedra may have.

    Returns
    -------
    numpy.ndarray
        ``UNDECIDED``, ``KEPT`` or ``DROPPED``, shape ``(N,)``, uint8.

    Examples
    --------
    >>> from anystar.geometry.rays import golden_spiral
    >>> points, prob = np.array([[0, 0, 0], [0, 0, 2], [0, 0, 9]]), np.array([0.9, 0.8, 0.7])
    >>> candidates = Polyhedra(points, np.full((3, 32), 5.0), golden_spiral(32), prob)
    >>> suppress_partly(candidates, np.zeros(3, np.uint8), np.array([True, True, False]))
    array([1, 2, 0], dtype=uint8)
    """
    check_threshold(threshold)
    status, complete = np.array(status, np.uint8), np.asarray(complete, np.bool_)
    order = _order(polyhedra)
    if threshold == 1:
        status[complete] = KEPT
        return status
    num, rays = len(polyhedra), polyhedra.rays
    _suppress_known(
        body_table(polyhedra),
        sampling(radius_tables(rays)),
        new_index(num, full=True),
        new_index(num, full=True),
        order,
        float(threshold),
        status,
        complete,
        new_scratch(len(rays)),
    )
    return status


def check_threshold(threshold: float) -> None:
    """Raise ``ValueError`` if a threshold is no share of a volume."""
    if not 0 <= threshold <= 1:
        raise ValueError(f"threshold must be from 0 to 1, got {threshold}")


def _order(polyhedra: Polyhedra) -> np.ndarray:
    """Return the candidates by descending probability, then position, then their distances' bits."""
    points, prob = polyhedra.points, polyhedra.probabilities.astype(np.float64)
    order = np.lexsort((points[:, 2], points[:, 1], points[:, 0], -prob)).astype(np.int64)
    same = (np.diff(prob[order]) == 0) & (np.diff(points[order], axis=0) == 0).all(axis=1)
    if same.any():
        # Several candidates at one place: only their distances distinguish them.
        run = np.concatenate([[0], np.cumsum(~same)])
        twins = np.flatnonzero(np.concatenate([same, [False]]) | np.concatenate([[False], same]))
        digests = _digests(polyhedra.distances, order[twins])
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
    """Return odd factors, ``(R,)`` int64, whose products with a body's distances are summed."""
    rng = np.random.default_rng(0)
    return rng.integers(-(2**62), 2**62, num_rays) * 2 + 1


@kernel(fastmath=FAST)
def _suppress_batch(
    bodies, sampling, index, order, threshold, alive, scratch, first_slot, keep, offset, first, last
):
    """Mark which of ``order[offset + first:offset + last]`` survive those kept at ``first_slot`` or later.

    With ``keep`` those still alive are taken in turn, and join the index as they are kept; without, the index
    is left alone, and threads may handle different candidates at once.
    """
    for i in range(offset + first, offset + last):
        if not alive[i]:
            continue
        n = order[i]
        for attempt in range(2):
            if overlaps_kept(bodies, sampling, index, n, threshold, first_slot, attempt == 0, scratch):
                alive[i] = False
                break
        if keep and alive[i]:
            insert(bodies.sizes, index, n)


@kernel(fastmath=FAST)
def _suppress_known(bodies, sampling, kept, undecided, order, threshold, status, complete, scratch):
    """Decide what can be decided: 0 undecided, 1 kept, 2 dropped; both indices are empty at first."""
    for n in order:
        if status[n] == 0:
            for attempt in range(2):
                if overlaps_kept(bodies, sampling, kept, n, threshold, 0, attempt == 0, scratch):
                    status[n] = 2
                    break
            if status[n] == 2:
                continue
            if complete[n] and not overlaps_kept(
                bodies, sampling, undecided, n, threshold, 0, False, scratch
            ):
                status[n] = 1
        insert(bodies.sizes, kept if status[n] == 1 else undecided, n)
