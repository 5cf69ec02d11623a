"""The generator's inner loops on graphics cards, compiled by Triton, which comes with torch there.

Their twins in torch say what is computed: :func:`anystar.synth.objects.find_owners_in_torch`, which tries as
many objects at every point as the longest list of any cell has, in a dozen passes over memory each, and
:func:`anystar.synth.deform.world_coords_in_torch`, in thirty passes. Here a point reads its own list, and
nothing but the result is written. :mod:`anystar.runtime.gpu` compares the two before one of these is used.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import triton
import triton.language as tl
from torch import Tensor

from anystar.synth.kernels import FAR
from anystar.synth.objects import Owner, SyntheticObjects
from anystar.synth.streams import put

__all__ = ["owners", "place"]

_BLOCK = 256
"""Points of a program; those of one lie side by side and so have lists of about one length."""


def _laid_out(points_BZYX3: Tensor) -> tuple[Tensor, int, int]:
    """Return points one after the other, how far a sample's are from the next one's, and how many it has.

    Those that the samples share are not copied.
    """
    num_points = points_BZYX3.shape[1:4].numel()
    if points_BZYX3.stride(0) == 0:
        return points_BZYX3[:1].contiguous(), 0, num_points
    return points_BZYX3.contiguous(), 3 * num_points, num_points


def owners(objects: SyntheticObjects, coords_BZYX3: Tensor, *, walls: bool) -> Owner:
    """Do :func:`anystar.synth.objects.find_owners` on a graphics card."""
    cells, shape = objects.cells, coords_BZYX3.shape[:4]
    points, stride, num_points = _laid_out(coords_BZYX3)
    owner = Owner(
        index_BZYX=torch.empty(shape, dtype=torch.int64, device=points.device),
        depth_BZYX=torch.empty(shape, device=points.device),
        wall_BZYX=torch.empty(shape, device=points.device) if walls else None,
    )
    metric = objects.metric_BN33
    with torch.cuda.device_of(points):
        _owners[(triton.cdiv(num_points, _BLOCK), shape[0])](
            points,
            stride,
            cells.low_B3,
            cells.dims_B3,
            cells.size_B,
            cells.begin_B,
            cells.first_G,
            cells.rows_K,
            objects.centre_BN3,
            objects.radius_BN,
            objects.bump_BN,
            objects.reach_BN,
            objects.radius_BN if metric is None else (metric.mT @ metric).contiguous(),
            objects.noise_B1IJK.contiguous(),
            objects.noise_scale_B,
            owner.index_BZYX,
            owner.depth_BZYX,
            owner.wall_BZYX if walls else owner.depth_BZYX,
            num_points,
            objects.radius_BN.shape[1],
            *objects.noise_B1IJK.shape[2:],
            float(objects.noise_origin),
            float(objects.priority),
            float(FAR),
            HAS_FORM=metric is not None,
            WALLS=walls,
            BLOCK=_BLOCK,
        )
    return owner


@triton.jit
def _nodes(at, num):
    """Return the two nodes around a coordinate, kept within the axis, and the weight of the second."""
    inside = tl.minimum(tl.maximum(at, 0.0), num - 1.0)
    first = inside.to(tl.int32)
    return first, tl.minimum(first + 1, num - 1), inside - first.to(tl.float32)


@triton.jit
def _between(plane, nk, j0, j1, k0, k1, wy, wx):
    """Interpolate between the four nodes around a point in a plane."""
    upper = (1 - wx) * tl.load(plane + j0 * nk + k0) + wx * tl.load(plane + j0 * nk + k1)
    lower = (1 - wx) * tl.load(plane + j1 * nk + k0) + wx * tl.load(plane + j1 * nk + k1)
    return (1 - wy) * upper + wy * lower


@triton.jit
def _cell(at, low, size):
    """Return the cell of a coordinate."""
    return tl.floor((at - low) / size).to(tl.int32)


@triton.jit
def _candidate(
    entry, start, num, z, y, x, value, rows, objects, centre, radius, bump, reach, form, priority, far,
    HAS_FORM: tl.constexpr,
):  # fmt: skip
    """Return each point's ``entry``-th object, how deep inside it the point lies, and its rank."""
    listed = entry < num
    row = tl.load(rows + start + entry, mask=listed, other=0)
    at = objects + row
    dz = z - tl.load(centre + at * 3)
    dy = y - tl.load(centre + at * 3 + 1)
    dx = x - tl.load(centre + at * 3 + 2)
    size, farthest = tl.load(radius + at), tl.load(reach + at)
    squared = dz * dz + dy * dy + dx * dx
    reached = listed & (squared <= farthest * farthest)
    if HAS_FORM:
        f = form + at * 9
        squared = dz * (tl.load(f) * dz + 2 * tl.load(f + 1) * dy)
        squared += dy * (tl.load(f + 4) * dy + 2 * tl.load(f + 5) * dx)
        squared += dx * (tl.load(f + 8) * dx + 2 * tl.load(f + 2) * dz)
        squared = tl.maximum(squared, 0.0)
    distance = tl.sqrt(squared)
    margin = size - distance - tl.load(bump + at) * value
    rank = distance - priority * size
    return row, tl.where(reached, margin, -far), tl.where(reached, rank, far)


