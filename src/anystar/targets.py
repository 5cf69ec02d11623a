"""Labels to what the network learns: object probability and star distances on the grid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from anystar.geometry.rays import Rays
from anystar.geometry.tensors import object_probability, star_distances_at

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
    """Return the targets of a batch of labels, where the labels are.

    On a graphics card nothing but the number of object points comes to the host; the points chosen are the
    same everywhere.

    Parameters
    ----------
    labels_BZYX : tensor or array of integers, shape ``(B, Z, Y, X)``
    rays : Rays
    grid : int
        Voxels between grid points.
    max_points : int or None
        At most so many object points a sample get distances, chosen uniformly: the weighted mean over them is
        an estimate of that over all points. ``None`` takes all.
    rngs : sequence of numpy.random.Generator
        One a sample, chooses the points.
    """
    labels = torch.as_tensor(labels_BZYX)
    if len(labels) != len(rngs):
        raise ValueError(f"rngs must be one a sample, got {len(rngs)} for {len(labels)} samples")
    points = (labels[:, ::grid, ::grid, ::grid] > 0).nonzero()
    if max_points is not None:
        points = points[
            _choose(points[:, 0].bincount(minlength=len(labels)).tolist(), max_points, rngs).to(points.device)
        ]
    voxels = points * torch.tensor([1, grid, grid, grid], device=points.device)
    return Targets(object_probability(labels, grid=grid), points, star_distances_at(labels, voxels, rays))


def _choose(counts: Sequence[int], most: int, rngs: Sequence[np.random.Generator]) -> Tensor:
    """Return which of the points, sorted by sample, are taken: at most so many of each sample."""
    chosen, first = [], 0
    for count, rng in zip(counts, rngs, strict=True):
        own = np.arange(count)
        if count > most:
            own = np.sort(rng.choice(count, most, replace=False, shuffle=False))
        chosen.append(first + own)
        first += count
    return torch.from_numpy(np.concatenate(chosen))
