"""Extents of bodies, and which points they contain, by torch; :mod:`.numba` says what a body is."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from anystar.geometry.body.numba import MAP_SIZE, radius_tables
from anystar.geometry.rays import Rays
from anystar.geometry.tensors import chunk_size

__all__ = ["Extents", "Tables", "extents", "inside", "tables"]


class Tables(NamedTuple):
    """:class:`anystar.geometry.body.numba.RadiusTables` on a device."""

    cells: Tensor  # (128 * 128,) int64: the face at each cell of the octahedral map
    inverse_9F: Tensor  # each face's matrix from a vector to the mixture of its rays
    rays_3F: Tensor  # int64
    solid_angle_R: Tensor
    reach_R6: Tensor


class Extents(NamedTuple):
    """Extents of N bodies, float64."""

    inner: Tensor
    outer: Tensor
    volume: Tensor
    box_N6: Tensor  # extent towards -Z, +Z, -Y, +Y, -X, +X


@lru_cache(maxsize=16)
def tables(rays: Rays, device: torch.device) -> Tables:
    """Return the tables of ``rays`` on ``device``; computed once per process."""
    host = radius_tables(rays)
    cells, inverse, corners = (torch.from_numpy(a) for a in host.face_map)
    values = (
        cells.to(torch.int64),
        inverse.view(-1, 9).T.contiguous(),
        corners.to(torch.int64).view(-1, 3).T.contiguous(),
        torch.from_numpy(host.solid_angle),
        torch.from_numpy(host.reach),
    )
    return Tables(*(v.to(device) for v in values))


def extents(distances_NR: Tensor, known: Tables) -> Extents:
    """Return radii, volume (voxels) and box relative to the centre of every body."""
    rows = max(1, chunk_size(distances_NR.device) // distances_NR.shape[1])
    parts = [_extents(part, known) for part in distances_NR.split(rows)]
    return Extents(*(torch.cat(column).double() for column in zip(*parts, strict=True)))


def _extents(distances_NR: Tensor, known: Tables) -> tuple[Tensor, ...]:
    box = [(distances_NR * reach).amax(1) for reach in known.reach_R6.T]
    volume = (known.solid_angle_R * distances_NR * distances_NR * distances_NR).sum(1) / 3
    return distances_NR.amin(1), distances_NR.amax(1), volume, torch.stack(box, 1)


def inside(z: Tensor, y: Tensor, x: Tensor, body: Tensor, distances_NR: Tensor, known: Tables) -> Tensor:
    """Return which offsets from the centres of bodies, float32 of one shape, lie inside them.

    ``body`` is the row of the distances that each belongs to, int64, of a shape that broadcasts to theirs.
    """
    half = MAP_SIZE / 2
    scale = 1 / (z.abs() + y.abs() + x.abs() + 1e-20)
    u, v = y * scale, x * scale
    folded_u = torch.where(u >= 0, 1 - v.abs(), v.abs() - 1)
    folded_v = torch.where(v >= 0, 1 - u.abs(), u.abs() - 1)
    u, v = torch.where(z < 0, folded_u, u), torch.where(z < 0, folded_v, v)
    row, column = (((w + 1) * half).clamp_max(MAP_SIZE - 1).to(torch.int64) for w in (u, v))
    face = known.cells[row * MAP_SIZE + column]
    flat, first = distances_NR.view(-1), body * distances_NR.shape[1]
    mixed = total = torch.zeros_like(z)
    for k in range(3):
        inverse = known.inverse_9F[3 * k : 3 * k + 3]
        share = inverse[0][face] * z + inverse[1][face] * y + inverse[2][face] * x
        mixed = mixed + share * flat[first + known.rays_3F[k][face]]
        total = total + share
    square = (z * z + y * y + x * x) * total * total
    return (mixed >= 0) & (square <= mixed * mixed)
