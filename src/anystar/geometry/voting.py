"""Candidates of one object vote on its outline, so that those dropped by suppression still contribute.

An object is proposed from many of its voxels. Suppression keeps one of the proposals with its outline, errors
included. Here the others vote, as boxes do in "box voting" (Gidaris and Komodakis 2015): each outline is
measured from the kept centre, ray by ray, and all are averaged. Far ends are predicted too near rather than
too far, the more so the less certain they are. So the average is a power mean: where the votes differ it
leans towards the larger distances.

How far the volumes of the voters differ says how uncertain the volume of the object is.

For the same reason :func:`precedence` ranks a larger body before an equally probable smaller one. Along the
axis of a long object all candidates are equally probable, and the one in its middle reaches most of it.
(docs/lab-notes/training-log.md says what both contribute.)
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from anystar.geometry.body.numba import FAST, extents, radius_tables, radius_towards
from anystar.geometry.polyhedra import Polyhedra
from anystar.geometry.threads import run_chunks
from anystar.runtime.compiled import kernel

__all__ = ["precedence", "vote"]

_SIZE = 0.2
"""Power of the volume in the precedence."""
_GROUP = 1e6
"""Difference in rank between groups: more than any volume gives."""
_WITHIN = 0.8
"""Candidates at this share of the way from a kept centre to its surface, or beyond, have no weight."""
_POWER = 10
"""Power of the mean."""
_MOST = 1.5
"""No vote moves the surface by more than this factor."""
_SMALLEST = 1e-6
"""Volume that smaller ones are counted as, in cubic edges."""
_STEPS, _EXACT = 12, 1e-3
"""Maximum number of steps to find a ray's end, and the tolerance as a share of the radius."""
_CHUNK = 1024
"""Bodies whose voters are looked up at once."""


def precedence(polyhedra: Polyhedra) -> np.ndarray:
    """Return the ranks for suppression, ``(N,)``: probability times a small power of the volume, by groups.

    Examples
    --------
    >>> from anystar.geometry.rays import golden_spiral
    >>> radii = np.repeat([[4.0], [8.0]], 32, axis=1)
    >>> balls = Polyhedra(np.zeros((2, 3)), radii, golden_spiral(32), np.array([0.8, 0.8]))
    >>> small, large = precedence(balls)
    >>> print(f"{large / small:.3f}")  # 8 times the volume
    1.516
    """
    volume = extents(polyhedra.distances, polyhedra.rays).volume
    rank = polyhedra.probabilities.astype(np.float64) * volume.astype(np.float64) ** _SIZE
    return rank if polyhedra.group is None else rank - _GROUP * polyhedra.group


def vote(polyhedra: Polyhedra, kept: np.ndarray) -> Polyhedra:
    """Return the outlines of kept polyhedra that all candidates within them agree on.

    A candidate votes for every kept polyhedron of its group that holds its centre within 0.8 of the way to
    the surface and whose centre it holds. Its weight is its probability, falling to 0 at 0.8. The kept
    polyhedron has a vote itself. The result does not depend on the order of the candidates, nor on those that
    are elsewhere.

    Parameters
    ----------
    polyhedra : Polyhedra
        All candidates, with probabilities in [0, 1].
    kept : numpy.ndarray
        Indices of the polyhedra to be outlined, shape ``(K,)``.

    Returns
    -------
    Polyhedra
        The K kept ones, with the distances agreed upon, the highest probability of their voters and the
        spread of their volumes.

    Examples
    --------
    Two candidates of a ball of radius 5 lie on either side of its centre; one is too small, one too large.

    >>> from anystar.geometry.rays import golden_spiral
    >>> points, radii = np.array([[0, 0, 0], [0, 0, 1]]), np.repeat([[4.9], [5.1]], 32, axis=1)
    >>> candidates = Polyhedra(points, radii, golden_spiral(32), np.array([0.8, 0.7]))
    >>> voted = vote(candidates, np.array([0]))
    >>> bool(4.9 < voted.distances.mean() < 5.1), voted.prob
    (True, array([0.8], dtype=float32))
    >>> voted.spread.round(2)  # of the logarithms of their volumes
    array([0.06], dtype=float32)
    """
    kept = np.asarray(kept)
    if kept.size and kept.dtype.kind not in "ui":
        raise ValueError(f"kept must be indices, got {kept.dtype}; of a mask take np.flatnonzero")
    kept = kept.astype(np.int64)
    if polyhedra.group is None:
        return _vote(polyhedra, kept)
    group, parts, order = polyhedra.group, [], []
    for number in np.unique(group[kept]):
        some = np.flatnonzero(group == number)
        chosen = np.flatnonzero(group[kept] == number)
        voted = _vote(polyhedra.take(some), np.searchsorted(some, kept[chosen]))
        parts.append(voted.in_group(number))
        order.append(chosen)
    if not parts:
        return _vote(polyhedra, kept).in_group(0)
    return Polyhedra.joined(parts).take(np.argsort(np.concatenate(order)))


