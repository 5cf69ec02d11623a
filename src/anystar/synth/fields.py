"""Random scalar fields and how to read them: Perlin noise, smooth noise, sampling at coordinates.

Legend: B batch, C channel, Z Y X space, I J K nodes of a coarse lattice, 3 a ZYX coordinate.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from anystar.synth.kernels import is_compiled, read
from anystar.synth.separable import product, separable
from anystar.synth.streams import Streams, put
from anystar.synth.subset import Subset

__all__ = [
    "largest_channel",
    "lattice",
    "of_instances",
    "padded",
    "perlin",
    "perlin_gradients",
    "sample",
    "smooth_noise",
    "unit_noise",
    "upsample",
    "upsample_each",
    "upsample_sum",
]


def lattice(shape: Sequence[int], device: torch.device | str) -> Tensor:
    """Return the ZYX coordinates of every voxel of ``shape``, as ``(Z, Y, X, 3)``."""
    axes = [torch.arange(n, dtype=torch.float32, device=device) for n in shape]
    return torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1)


def perlin_gradients(
    generators: Sequence[torch.Generator],
    cells: int | Sequence[int] | Sequence[Sequence[int]],
    device: torch.device | str,
) -> Tensor:
    """Draw unit gradients ``(B, 3, I, J, K)`` at the ``cells + 1`` nodes of each axis, uniform on the sphere.

    Samples may have cells of their own; the nodes that one lacks have a gradient of zero.
    """
    each = np.broadcast_to(cells, (len(generators), 3)) + 1
    shapes = [(3, *nodes) for nodes in each.tolist()]
    vectors = padded(
        [torch.randn(s, generator=g, device=device) for s, g in zip(shapes, generators, strict=True)]
    )
    return vectors / vectors.norm(dim=1, keepdim=True).clamp_min(1e-6)


def padded(tensors: Sequence[Tensor]) -> Tensor:
    """Stack tensors of equal rank, zeros behind the shorter ones."""
    shape = [max(sizes) for sizes in zip(*(t.shape for t in tensors), strict=True)]
    if all(list(t.shape) == shape for t in tensors):
        return torch.stack(list(tensors))
    out = tensors[0].new_zeros((len(tensors), *shape))
    for row, t in enumerate(tensors):
        out[row][tuple(slice(n) for n in t.shape)] = t
    return out


@functools.lru_cache(maxsize=256)
def _perlin_basis(num: int, nodes: int, step: float, most: int) -> np.ndarray:
    """Return fade-weighted offsets to the nodes of ``num`` samples, and fade weights: ``(2, most, nodes)``.

    The last sample is repeated up to ``most``.
    """
    index = np.arange(most, dtype=np.float32).clip(max=num - 1)
    offset = index[:, None] * np.float32(step) - np.arange(nodes, dtype=np.float32)
    t = (1 - np.abs(offset)).clip(0)
    fade = t * t * t * (t * (t * 6 - 15) + 10)
    return np.stack([fade * offset, fade])


def perlin(
    gradients: Tensor,
    num: int | Sequence[int] | Sequence[Sequence[int]],
    *,
    step: float | Sequence[float] | None = None,
) -> Tensor:
    """Return gradient noise ``(B, Z, Y, X)`` on a lattice of ``num`` samples per axis.

    The value at a point sums, over the eight corners of its cell, the corner's gradient times the offset,
    weighted by the quintic fade (Perlin 1985, 2002). Weights factor over the axes, so the whole volume is
    chains of small matrix products, joined as soon as they are alike, instead of eight gathers a voxel.

    Parameters
    ----------
    gradients : tensor, shape ``(B, 3, I, J, K)``
        Unit gradients (ZYX) at the nodes.
    num : int, three ints, or B times three
        Samples of each axis; of samples that have fewer than others, the last is repeated.
    step : float or B floats, optional
        Cells between samples; by default the samples of the first axis span its ``I - 1`` cells, the last
        node excluded. No sample may lie beyond the last node.
    """
    nodes = gradients.shape[-3:]
    each = np.broadcast_to(num, (len(gradients), 3))
    steps = np.broadcast_to((nodes[0] - 1) / each[:, 0] if step is None else step, len(each)).tolist()
    shape = each.max(0).tolist()

    def matrices(axis: int) -> np.ndarray:
        """Return ramp and fade of an axis, ``(2, B, samples, nodes)``."""
        counts = zip(each[:, axis].tolist(), steps, strict=True)
        return np.stack([_perlin_basis(n, nodes[axis], s, shape[axis]) for n, s in counts], axis=1)

    def joined(basis: np.ndarray) -> np.ndarray:
        """Put the two of a node one beside the other: still a band."""
        return np.moveaxis(basis, 0, -1).reshape(*basis.shape[1:3], -1)

    basis_z, basis_y, basis_x = (matrices(axis) for axis in range(3))
    both_z, both_y, fade_y, ramp_x, fade_x = (
        put(m, gradients.device) for m in (joined(basis_z), joined(basis_y), basis_y[1], *basis_x)
    )

    def pairs(ramped: Tensor, faded: Tensor, axis: int) -> Tensor:
        return torch.stack([ramped, faded], dim=axis + 1).flatten(axis, axis + 1)

    along_z, along_y, along_x = gradients.unbind(1)
    along_z, along_y, along_x = (
        product(m[:, None], part.transpose(-1, -2)).transpose(-1, -2)
        for m, part in ((fade_x, along_z), (fade_x, along_y), (ramp_x, along_x))
    )
    along_z = product(fade_y[:, None], along_z)
    rest = product(both_y[:, None], pairs(along_y, along_x, axis=2))
    return product(both_z, pairs(along_z, rest, axis=1).flatten(-2)).unflatten(-1, shape[1:])


def smooth_noise(
    streams: Streams,
    stage: str,
    *,
    extent: int,
    scales: Sequence[int],
    deviation: float,
    channels: Sequence[int] | None = None,
    rows: Sequence[int] | None = None,
) -> list[Tensor]:
    """Draw multi-scale smooth noise as its coarse lattices ``(C, I, J, K)``, one per scale.

    This is "Perlin" of stage 2 in GENERATOR. Each lattice is ``N(0, deviation^2)`` at
    ``ceil(extent / scale)`` nodes per axis, to be read by linear interpolation with aligned corners and
    summed. The ``channels`` of each sample, one by default, follow those of the sample before.
    """
    channels = [1] * len(streams if rows is None else rows) if channels is None else channels
    lattices = []
    for scale in scales:
        nodes = -(-extent // scale)
        draws = streams.normals(f"{stage}/{scale}", [(c, nodes, nodes, nodes) for c in channels], rows)
        lattices.append(torch.cat(draws) * deviation)
    return lattices


def upsample(values: Tensor, shape: Sequence[int]) -> Tensor:
    """Return ``(B, C, I, J, K)`` on ``shape``: linear, corners aligned."""
    if tuple(values.shape[-3:]) == tuple(shape):
        return values
    return upsample_each(values, [values.shape[-3:]], shape)


def upsample_each(values: Tensor, nodes: Sequence[Sequence[int]], shape: Sequence[int]) -> Tensor:
    """Do :func:`upsample` to samples with ``nodes`` of their own per axis, zeros behind them."""
    most = values.shape[-3:]
    matrices = []
    for axis in range(3):
        hats = [_hats(each[axis], shape[axis], most[axis]) for each in nodes]
        matrices.append(put(np.stack(hats), values.device))
    return separable(values, matrices)


@functools.lru_cache(maxsize=256)
def _hats(old: int, new: int, width: int) -> np.ndarray:
    """Return the matrix ``(new, width)`` that interpolates between the ``old`` nodes of an axis."""
    at = np.arange(new) * ((old - 1) / max(new - 1, 1))
    hats = (1 - np.abs(at[:, None] - np.arange(width))).clip(0)
    hats[:, old:] = 0
    return hats.astype(np.float32)


def upsample_sum(lattices: Sequence[Tensor], nodes: int) -> Tensor:
    """Sum lattices ``(C, I, J, K)`` of any size on ``nodes`` nodes per axis (linear, corners aligned)."""
    return functools.reduce(torch.add, (upsample(part[None], (nodes,) * 3)[0] for part in lattices))


def sample(field: Tensor, coords: Tensor, *, zeros: bool = False) -> Tensor:
    """Read ``field`` at ZYX ``coords`` (in its own voxels) by trilinear interpolation.

    ``(B, C, I, J, K)`` at ``(B, Z, Y, X, 3)`` gives ``(B, C, Z, Y, X)``. Outside, the nearest border value is
    returned, or zero if ``zeros``.
    """
    if is_compiled(field):
        return read(field, coords, zeros=zeros)
    return sample_in_torch(field, coords, zeros=zeros)


def sample_in_torch(field: Tensor, coords: Tensor, *, zeros: bool = False) -> Tensor:
    """Do :func:`sample` on any device."""
    scale = [2 / max(n - 1, 1) for n in field.shape[-3:]]
    normalised = torch.stack([coords[..., a] * scale[a] - 1 for a in (2, 1, 0)], dim=-1)
    mode = "zeros" if zeros else "border"
    return F.grid_sample(field, normalised, mode="bilinear", padding_mode=mode, align_corners=True)


def largest_channel(channels: Iterable[Tensor]) -> Tensor:
    """Return the index of the largest channel, the first of equals: ``argmax``, ten times faster on CPUs.

    Channels come one after the other, so that they need not all be in memory.
    """
    rest = iter(channels)
    largest = next(rest)
    index = torch.zeros(largest.shape, dtype=torch.int64, device=largest.device)
    for number, channel in enumerate(rest, start=1):
        index = torch.where(channel > largest, number, index)
        largest = torch.maximum(largest, channel)
    return index


def of_instances(key_BZYX: Tensor, table_BK: Tensor) -> Tensor:
    """Return the table value of every voxel's instance, ``(B, Z, Y, X)``: one table row per sample."""
    first = torch.arange(len(table_BK), device=table_BK.device).view(-1, 1, 1, 1) * table_BK.shape[1]
    return table_BK.flatten()[key_BZYX if len(table_BK) == 1 else key_BZYX + first]


def unit_noise(
    stage: str,
    rows: Subset[Any],
    shape: Sequence[int],
    cells: Sequence[float] | Sequence[Sequence[float]],
    streams: Streams,
    channels: int = 1,
) -> Tensor:
    """Return smooth noise of unit variance for some samples of a batch, ``(R, C, Z, Y, X)``.

    Each sample has its own grain in voxels: one number, or one per axis.
    """
    each = np.broadcast_to(np.reshape(cells, (len(rows), -1)), (len(rows), 3))
    nodes = np.maximum(2, np.round(np.array(shape) / each).astype(int) + 2).tolist()
    draws = streams.normals(stage, [(channels, *n) for n in nodes], rows.places)
    values = upsample_each(padded(draws), nodes, shape)
    return values / values.std(dim=(2, 3, 4), keepdim=True).clamp_min(1e-6)
