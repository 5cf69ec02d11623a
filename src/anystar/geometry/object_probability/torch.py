"""Object probability of batches of label volumes by torch; :mod:`.numba` defines it."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["object_probability"]

_FAR = 1e12


def object_probability(labels: Tensor, grid: int, spacing: tuple[float, float, float]) -> Tensor:
    """Return the probabilities, see :func:`anystar.geometry.object_probability.object_probability`.

    Labels are contiguous int32, shape ``(B, Z, Y, X)``.
    """
    squared = _boundary_distance_squared(labels, spacing)
    sampled = (slice(None), *[slice(None, None, grid)] * 3)
    num_batch, volume = len(labels), max(1, labels[0].numel()) if len(labels) else 1
    highest = int(labels.max()) if labels.numel() else 0
    if highest == 0:
        return squared[sampled].contiguous()
    names = labels.to(torch.int64)
    if highest > volume:  # a table over the labels would be larger than the volume
        # 0 stays 0 where there is background; where there is none, any number will do.
        names = names.unique(return_inverse=True)[1]
        highest = int(names.max())
    names += torch.arange(num_batch, device=labels.device).view(-1, 1, 1, 1) * (highest + 1)
    maxima = squared.new_zeros(num_batch * (highest + 1))
    maxima.scatter_reduce_(0, names.view(-1), squared.view(-1), "amax")
    inside = labels[sampled] > 0
    return torch.where(inside, (squared[sampled] / maxima[names[sampled]]).sqrt(), 0.0)


def _boundary_distance_squared(labels: Tensor, spacing: tuple[float, float, float]) -> Tensor:
    """Squared distance of each voxel to the nearest one of another label, in units of the longest side."""
    if labels.numel() == 0:
        return torch.zeros_like(labels, dtype=torch.float32)
    first = labels[:, :1, :1, :1]
    full = ((labels == first).flatten(1).all(1) & (first.flatten() > 0)).nonzero()[:, 0]
    longest = np.float32(max(spacing))
    weights = [float((np.float32(a) / longest) ** 2) for a in spacing]
    out = _along_last(labels) * weights[2]
    out.clamp_max_(_FAR)
    for axis in (2, 1):
        out = _envelope(labels, out, axis, weights[axis - 1])
    if len(full):  # an object that fills the volume is taken to end just outside
        inner = _boundary_distance_squared(F.pad(labels[full], (1,) * 6), spacing)
        out[full] = inner[:, 1:-1, 1:-1, 1:-1]
    return out


def _along_last(labels: Tensor) -> Tensor:
    """Squared number of voxels along the last axis to the nearest other label; ``_FAR`` without one."""
    num = labels.shape[-1]
    place = torch.arange(num, device=labels.device, dtype=torch.float32)
    differs = labels[..., 1:] != labels[..., :-1]
    starts = torch.where(F.pad(differs, (1, 0)), place, -_FAR).cummax(-1).values
    ends = torch.where(F.pad(differs, (0, 1)), place.flip(0), -_FAR).flip(-1).cummax(-1).values.flip(-1)
    nearest = torch.minimum(place - starts, place.flip(0) - ends) + 1
    return torch.where(labels > 0, (nearest * nearest).clamp_max(_FAR), 0.0)


def _envelope(labels: Tensor, squared: Tensor, axis: int, weight: float) -> Tensor:
    """Lower envelope of the parabolas along an axis; those of other labels have height 0.

    A parabola of the same label beyond another one cannot win, so runs need not be distinguished.
    """
    out, size = squared.clone(), labels.shape[axis]
    for step in range(1, size):
        rise = float(np.float32(weight) * np.float32(step) * np.float32(step))
        if rise >= float(out.max()):
            break
        low, high = (t.narrow(axis, 0, size - step) for t in (labels, squared))
        low_2, high_2 = (t.narrow(axis, step, size - step) for t in (labels, squared))
        same = low == low_2
        for to, source in ((0, high_2), (step, high)):
            target = out.narrow(axis, to, size - step)
            torch.minimum(target, torch.where(same, source, 0.0) + rise, out=target)
    return out
