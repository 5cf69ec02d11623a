"""Star-convex bodies to voxels, on tensors; the rules are :mod:`anystar.geometry.rasterise.numba`'s."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from anystar.arrays import check_spacing
from anystar.geometry.body.torch import check_tensors, inside, measure, tables
from anystar.geometry.rasterise import numba as numba_polyhedra
from anystar.geometry.rays import Rays
from anystar.geometry.tensors import chunk_size, stays

__all__ = ["rasterise"]


def rasterise(
    points: Tensor,
    distances: Tensor,
    rays: Rays,
    shape: tuple[int, int, int],
    *,
    prob: Tensor | None = None,
    labels: Tensor | None = None,
    voxel_size: tuple[float, float, float] = (1.0, 1.0, 1.0),
    start: tuple[int, int, int] = (0, 0, 0),
) -> Tensor:
    """Draw bodies into a label volume, or into a part of it.

    Parameters
    ----------
    points : torch.Tensor
        Centres, shape ``(N, 3)``, voxels (ZYX), inside or outside of the volume.
    distances : torch.Tensor
        Star distances, shape ``(N, R)``, finite, at least 0; in voxels, or in the unit of ``voxel_size``.
    rays : Rays
        ``R`` directions.
    shape : tuple of 3 ints
        Shape ``(Z, Y, X)`` of the result.
    prob : torch.Tensor, optional
        Shape ``(N,)``. Where bodies overlap the highest wins; without, or if equal, the first.
    labels : torch.Tensor, optional
        What to write for each body, shape ``(N,)``, 1 to 2^31 - 1; by default 1 to N.
    voxel_size : tuple of 3 floats
        Size of a voxel of the result (ZYX) in the unit of the distances.
    start : tuple of 3 ints
        First voxel (ZYX) of the part to be drawn, exactly as it would be drawn in the whole.

    Returns
    -------
    torch.Tensor
        Shape ``shape``, int32, on the device of the distances; 0 where there is no body.

    Examples
    --------
    >>> from anystar.geometry.rays import golden_spiral
    >>> one, radii = torch.tensor([[5, 5, 5]]), torch.full((1, 32), 3.0)
    >>> volume = rasterise(one, radii, golden_spiral(32), (11, 11, 11))
    >>> volume[5, 5]
    tensor([0, 0, 1, 1, 1, 1, 1, 1, 1, 0, 0], dtype=torch.int32)
    """
    if stays(distances):
        return _rasterise(points, distances, rays, shape, prob, labels, voxel_size, start)
    drawn = numba_polyhedra.rasterise(
        points.cpu().numpy(),
        distances.cpu().numpy(),
        rays,
        shape,
        prob=None if prob is None else prob.cpu().numpy(),
        labels=None if labels is None else labels.cpu().numpy(),
        voxel_size=voxel_size,
        start=start,
    )
    return torch.from_numpy(drawn).to(distances.device)


def _rasterise(
    points: Tensor,
    distances: Tensor,
    rays: Rays,
    shape: tuple[int, int, int],
    prob: Tensor | None,
    labels: Tensor | None,
    voxel_size: tuple[float, float, float],
    start: tuple[int, int, int],
) -> Tensor:
    points, distances = check_tensors(points, distances, rays)
    num_z, num_y, num_x = shape = numba_polyhedra.check_shape(shape)
    origin = torch.tensor(numba_polyhedra.check_start(start), dtype=torch.float64, device=distances.device)
    num, device, known = len(points), distances.device, tables(rays, distances.device)
    names = torch.arange(1, num + 1, device=device) if labels is None else labels
    if names.shape != (num,) or names.dtype.is_floating_point:
        raise ValueError(f"labels must be integers of shape ({num},), got {names.dtype} {tuple(names.shape)}")
    if num and (int(names.min()) < 1 or int(names.max()) > np.iinfo(np.int32).max):
        raise ValueError(f"labels must be 1 to 2^31 - 1, got {int(names.min())} to {int(names.max())}")
    scores = torch.zeros(num, device=device) if prob is None else prob.to(device, torch.float64)
    if scores.shape != (num,) or bool(scores.isnan().any()):
        raise ValueError(f"prob must be numbers of shape ({num},), got shape {tuple(scores.shape)} or NaN")
    size = torch.tensor(check_spacing(voxel_size), dtype=torch.float64, device=device)
    if num == 0 or num_z * num_y * num_x == 0:
        return torch.zeros(shape, dtype=torch.int32, device=device)
    order = (-scores).argsort(stable=True)
    points, distances, names = points[order], distances[order], names[order]
    # Of all bodies at a voxel the one that comes first wins.
    first = torch.full((num_z * num_y * num_x,), num, dtype=torch.int32, device=device)
    corner, extent = _voxel_boxes(points, measure(distances, known).box_N6, origin, shape, size)
    ends = extent.prod(1).cumsum(0)
    total = int(ends[-1])
    most = chunk_size(device)
    for begin in range(0, total, most):
        flat = torch.arange(begin, min(begin + most, total), device=device)
        body = torch.searchsorted(ends, flat, right=True)
        wide = extent[body]
        rest = flat - (ends[body] - wide.prod(1))
        place = [rest // (wide[:, 1] * wide[:, 2]), rest // wide[:, 2] % wide[:, 1], rest % wide[:, 2]]
        voxel = [place[axis] + corner[body, axis] for axis in range(3)]
        offsets = [((v + origin[k] - points[body, k]) * size[k]).float() for k, v in enumerate(voxel)]
        hit = inside(offsets[0], offsets[1], offsets[2], body, distances, known).nonzero()[:, 0]
        index = ((voxel[0] * num_y + voxel[1]) * num_x + voxel[2])[hit]
        first.scatter_reduce_(0, index, body[hit].to(torch.int32), "amin")
    painted = torch.cat([names.to(torch.int32), names.new_zeros(1, dtype=torch.int32)])
    return painted[first.to(torch.int64)].view(shape)


def _voxel_boxes(
    points: Tensor, box_N6: Tensor, origin: Tensor, shape: tuple[int, int, int], size: Tensor
) -> tuple[Tensor, Tensor]:
    """Return where boxes begin in the part at ``origin``, and how many voxels wide: two of ``(N, 3)``."""
    slack = 1e-3  # as in the Numba kernel
    limit = torch.tensor(shape, device=points.device, dtype=torch.float64)
    low, high = points - box_N6[:, 0::2] / size, points + box_N6[:, 1::2] / size
    start = torch.minimum(((low - slack).ceil() - origin).clamp_min(0), limit)
    stop = torch.minimum(((high + slack).floor() + 1 - origin).clamp_min(0), limit)
    return start.to(torch.int64), (stop - start).clamp_min(0).to(torch.int64)
