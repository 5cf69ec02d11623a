"""Labels to what the network learns: object probability and star distances on the grid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from anystar.geometry.distances import star_distances_at
from anystar.geometry.probability import object_probability
from anystar.geometry.rays import Rays

__all__ = ["Targets", "make_targets"]


class Targets(NamedTuple):
    """Targets of a batch; distances only where there is an object."""

    prob_BZYX: Tensor
    """Object probability on the grid, float32 in [0, 1]."""
    points_P4: Tensor
    """Batch row and ZYX grid index of the points with distances, int64."""
    dist_PR: Tensor
    """Their star distances in voxels, float32."""
    valid_BZYX: Tensor | None = None
    """Where on the grid the truth is known, bool; everywhere if left out."""

    def to(self, device: torch.device) -> Targets:
        """Return the targets on ``device``."""
        return Targets(*(None if t is None else t.to(device, non_blocking=True) for t in self))  # type: ignore[arg-type]


def make_targets(
    labels_BZYX: Tensor | np.ndarray,
    rays: Rays,
    *,
    grid: int,
    max_points: int | None,
    rngs: Sequence[np.random.Generator],
) -> Targets:
    """Return the targets of a batch of labels.

    Parameters
    ----------
    labels_BZYX : int32, shape ``(B, Z, Y, X)``
    rays : Rays
    grid : int
        Voxels between grid points.
    max_points : int or None
        At most so many object points a sample get distances, chosen uniformly: the weighted mean over them is
        an estimate of that over all points. ``None`` takes all.
    rngs : sequence of numpy.random.Generator
        One a sample, chooses the points.
    """
    labels = labels_BZYX.cpu().numpy() if isinstance(labels_BZYX, Tensor) else labels_BZYX
    probs, points, dists = [], [], []
    for row, (one, rng) in enumerate(zip(labels, rngs, strict=True)):
        probs.append(object_probability(one, grid=grid))
        at = np.argwhere(one[::grid, ::grid, ::grid] > 0)
        if max_points is not None and len(at) > max_points:
            at = at[np.sort(rng.choice(len(at), max_points, replace=False, shuffle=False))]
        dists.append(star_distances_at(one, at * grid, rays))
        points.append(np.concatenate([np.full((len(at), 1), row), at], axis=1))
    device = labels_BZYX.device if isinstance(labels_BZYX, Tensor) else torch.device("cpu")
    return Targets(
        torch.from_numpy(np.stack(probs)).to(device),
        torch.from_numpy(np.concatenate(points).astype(np.int64)).to(device),
        torch.from_numpy(np.concatenate(dists)).to(device),
    )
