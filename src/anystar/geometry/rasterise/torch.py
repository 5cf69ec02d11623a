"""Polyhedra to voxels on a graphics card with torch: tests the voxels of all boxes at once."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from anystar.geometry.body.torch import extents, inside, tables
from anystar.geometry.polyhedra import Polyhedra
from anystar.geometry.tensors import chunk_size

__all__ = ["rasterise"]


def rasterise(
    polyhedra: Polyhedra,
    shape: tuple[int, int, int],
    spacing: tuple[float, float, float],
    start: tuple[int, int, int],
    device: torch.device,
) -> np.ndarray:
    """Return the label volume, see :func:`anystar.geometry.rasterise.rasterise`."""
    num_z, num_y, num_x = shape
    num = len(polyhedra)
    if num == 0 or num_z * num_y * num_x == 0:
        return np.zeros(shape, np.int32)
    prob = np.zeros(num) if polyhedra.prob is None else polyhedra.prob
    arrays = polyhedra.points, polyhedra.distances, prob
    points, distances, scores = (torch.from_numpy(a).to(device) for a in arrays)
    points, known = points.to(torch.float64), tables(polyhedra.rays, device)
    origin, size = (torch.tensor(v, dtype=torch.float64, device=device) for v in (start, spacing))
    order = (-scores).argsort(stable=True)
    points, distances = points[order], distances[order]
    # Of all bodies at a voxel the one that comes first wins.
    first = torch.full((num_z * num_y * num_x,), num, dtype=torch.int32, device=device)
    corner, extent = _voxel_boxes(points, extents(distances, known).box_N6, origin, shape, size)
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
    painted = torch.cat([order + 1, order.new_zeros(1)]).to(torch.int32)
    return painted[first.to(torch.int64)].view(shape).cpu().numpy()


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
