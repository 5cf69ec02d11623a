"""Star-convex bodies to voxels, in arrays or torch tensors.

:mod:`anystar.geometry.rasterise.numba` defines it. Tensors on a graphics card stay there; tensors anywhere
else go through Numba.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

import numpy as np

from anystar.geometry.rasterise import numba
from anystar.geometry.rays import Rays

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["rasterise"]


@overload
def rasterise(
    points: np.ndarray, distances: np.ndarray, rays: Rays, shape: tuple[int, int, int], **options: Any
) -> np.ndarray: ...
@overload
def rasterise(
    points: Tensor, distances: Tensor, rays: Rays, shape: tuple[int, int, int], **options: Any
) -> Tensor: ...
def rasterise(
    points: np.ndarray | Tensor,
    distances: np.ndarray | Tensor,
    rays: Rays,
    shape: tuple[int, int, int],
    **options: Any,
) -> np.ndarray | Tensor:
    """Draw bodies into a label volume, or into a part of it; see the two back ends for the options."""
    if isinstance(points, np.ndarray):
        return numba.rasterise(points, distances, rays, shape, **options)  # type: ignore[arg-type]
    # Torch takes a second to import, and arrays do not need it.
    from anystar.geometry.rasterise import torch

    return torch.rasterise(points, distances, rays, shape, **options)  # type: ignore[arg-type]
