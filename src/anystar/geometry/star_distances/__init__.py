"""Star distances: how far an object reaches from a voxel along each ray, in arrays or torch tensors.

:mod:`anystar.geometry.star_distances.numba` defines them. Tensors on a graphics card stay there (Triton, or
torch's own operations); tensors anywhere else go through Numba.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

from anystar.geometry.rays import Rays
from anystar.geometry.star_distances import numba

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["star_distances"]


SomeArray = TypeVar("SomeArray", np.ndarray, "Tensor")


def star_distances(labels: SomeArray, points: SomeArray, rays: Rays) -> SomeArray:
    """Return the star distances of given voxels.

    Parameters
    ----------
    labels : numpy.ndarray or torch.Tensor
        An array of shape ``(Z, Y, X)``, or a batch ``(B, Z, Y, X)`` as a tensor; any integer dtype, values 0
        (background) to 2^31 - 1.
    points : numpy.ndarray or torch.Tensor
        Integer voxel coordinates (ZYX) inside the volume, shape ``(N, 3)``; of a batch ``(N, 4)``, its row
        first, on the device of the labels.
    rays : Rays
        ``R`` directions.

    Returns
    -------
    numpy.ndarray or torch.Tensor
        Shape ``(N, R)``, float32, on the device of the labels: voxels along the unit rays; 0 for points in
        the background.

    Examples
    --------
    >>> from anystar.geometry.rays import golden_spiral
    >>> labels = np.ones((5, 5, 5), np.int32)
    >>> star_distances(labels, np.array([[1, 2, 2]]), golden_spiral(5))[0, [0, 4]]
    array([1.5, 3.5], dtype=float32)
    """
    if isinstance(labels, np.ndarray):
        return numba.star_distances(labels, np.asarray(points), rays)
    # Torch takes a second to import, and arrays do not need it.
    import torch

    from anystar.geometry.star_distances import torch as on_device
    from anystar.geometry.tensors import check_batch, check_points

    labels = check_batch(labels)
    points = check_points(points, labels)
    if labels.device.type == "cuda":
        return on_device.star_distances(labels, points, rays)
    out = np.empty((len(points), len(rays)), np.float32)
    volumes, where = labels.cpu().numpy(), points.cpu().numpy()
    for row in np.unique(where[:, 0]):
        mine = where[:, 0] == row
        out[mine] = numba.star_distances(volumes[row], where[mine, 1:], rays)
    return torch.from_numpy(out).to(labels.device)
