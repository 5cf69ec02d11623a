"""Detected centres against true centres, for volumes whose ground truth is one point per object."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from anystar.arrays import check_spacing
from anystar.errors import InputError
from anystar.evaluate.assign import assign

__all__ = ["CentreScores", "match_centres"]


@dataclass(frozen=True, kw_only=True)
class CentreScores:
    """Counts and scores within one distance; every ratio of 0 to 0 is 0."""

    max_distance: float
    "Largest distance of a matched pair, in the unit of the spacing."
    num_true: int
    "True centres."
    num_pred: int
    "Detected centres."
    tp: int
    "Matched pairs."
    mean_distance: float
    "Mean distance of the matched pairs, NaN if there are none."

    @property
    def precision(self) -> float:
        """Share of the detections that have a partner."""
        return self.tp / self.num_pred if self.num_pred else 0.0

    @property
    def recall(self) -> float:
        """Share of the true centres that have a partner."""
        return self.tp / self.num_true if self.num_true else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        total = self.num_true + self.num_pred
        return 2 * self.tp / total if total else 0.0


def match_centres(
    ground_truth: np.ndarray,
    pred: np.ndarray,
    *,
    max_distance: float,
    spacing: tuple[float, float, float] = (1.0, 1.0, 1.0),
) -> CentreScores:
    """Match detected to true centres one to one: the most pairs, and among those the nearest.

    Parameters
    ----------
    ground_truth, pred : (N, 3), (M, 3) float arrays
        Centres in voxels, ZYX.
    max_distance : float
        Above 0, in the unit of ``spacing``.
    spacing : 3 floats
        Size of a voxel along Z, Y, X.

    Raises
    ------
    ValueError
        For a distance that is not positive or points that are not (N, 3).

    Examples
    --------
    >>> found = match_centres(np.array([[0, 0, 0], [9, 9, 9.]]), np.array([[1, 0, 0.]]), max_distance=2)
    >>> found.tp, found.precision, found.recall
    (1, 1.0, 0.5)
    """
    if not max_distance > 0:
        raise InputError(f"max_distance must be above 0, got {max_distance}")
    scale = np.array(check_spacing(spacing))
    points = []
    for name, given in (("ground_truth", ground_truth), ("pred", pred)):
        array = np.asarray(given, float) if np.size(given) else np.zeros((0, 3))
        if array.ndim != 2 or array.shape[1] != 3:
            raise InputError(f"{name} must have the shape (N, 3), got {array.shape}")
        points.append(array * scale)
    near = cKDTree(points[0]).query_ball_tree(cKDTree(points[1]), max_distance) if len(points[1]) else []
    true_index = np.repeat(np.arange(len(near)), [len(n) for n in near]).astype(np.int64)
    pred_index = np.array([j for n in near for j in n], np.int64)
    distance = np.linalg.norm(points[0][true_index] - points[1][pred_index], axis=1)
    # From 1 at no distance down to a half at the largest: every pair within it passes the threshold.
    matched = assign(true_index, pred_index, 1 - distance / (2 * max_distance), 0.5 - 1e-9)
    return CentreScores(
        max_distance=float(max_distance),
        num_true=len(points[0]),
        num_pred=len(points[1]),
        tp=len(matched),
        mean_distance=float(distance[matched].mean()) if len(matched) else float("nan"),
    )
