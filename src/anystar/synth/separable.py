"""Linear maps that act on one axis at a time: blurring as small matrix products.

Exact, batched, and fast on any device.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

__all__ = ["gaussian_matrix", "product", "separable"]


def separable(field: Tensor, matrices: Sequence[Tensor]) -> Tensor:
    """Apply one matrix an axis to the last three axes of ``field``.

    Parameters
    ----------
    field : tensor, shape ``(B, ..., I, J, K)``
    matrices : three tensors, shape ``(B, Z, I)``, ``(B, Y, J)``, ``(B, X, K)`` (``B`` may be 1)

    Returns
    -------
    tensor, shape ``(B, ..., Z, Y, X)``
    """
    mz, my, mx = (m.reshape(m.shape[0], *[1] * (field.ndim - 4), *m.shape[1:]) for m in matrices)
    along_x = product(mx.unsqueeze(-3), field.transpose(-1, -2)).transpose(-1, -2)
    along_y = product(my.unsqueeze(-3), along_x)
    *lead, i, y, x = along_y.shape
    return product(mz, along_y.reshape(*lead, i, y * x)).reshape(*lead, mz.shape[-2], y, x)


BLOCK = 64


def product(matrix: Tensor, field: Tensor) -> Tensor:
    """Return ``matrix @ field``; of a long axis on a CPU only what is not zero: the cost stays linear.

    There it cannot be differentiated.
    """
    num = matrix.shape[-2]
    if num < 2 * BLOCK or matrix.device.type != "cpu":
        return matrix @ field
    lead = torch.broadcast_shapes(matrix.shape[:-2], field.shape[:-2])
    out = field.new_empty((*lead, num, field.shape[-1]))
    for start in range(0, num, BLOCK):
        rows = matrix[..., start : start + BLOCK, :]
        used = (rows != 0).flatten(0, -2).any(0).nonzero()
        low, high = (int(used[0]), int(used[-1]) + 1) if len(used) else (0, 1)
        torch.matmul(rows[..., low:high], field[..., low:high, :], out=out[..., start : start + BLOCK, :])
    return out


def gaussian_matrix(sigma_B: Tensor, num: int) -> Tensor:
    """Return matrices ``(B, num, num)`` that blur an axis by ``sigma`` voxels.

    Each weight is the Gaussian's integral over the voxel; rows sum to one, so that borders are not darkened
    (MONAI pads with zeros, which they are).
    """
    index = torch.arange(num, dtype=torch.float32, device=sigma_B.device)
    offset = index[None] - index[:, None]
    root = (sigma_B.clamp_min(1e-3) * 2**0.5).view(-1, 1, 1)
    weights = torch.erf((offset + 0.5) / root) - torch.erf((offset - 0.5) / root)
    return weights / weights.sum(-1, keepdim=True)
