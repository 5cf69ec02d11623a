"""One-to-one assignment of sparse pairs: the most pairs that pass, then the highest scores."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

__all__ = ["assign"]


def assign(row: np.ndarray, column: np.ndarray, score: np.ndarray, threshold: float) -> np.ndarray:
    """Return the positions of the pairs that are matched, each with a score of at least ``threshold``.

    The same result as StarDist's ``matching``, which solves one dense assignment with the cost
    ``-(score >= threshold) - score / (2 n)``: a pair that passes outweighs every tie-breaking score together.
    Pairs that share no object cannot influence each other, so each connected group is solved by itself, and
    only where an object has more than one partner that passes.

    Parameters
    ----------
    row, column : (K,) int arrays
        The two objects of each candidate pair; no pair occurs twice.
    score : (K,) float array
        In [0, 1]; pairs that are not listed score 0.
    threshold : float
        Above 0.

    Returns
    -------
    (M,) int array
        Ascending positions in the input.

    Examples
    --------
    >>> assign(np.array([0, 0, 1]), np.array([0, 1, 0]), np.array([0.9, 0.5, 0.4]), 0.3)
    array([1, 2])
    """
    passing = np.flatnonzero(score >= threshold)
    if len(passing) == 0:
        return passing
    rows, columns = int(row.max()) + 1, int(column.max()) + 1
    contested = (np.bincount(row[passing], minlength=rows)[row[passing]] > 1) | (
        np.bincount(column[passing], minlength=columns)[column[passing]] > 1
    )
    if not contested.any():  # always so above 0.5
        return passing
    graph = coo_array((np.ones(len(row), bool), (row, rows + column)), shape=(rows + columns,) * 2)
    group = connected_components(graph, directed=False)[1][row]
    hard = np.unique(group[passing[contested]])
    matched = [passing[~np.isin(group[passing], hard)]]
    members = np.flatnonzero(np.isin(group, hard))
    members = members[np.argsort(group[members], kind="stable")]
    for pairs in np.split(members, np.flatnonzero(np.diff(group[members])) + 1):
        matched.append(_assign_group(row, column, score, threshold, pairs, min(rows, columns)))
    return np.sort(np.concatenate(matched))


def _assign_group(
    row: np.ndarray, column: np.ndarray, score: np.ndarray, threshold: float, pairs: np.ndarray, count: int
) -> np.ndarray:
    """Solve one connected group of pairs densely; ``count`` bounds how many can match in all."""
    r = np.unique(row[pairs], return_inverse=True)[1]
    c = np.unique(column[pairs], return_inverse=True)[1]
    gain = np.zeros((r.max() + 1, c.max() + 1))
    gain[r, c] = (score[pairs] >= threshold) + score[pairs] / (2 * count)
    position = np.full(gain.shape, -1, np.int64)
    position[r, c] = pairs
    chosen = position[linear_sum_assignment(gain, maximize=True)]
    chosen = chosen[chosen >= 0]
    return chosen[score[chosen] >= threshold]
