"""Training targets from labels: object probability and star distances on the grid."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from anystar.geometry.object_probability import object_probability
from anystar.geometry.rays import Rays
from anystar.geometry.star_distances import star_distances

__all__ = ["Targets", "make_targets"]


class Targets(NamedTuple):
    """Targets of a batch; distances only where there is an object."""

    prob_BZYX: Tensor
    """Object probability on the grid, float32 in [0, 1]."""
    points_P4: Tensor
    """Batch row and ZYX grid index of the points with distances, int64."""
    dist_PR: Tensor
    """Their star distances in voxels, float32."""
    others_Q4: Tensor
    """Points drawn from the whole grid, equally many per sample, int64: where distances are pulled to zero if
    there is no object."""
    valid_BZYX: Tensor | None = None
    """Where the ground truth is known on the grid, bool; everywhere by default."""

    def taught_N4(self) -> Tensor:
        """Return the points where distances are learnt: ``points_P4``, then ``others_Q4``."""
        return torch.cat([self.points_P4, self.others_Q4])

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
        Largest number of object points per sample that get distances, chosen uniformly: the weighted mean
        over them estimates the mean over all points. The same number of points is drawn from the whole grid.
        ``None`` takes all.
    rngs : sequence of numpy.random.Generator
        One per sample; chooses the points.
    """
    labels = torch.as_tensor(labels_BZYX)
    if len(labels) != len(rngs):
        raise ValueError(f"rngs must be one per sample, got {len(rngs)} for {len(labels)} samples")
    points = (labels[:, ::grid, ::grid, ::grid] > 0).nonzero()
    if max_points is not None:
        points = points[
            _choose(points[:, 0].bincount(minlength=len(labels)).tolist(), max_points, rngs).to(points.device)
        ]
    voxels = points * torch.tensor([1, grid, grid, grid], device=points.device)
    probability = object_probability(labels, grid=grid)
    others = _draw(probability.shape[1:], max_points, rngs).to(points.device)
    return Targets(probability, points, star_distances(labels, voxels, rays), others)


def _choose(counts: Sequence[int], most: int, rngs: Sequence[np.random.Generator]) -> Tensor:
    """Return which of the points, sorted by sample, are taken: at most ``most`` per sample."""
    chosen, first = [], 0
    for count, rng in zip(counts, rngs, strict=True):
        own = np.arange(count)
        if count > most:
            own = np.sort(rng.choice(count, most, replace=False, shuffle=False))
        chosen.append(first + own)
        first += count
    return torch.from_numpy(np.concatenate(chosen))


def _draw(shape: Sequence[int], num: int | None, rngs: Sequence[np.random.Generator]) -> Tensor:
    """Draw ``num`` points of a grid per sample; every point once for ``None`` or if there are no more."""
    total = math.prod(shape)
    every = num is None or num >= total
    drawn = [np.arange(total) if every else rng.integers(total, size=num) for rng in rngs]
    rows = np.repeat(np.arange(len(rngs)), len(drawn[0]))
    return torch.from_numpy(np.stack([rows, *np.unravel_index(np.concatenate(drawn), shape)], axis=1))
