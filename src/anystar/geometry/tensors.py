"""What the torch back ends share: checked batches of labels and points, and sizes of chunks."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

__all__ = ["check_batch", "check_points", "chunk_size"]

_CHUNK = {"cuda": 1 << 23}


def chunk_size(device: torch.device) -> int:
    """Return how many elements to work on at once: up to about 150 bytes each."""
    return _CHUNK.get(device.type, 1 << 20)


def check_batch(labels: Tensor) -> Tensor:
    """Return labels ``(B, Z, Y, X)``, any integers of 0 to 2^31 - 1, as contiguous int32.

    ``ValueError`` for anything else.
    """
    if labels.ndim != 4:
        raise ValueError(f"labels must have four axes (B, Z, Y, X), got shape {tuple(labels.shape)}")
    if labels.dtype.is_floating_point or labels.dtype.is_complex or labels.dtype == torch.bool:
        raise ValueError(f"labels must be integers, got {labels.dtype}")
    if labels.dtype in (torch.uint16, torch.uint32, torch.uint64):
        labels = labels.to(torch.int64)  # torch computes little with these; what wraps is negative
    if labels.numel() and labels.dtype != torch.uint8:
        low, high = (int(v) for v in torch.aminmax(labels))
        if low < 0 or high > np.iinfo(np.int32).max:
            raise ValueError(f"labels must be 0 to 2^31 - 1, got {low} to {high}")
    return labels.to(torch.int32).contiguous()


def check_points(points: Tensor, labels: Tensor) -> Tensor:
    """Return points as int64 ``(N, 4)``, row and voxel in a batch of labels, or raise ``ValueError``."""
    if points.ndim != 2 or points.shape[1] != 4 or points.dtype.is_floating_point:
        raise ValueError(f"points must be integers of shape (N, 4), got {points.dtype} {tuple(points.shape)}")
    points = points.to(torch.int64)
    size = torch.tensor(labels.shape, device=points.device)
    if len(points) and bool(((points < 0) | (points >= size)).any()):
        low, high = points.amin(0).tolist(), points.amax(0).tolist()
        raise ValueError(
            f"points must lie inside the volumes of shape {tuple(labels.shape)}, got {low} to {high}"
        )
    return points