def _vote(polyhedra: Polyhedra, kept: np.ndarray) -> Polyhedra:
    points, distances = polyhedra.points.astype(np.float64), polyhedra.distances
    prob = polyhedra.probabilities.astype(np.float32)
    agreed, surest, spread = distances[kept], prob[kept], np.zeros(len(kept), np.float32)
    volume = extents(distances, polyhedra.rays).volume.astype(np.float64)
    log_volume = np.log(volume.clip(_SMALLEST))
    order = np.lexsort((-prob, *points.T[::-1]))  # sums do not depend on the order that candidates come in
    tree = cKDTree(points[order])
    reach = _WITHIN * distances[kept].max(axis=1).astype(np.float64)
    tables = radius_tables(polyhedra.rays)

    def count(a: int, b: int) -> None:
        for first in range(a, b, _CHUNK):
            some = slice(first, min(first + _CHUNK, b))
            near = tree.query_ball_point(points[kept[some]], reach[some], return_sorted=True)
            voters = order[np.concatenate(near).astype(np.int64)]
            last = np.cumsum([len(rows) for rows in near])
            votes = points, distances, prob, log_volume
            out = agreed[some], surest[some], spread[some]
            _count_votes(*votes, kept[some], voters, last, tables.vertices, tables.face_map, *out)

    run_chunks(count, len(kept), min_chunk=4)
    return Polyhedra(polyhedra.points[kept], agreed, polyhedra.rays, surest, spread=spread)


@kernel(fastmath=FAST)
def _distances_from(z, y, x, distances_R, vertices_R3, face_map, guess_R, out_R):
    """Distances along the rays, from a point (relative to its centre) within a body, to its surface.

    By secants, from the point and the guess, within a bracket that is halved where they would leave it.
    """
    away = np.sqrt(z * z + y * y + x * x)
    farthest = np.float32(0)
    for r in range(len(distances_R)):
        farthest = max(farthest, distances_R[r])
    # At the centre, distances_R[0] only says where to start: what is found is on the surface anyway
    depth = distances_R[0] if away == 0 else radius_towards(z, y, x, distances_R, face_map) - away
    for r in range(len(guess_R)):
        low, high = np.float32(0), farthest + away
        rz, ry, rx = vertices_R3[r, 0], vertices_R3[r, 1], vertices_R3[r, 2]
        before, missed = low, depth
        at = min(guess_R[r], high)
        for _ in range(_STEPS):
            pz, py, px = z + at * rz, y + at * ry, x + at * rx
            far = np.sqrt(pz * pz + py * py + px * px) + np.float32(1e-12)
            missing = radius_towards(pz, py, px, distances_R, face_map) - far
            if abs(missing) <= np.float32(_EXACT) * far:
                break
            if missing > 0:
                low = at
            else:
                high = at
            change = missed - missing
            ahead = at + missing * (at - before) / change if change * (at - before) > 0 else low
            before, missed = at, missing
            at = ahead if low < ahead < high else (low + high) / np.float32(2)
        out_R[r] = at


@kernel(fastmath=FAST)
def _count_votes(
    points, distances, prob, log_volume, kept, voters, last, vertices, face_map, out_KR, prob_K, spread_K
):
    """Average the votes for each kept body; ``last`` is where the voters of each end."""
    num_rays = distances.shape[1]
    votes, total = np.empty(num_rays, np.float32), np.empty(num_rays, np.float64)
    least, most = np.float32(1 / _MOST), np.float32(_MOST)
    start = 0
    for k in range(len(kept)):
        i = kept[k]
        own = distances[i]
        total[:] = 0
        weights, mean, squares = 0.0, 0.0, 0.0
        for n in range(start, last[k]):
            j = voters[n]
            z = np.float32(points[i, 0] - points[j, 0])
            y = np.float32(points[i, 1] - points[j, 1])
            x = np.float32(points[i, 2] - points[j, 2])
            away = np.sqrt(z * z + y * y + x * x)
            share = np.float32(0)
            if away > 0:
                share = away / max(radius_towards(-z, -y, -x, own, face_map), np.float32(1e-6))
                if share >= np.float32(_WITHIN) or radius_towards(z, y, x, distances[j], face_map) <= away:
                    continue
            share = share / np.float32(_WITHIN)
            weight = prob[j] * (1 - share * share)
            _distances_from(z, y, x, distances[j], vertices, face_map, own, votes)
            weights += weight
            if weights > 0:
                from_mean = log_volume[j] - mean
                mean += from_mean * weight / weights
                squares += weight * from_mean * (log_volume[j] - mean)
            prob_K[k] = max(prob_K[k], prob[j])
            for r in range(num_rays):
                ratio = min(max(votes[r] / max(own[r], np.float32(1e-6)), least), most)
                total[r] += weight * np.float64(ratio) ** _POWER
        start = last[k]
        if weights > 0:
            spread_K[k] = np.sqrt(max(squares, 0.0) / weights)  # of a single voter it may be -1e-17
            for r in range(num_rays):
                out_KR[k, r] = own[r] * (total[r] / weights) ** (1 / _POWER)
