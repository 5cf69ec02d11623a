"""Object probability: how deep in its object a voxel lies, in arrays or torch tensors.

:mod:`anystar.geometry.object_probability.numba` defines it. Tensors on a graphics card stay there; tensors
anywhere else go through Numba.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

from anystar.arrays import check_spacing
from anystar.geometry.object_probability import numba

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["object_probability"]


SomeArray = TypeVar("SomeArray", np.ndarray, "Tensor")


def object_probability(
    labels: SomeArray, *, grid: int = 1, spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)
) -> SomeArray:
    """Return the distance to each object's boundary, divided by the object's maximum.

    Parameters
    ----------
    labels : numpy.ndarray or torch.Tensor
        An array of shape ``(Z, Y, X)``, or a batch ``(B, Z, Y, X)`` as a tensor; any integer dtype, values 0
        (background) to 2^31 - 1.
    grid : int
        Voxels between samples along each axis, at least 1. The distance is that of the full volume, sampled
        afterwards.
    spacing : tuple of 3 floats
        Length of a voxel along Z, Y, X in any unit: what is deepest in micrometres has probability 1.

    Returns
    -------
    numpy.ndarray or torch.Tensor
        Float32 in [0, 1], 0 in the background only, on the device of the labels. Shape
        ``((Z - 1) // grid + 1, ...)``, of a batch ``(B, (Z - 1) // grid + 1, ...)``.

    Examples
    --------
    >>> labels = np.zeros((1, 1, 7), np.int32)
    >>> labels[..., 1:6] = 1
    >>> object_probability(labels)[0, 0].round(2)
    array([0.  , 0.33, 0.67, 1.  , 0.67, 0.33, 0.  ], dtype=float32)
    """
    if grid < 1:
        raise ValueError(f"grid must be at least 1, got {grid}")
    spacing = check_spacing(spacing)
    if isinstance(labels, np.ndarray):
        return numba.object_probability(labels, grid, spacing)
    # Torch takes a second to import, and arrays do not need it.
    import torch

    from anystar.geometry.object_probability import torch as on_device
    from anystar.geometry.tensors import check_batch

    labels = check_batch(labels)
    if labels.device.type == "cuda":
        return on_device.object_probability(labels, grid, spacing)
    out = np.empty(labels[:, ::grid, ::grid, ::grid].shape, np.float32)
    for row, one in zip(out, labels.cpu().numpy(), strict=True):
        row[...] = numba.object_probability(one, grid, spacing)
    return torch.from_numpy(out).to(labels.device)