@triton.jit
def _owners(
    points, stride, low, dims, side, begin, first, rows, centre, radius, bump, reach, form, noise, scale,
    index, depth, wall, num_points, num_objects, ni, nj, nk, origin, priority, far,
    HAS_FORM: tl.constexpr, WALLS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    b = tl.program_id(1).to(tl.int64)
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    live = at < num_points
    place = points + b * stride + at.to(tl.int64) * 3
    z = tl.load(place, mask=live, other=0.0)
    y = tl.load(place + 1, mask=live, other=0.0)
    x = tl.load(place + 2, mask=live, other=0.0)

    per_voxel = tl.load(scale + b)
    i0, i1, wz = _nodes((z - origin) * per_voxel, ni)
    j0, j1, wy = _nodes((y - origin) * per_voxel, nj)
    k0, k1, wx = _nodes((x - origin) * per_voxel, nk)
    volume = noise + b * ni * nj * nk
    near = _between(volume + i0 * nj * nk, nk, j0, j1, k0, k1, wy, wx)
    beyond = _between(volume + i1 * nj * nk, nk, j0, j1, k0, k1, wy, wx)
    value = (1 - wz) * near + wz * beyond

    width = tl.load(side + b)
    i = _cell(z, tl.load(low + b * 3), width)
    j = _cell(y, tl.load(low + b * 3 + 1), width)
    k = _cell(x, tl.load(low + b * 3 + 2), width)
    di, dj, dk = tl.load(dims + b * 3), tl.load(dims + b * 3 + 1), tl.load(dims + b * 3 + 2)
    within = live & (i >= 0) & (i < di) & (j >= 0) & (j < dj) & (k >= 0) & (k < dk)
    cell = tl.load(begin + b) + tl.where(within, (i * dj + j) * dk + k, 0)
    start = tl.load(first + cell, mask=within, other=0)
    num = (tl.load(first + cell + 1, mask=within, other=0) - start).to(tl.int32)
    most, objects = tl.max(num, axis=0), b * num_objects

    best = tl.full([BLOCK], float("inf"), tl.float32)
    deepest = tl.full([BLOCK], 0.0, tl.float32) - far
    owner = tl.full([BLOCK], -1, tl.int32)
    for entry in range(0, most):
        row, margin, rank = _candidate(
            entry,
            start,
            num,
            z,
            y,
            x,
            value,
            rows,
            objects,
            centre,
            radius,
            bump,
            reach,
            form,
            priority,
            far,
            HAS_FORM,
        )
        wins = (margin > 0) & (rank < best)
        best = tl.where(wins, rank, best)
        deepest = tl.where(wins | ((owner < 0) & (margin > deepest)), margin, deepest)
        owner = tl.where(wins, row, owner)
    out = b * num_points + at
    tl.store(index + out, owner.to(tl.int64), mask=live)
    tl.store(depth + out, deepest, mask=live)
    if WALLS:
        nearest = tl.maximum(deepest, 0.0)
        for entry in range(0, most):
            row, margin, rank = _candidate(
                entry,
                start,
                num,
                z,
                y,
                x,
                value,
                rows,
                objects,
                centre,
                radius,
                bump,
                reach,
                form,
                priority,
                far,
                HAS_FORM,
            )
            side_on = tl.minimum(nearest, tl.maximum((rank - best) * 0.5, -margin))
            nearest = tl.where(row == owner, nearest, side_on)
        tl.store(wall + out, nearest, mask=live)


def place(
    matrix_B33: np.ndarray,
    offset_B3: np.ndarray,
    factor_B3: np.ndarray,
    shift_B3: np.ndarray,
    last: int,
    mirrored_B: Sequence[bool],
    points_BZYX3: Tensor,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Do :func:`anystar.synth.deform.world_coords_in_torch` on a graphics card."""
    shape, device = points_BZYX3.shape[:4], points_BZYX3.device
    tables = [matrix_B33.reshape(-1, 9), offset_B3, factor_B3, shift_B3, np.reshape(mirrored_B, (-1, 1))]
    table = put(np.concatenate(tables, axis=1), device)
    points, stride, num_points = _laid_out(points_BZYX3)
    scaled, world = (torch.empty((*shape, 3), device=device) for _ in range(2))
    cell = torch.empty(shape, dtype=torch.int64, device=device)
    inside = torch.empty(shape, dtype=torch.bool, device=device)
    with torch.cuda.device_of(points):
        _place[(triton.cdiv(num_points, _BLOCK), shape[0])](
            table,
            points,
            stride,
            scaled,
            world,
            cell,
            inside,
            num_points,
            float(last),
            (1 - 1e-6) / last,
            BLOCK=_BLOCK,
        )
    return scaled, world, cell, inside


@triton.jit
def _axis(t, a: tl.constexpr, z, y, x, last, per_fold):
    """Return a coordinate in the scaled world and in the world, its mirror image, and if it is there."""
    at = tl.load(t + 9 + a) + (
        tl.load(t + a * 3) * z + tl.load(t + a * 3 + 1) * y + tl.load(t + a * 3 + 2) * x
    )
    outer = tl.floor(at * per_fold)
    scaled = tl.abs(at - 2 * last * tl.floor((outer + 1) / 2))
    padded = tl.load(t + 15 + a) + scaled * tl.load(t + 12 + a)
    inner = tl.floor(padded * per_fold)
    world = tl.abs(padded - 2 * last * tl.floor((inner + 1) / 2))
    room = last / 2 + 0.5 + tl.load(t + 18) * 1e9  # no end to a mirrored one
    there = (tl.abs(padded - last / 2) <= room) & (tl.abs(outer) <= 1) & (tl.abs(inner) <= 1)
    outer, inner = tl.minimum(tl.maximum(outer, -1.0), 1.0), tl.minimum(tl.maximum(inner, -1.0), 1.0)
    return scaled, world, (outer * 3 + inner + 4).to(tl.int32), there


@triton.jit
def _place(
    table, points, stride, scaled, world, cell, inside, num_points, last, per_fold, BLOCK: tl.constexpr
):
    b = tl.program_id(1).to(tl.int64)
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    live = at < num_points
    here = points + b * stride + at.to(tl.int64) * 3
    z = tl.load(here, mask=live, other=0.0)
    y = tl.load(here + 1, mask=live, other=0.0)
    x = tl.load(here + 2, mask=live, other=0.0)
    t = table + b * 19
    sz, wz, cz, tz = _axis(t, 0, z, y, x, last, per_fold)
    sy, wy, cy, ty = _axis(t, 1, z, y, x, last, per_fold)
    sx, wx, cx, tx = _axis(t, 2, z, y, x, last, per_fold)
    out = b * num_points + at
    tl.store(scaled + out * 3, sz, mask=live)
    tl.store(scaled + out * 3 + 1, sy, mask=live)
    tl.store(scaled + out * 3 + 2, sx, mask=live)
    tl.store(world + out * 3, wz, mask=live)
    tl.store(world + out * 3 + 1, wy, mask=live)
    tl.store(world + out * 3 + 2, wx, mask=live)
    tl.store(cell + out, (cz * 81 + cy * 9 + cx).to(tl.int64), mask=live)
    tl.store(inside + out, tz & ty & tx, mask=live)
