"""Objects as functions of space: which object owns a point, and how deep inside it lies.

Nothing is rasterised on an intermediate grid: labels are evaluated at whatever coordinates the geometric
stages ask for, so they are never resampled and their edges are as smooth as the lattice allows.

Legend: B batch, Z Y X space, N objects, V bricks, K candidates of a brick.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from anystar.synth.fields import sample

__all__ = ["Objects", "Owner", "evaluate"]

_BRICK = 4
_SUPER = 4


@dataclass(frozen=True, kw_only=True)
class Objects:
    """The objects of a batch; rows beyond a sample's own number have a radius of -inf.

    A point ``x`` lies inside object ``i`` if ``d_i(x) + bump_i p(x) < radius_i`` with the distance
    ``d_i(x) = |metric_i (x - centre_i)|`` (paper, section 3: Perlin-corrupted distances). Of the objects it
    lies inside, the one with the smallest ``d_i - priority * radius_i`` owns it: 0 is the nearest centre, as
    in the paper; 1 keeps a small object beside a large one whole.
    """

    centre_BN3: Float[Tensor, "B N 3"]
    radius_BN: Float[Tensor, "B N"]
    bump_BN: Float[Tensor, "B N"]
    metric_BN33: Float[Tensor, "B N 3 3"] | None
    reach_BN: Float[Tensor, "B N"]
    """No point farther from the centre than this is inside."""
    noise_B1IJK: Float[Tensor, "B 1 I J K"]
    """The Perlin volume p, read at ``(x - noise_origin) * noise_scale``."""
    noise_origin: float
    noise_scale_B: Float[Tensor, " B"]
    priority: float


@dataclass(frozen=True, kw_only=True)
class Owner:
    """Which object owns each point, and its depth below the surface."""

    index_BZYX: Int[Tensor, "B Z Y X"]
    """Row of the object, -1 for none."""
    depth_BZYX: Float[Tensor, "B Z Y X"]
    """Voxels of the world below the owner's surface; outside, minus the distance to the nearest surface."""


def evaluate(objects: Objects, coords_BZYX3: Float[Tensor, "B Z Y X 3"]) -> Owner:
    """Return the owner and the depth at every coordinate.

    Bricks of 4^3 points are tested against the few objects whose reach touches the brick's bounding box,
    found through bricks of bricks; the result is that of testing every object at every point.
    """
    noise_coords = (coords_BZYX3 - objects.noise_origin) * objects.noise_scale_B.view(-1, 1, 1, 1, 1)
    noise = _to_bricks(sample(objects.noise_B1IJK, noise_coords)[:, 0, ..., None])[..., 0]
    points = _to_bricks(coords_BZYX3)
    low, high = points.amin(2), points.amax(2)
    candidates_BVK = _candidates(objects, low, high, coords_BZYX3.shape[1:4])

    best = torch.full_like(noise, torch.inf)
    index = torch.full(noise.shape, -1, dtype=torch.int64, device=noise.device)
    depth, outside = torch.full_like(noise, -torch.inf), torch.full_like(noise, -torch.inf)
    for row_BV in candidates_BVK.unbind(-1):
        centre, radius = _take(objects.centre_BN3, row_BV), _take(objects.radius_BN, row_BV)
        offset = points - centre[:, :, None]
        if objects.metric_BN33 is not None:
            offset = offset @ _take(objects.metric_BN33, row_BV).transpose(-1, -2)
        distance = (offset * offset).sum(-1).sqrt_()
        margin = radius[..., None] - distance - _take(objects.bump_BN, row_BV)[..., None] * noise
        order = distance - objects.priority * radius[..., None]
        wins = (margin > 0) & (order < best)
        best, depth = torch.where(wins, order, best), torch.where(wins, margin, depth)
        index = torch.where(wins, row_BV[..., None], index)
        outside = torch.maximum(outside, margin)
    depth = torch.where(index >= 0, depth, outside)
    shape = coords_BZYX3.shape[1:4]
    return Owner(index_BZYX=_from_bricks(index, shape), depth_BZYX=_from_bricks(depth, shape))


def _take(values_BN: Tensor, row_BV: Tensor) -> Tensor:
    batch = torch.arange(row_BV.shape[0], device=row_BV.device)[:, None]
    return values_BN[batch, row_BV]


def _to_bricks(values: Tensor, size: int = _BRICK) -> Tensor:
    """Rearrange ``(B, Z, Y, X, C)`` into ``(B, V, size^3, C)``."""
    b, z, y, x, c = values.shape
    split = values.reshape(b, z // size, size, y // size, size, x // size, size, c)
    return split.permute(0, 1, 3, 5, 2, 4, 6, 7).reshape(b, -1, size**3, c)


def _from_bricks(values: Tensor, shape: torch.Size, size: int = _BRICK) -> Tensor:
    """Undo :func:`_to_bricks` for ``(B, V, size^3)``."""
    z, y, x = shape
    split = values.reshape(-1, z // size, y // size, x // size, size, size, size)
    return split.permute(0, 1, 4, 2, 5, 3, 6).reshape(-1, z, y, x)


def _candidates(objects: Objects, low_BV3: Tensor, high_BV3: Tensor, shape: torch.Size) -> Tensor:
    """Return the rows of the objects that can reach each brick, ``(B, V, K)``."""
    b, num_bricks = low_BV3.shape[:2]
    bricks = [n // _BRICK for n in shape]
    all_rows = torch.arange(objects.radius_BN.shape[1], device=low_BV3.device)
    if any(n % _SUPER for n in bricks):
        return _cull(objects, low_BV3, high_BV3, all_rows.expand(b, num_bricks, -1))
    supers = [_to_bricks(corner.reshape(b, *bricks, 3), _SUPER) for corner in (low_BV3, high_BV3)]
    low, high = supers[0].amin(2), supers[1].amax(2)
    rows = _cull(objects, low, high, all_rows.expand(b, low.shape[1], -1))
    order = _to_bricks(torch.arange(num_bricks, device=rows.device).reshape(1, *bricks, 1), _SUPER)[0, ..., 0]
    parent = torch.empty(num_bricks, dtype=torch.int64, device=rows.device)
    parent[order] = torch.arange(order.shape[0], device=rows.device)[:, None].expand_as(order)
    return _cull(objects, low_BV3, high_BV3, rows[:, parent])


def _cull(objects: Objects, low_BV3: Tensor, high_BV3: Tensor, rows_BVN: Tensor) -> Tensor:
    """Keep, for each box, the rows whose reach touches it; as many columns as the fullest box needs."""
    batch = torch.arange(rows_BVN.shape[0], device=rows_BVN.device)[:, None, None]
    squared = torch.zeros(rows_BVN.shape, device=low_BV3.device)
    for axis in range(3):
        centre = objects.centre_BN3[..., axis][batch, rows_BVN]
        low, high = low_BV3[..., axis, None], high_BV3[..., axis, None]
        squared += torch.maximum(low - centre, centre - high).clamp_min_(0).square_()
    gap = squared.sqrt_() - objects.reach_BN[batch, rows_BVN]
    most = int((gap < 0).sum(-1).amax())
    if most == 0:
        return rows_BVN[..., :0]
    return rows_BVN.gather(-1, gap.topk(most, dim=-1, largest=False).indices)
