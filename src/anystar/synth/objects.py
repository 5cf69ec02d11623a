"""Objects as functions of space: which object owns a point, and how deep inside it lies.

Nothing is rasterised on an intermediate grid: labels are evaluated at whatever coordinates the geometric
stages ask for, so they are never resampled and their edges are as smooth as the lattice allows.

Legend: B batch, Z Y X space, N objects, V bricks, K candidates of a brick.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
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
    found through bricks of bricks; the result is that of testing every object at every point. Bricks are
    sorted by their number of candidates, so that each pass works on those that still have one.
    """
    shape = coords_BZYX3.shape[1:4]
    coords_BZYX3 = _whole_bricks(coords_BZYX3)
    noise_coords = (coords_BZYX3 - objects.noise_origin) * objects.noise_scale_B.view(-1, 1, 1, 1, 1)
    noise = _to_bricks(sample(objects.noise_B1IJK, noise_coords)[:, 0, ..., None])[..., 0].flatten(0, 1)
    points = _to_bricks(coords_BZYX3)
    rows_BVK, num_BV = _candidates(objects, points.amin(2), points.amax(2), coords_BZYX3.shape[1:4])
    num, order = num_BV.flatten().sort(descending=True)
    passes = (num[:, None] > torch.arange(rows_BVK.shape[-1], device=num.device)).sum(0).tolist()
    per_sample = objects.radius_BN.shape[1]
    first = torch.arange(len(points), device=num.device)[:, None, None] * per_sample
    rows = (rows_BVK + first).flatten(0, 1)[order]
    planes, noise = points.flatten(0, 1)[order].movedim(-1, 0).contiguous(), noise[order]
    centre, radius = objects.centre_BN3.flatten(0, 1), objects.radius_BN.flatten()
    bump = objects.bump_BN.flatten()
    metric = None if objects.metric_BN33 is None else objects.metric_BN33.flatten(0, 1)

    best = torch.full_like(noise, torch.inf)
    index = torch.full(noise.shape, -1, dtype=torch.int32, device=noise.device)
    depth, outside = torch.full_like(noise, -torch.inf), torch.full_like(noise, -torch.inf)
    for which, count in enumerate(passes):
        row = rows[:count, which]
        offset = planes[:, :count] - centre[row].T[..., None]
        distance = _length(offset, None if metric is None else metric[row])
        size = radius[row, None]
        margin = (size - distance).addcmul_(bump[row, None], noise[:count], value=-1)
        rank = distance.sub_(objects.priority * size)
        wins = (margin > 0) & (rank < best[:count])
        best[:count] = torch.where(wins, rank, best[:count])
        depth[:count] = torch.where(wins, margin, depth[:count])
        index[:count] = torch.where(wins, (row[:, None] % per_sample).int(), index[:count])
        torch.maximum(outside[:count], margin, out=outside[:count])
    depth = torch.where(index >= 0, depth, outside)
    back = torch.empty_like(order).scatter_(0, order, torch.arange(len(order), device=order.device))
    whole, inner = coords_BZYX3.shape[1:4], (slice(None), *(slice(n) for n in shape))
    return Owner(
        index_BZYX=_from_bricks(index[back].long(), whole)[inner],
        depth_BZYX=_from_bricks(depth[back], whole)[inner],
    )


def _whole_bricks(coords_BZYX3: Tensor) -> Tensor:
    """Repeat the last points of each axis until it holds whole bricks."""
    extra = [-n % _BRICK for n in coords_BZYX3.shape[1:4]]
    if not any(extra):
        return coords_BZYX3
    z, y, x = extra
    padded = F.pad(coords_BZYX3.movedim(-1, 1), (0, x, 0, y, 0, z), mode="replicate")
    return padded.movedim(1, -1)


def _length(offset_3VP: Tensor, metric_V33: Tensor | None) -> Tensor:
    """Return the length of offsets, mapped by ``metric`` first if there is one."""
    z, y, x = offset_3VP
    if metric_V33 is None:
        return (z * z).addcmul_(y, y).addcmul_(x, x).sqrt_()
    form = (metric_V33.transpose(-1, -2) @ metric_V33)[..., None]
    squared = z * (form[:, 0, 0] * z + 2 * form[:, 0, 1] * y)
    squared.addcmul_(y, form[:, 1, 1] * y + 2 * form[:, 1, 2] * x)
    squared.addcmul_(x, form[:, 2, 2] * x + 2 * form[:, 0, 2] * z)
    return squared.clamp_min_(0).sqrt_()


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


def _candidates(
    objects: Objects, low_BV3: Tensor, high_BV3: Tensor, shape: torch.Size
) -> tuple[Tensor, Tensor]:
    """Return the rows of the objects that can reach each brick, ``(B, V, K)``, and how many there are."""
    b, num_bricks = low_BV3.shape[:2]
    bricks = [n // _BRICK for n in shape]
    all_rows = torch.arange(objects.radius_BN.shape[1], device=low_BV3.device)
    if any(n % _SUPER for n in bricks):
        return _cull(objects, low_BV3, high_BV3, all_rows.expand(b, num_bricks, -1))
    supers = [_to_bricks(corner.reshape(b, *bricks, 3), _SUPER) for corner in (low_BV3, high_BV3)]
    low, high = supers[0].amin(2), supers[1].amax(2)
    rows, _ = _cull(objects, low, high, all_rows.expand(b, low.shape[1], -1))
    order = _to_bricks(torch.arange(num_bricks, device=rows.device).reshape(1, *bricks, 1), _SUPER)[0, ..., 0]
    parent = torch.empty(num_bricks, dtype=torch.int64, device=rows.device)
    parent[order] = torch.arange(order.shape[0], device=rows.device)[:, None].expand_as(order)
    return _cull(objects, low_BV3, high_BV3, rows[:, parent])


def _cull(objects: Objects, low_BV3: Tensor, high_BV3: Tensor, rows_BVN: Tensor) -> tuple[Tensor, Tensor]:
    """Keep, for each box, the rows whose reach touches it, nearest first, and count them."""
    batch = torch.arange(rows_BVN.shape[0], device=rows_BVN.device)[:, None, None]
    squared = torch.zeros(rows_BVN.shape, device=low_BV3.device)
    for axis in range(3):
        centre = objects.centre_BN3[..., axis][batch, rows_BVN]
        low, high = low_BV3[..., axis, None], high_BV3[..., axis, None]
        squared += torch.maximum(low - centre, centre - high).clamp_min_(0).square_()
    gap = squared.sqrt_() - objects.reach_BN[batch, rows_BVN]
    num = (gap < 0).sum(-1)
    most = int(num.amax())
    if most == 0:
        return rows_BVN[..., :0], num
    return rows_BVN.gather(-1, gap.topk(most, dim=-1, largest=False).indices), num
