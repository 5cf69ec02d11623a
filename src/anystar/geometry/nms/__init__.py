"""Greedy non-maximum suppression of star-convex bodies, in arrays or torch tensors.

:mod:`anystar.geometry.nms.numba` defines it. Tensors on a graphics card stay there; tensors anywhere else go
through Numba.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

import numpy as np

from anystar.geometry.nms import numba
from anystar.geometry.nms.numba import DROPPED, KEPT, UNDECIDED, Suppression, rethreshold, suppress_partly
from anystar.geometry.rays import Rays

if TYPE_CHECKING:
    from torch import Tensor

    from anystar.geometry.nms.torch import TensorSuppression

__all__ = ["DROPPED", "KEPT", "UNDECIDED", "Suppression", "rethreshold", "suppress", "suppress_partly"]


@overload
def suppress(
    points: np.ndarray,
    distances: np.ndarray,
    prob: np.ndarray,
    rays: Rays,
    *,
    threshold: float = 0.3,
    num_threads: int | None = None,
) -> Suppression: ...
@overload
def suppress(
    points: Tensor,
    distances: Tensor,
    prob: Tensor,
    rays: Rays,
    *,
    threshold: float = 0.3,
    num_threads: int | None = None,
) -> TensorSuppression: ...
def suppress(
    points: np.ndarray | Tensor,
    distances: np.ndarray | Tensor,
    prob: np.ndarray | Tensor,
    rays: Rays,
    *,
    threshold: float = 0.3,
    num_threads: int | None = None,
) -> Suppression | TensorSuppression:
    """Keep the most probable of the candidates that overlap; see the two back ends."""
    if isinstance(points, np.ndarray):
        return numba.suppress(points, distances, prob, rays, threshold=threshold, num_threads=num_threads)  # type: ignore[arg-type]
    # Torch takes a second to import, and arrays do not need it.
    from anystar.geometry.nms import torch

    return torch.suppress(points, distances, prob, rays, threshold=threshold)  # type: ignore[arg-type]
