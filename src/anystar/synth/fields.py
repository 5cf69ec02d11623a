"""Random scalar fields and how to read them: Perlin noise, smooth noise, sampling at coordinates.

Legend: B batch, C channel, Z Y X space, I J K nodes of a coarse lattice, 3 a ZYX coordinate.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from anystar.separable import product, separable
from anystar.synth.kernels import is_compiled, read
from anystar.synth.streams import Streams

__all__ = [
    "largest_channel",
    "lattice",
    "perlin",
    "perlin_gradients",
    "sample",
    "smooth_noise",
    "upsample",
    "upsample_sum",
]


def lattice(shape: Sequence[int], device: torch.device | str) -> Float[Tensor, "Z Y X 3"]:
    """Return the ZYX coordinates of every voxel of ``shape``."""
    axes = [torch.arange(n, dtype=torch.float32, device=device) for n in shape]
    return torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1)


def perlin_gradients(
    generators: Sequence[torch.Generator], cells: int | Sequence[int], device: torch.device | str
) -> Float[Tensor, "B 3 I J K"]:
    """Draw unit gradients at the ``cells + 1`` nodes of each axis, uniform on the sphere."""
    i, j, k = (cells,) * 3 if isinstance(cells, int) else cells
    shape = (3, i + 1, j + 1, k + 1)
    vectors = torch.stack([torch.randn(shape, generator=g, device=device) for g in generators])
    return vectors / vectors.norm(dim=1, keepdim=True).clamp_min(1e-6)


def _perlin_basis(num: int, nodes: int, step: float, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return fade weights and fade-weighted offsets to the nodes of ``num`` samples, ``step`` cells apart."""
    position = torch.arange(num, dtype=torch.float32, device=device) * step
    offset = position[:, None] - torch.arange(nodes, dtype=torch.float32, device=device)
    t = (1 - offset.abs()).clamp_min(0)
    fade = t * t * t * (t * (t * 6 - 15) + 10)
    return fade, fade * offset


def perlin(
    gradients: Float[Tensor, "B 3 I J K"], num: int | Sequence[int], *, step: float | None = None
) -> Float[Tensor, "B Z Y X"]:
    """Return gradient noise on a lattice of ``num`` samples an axis.

    The value at a point sums, over the eight corners of its cell, the corner's gradient times the offset,
    weighted by the quintic fade (Perlin 1985, 2002). Weights factor over the axes, so the whole volume is
    chains of small matrix products, joined as soon as they are alike, instead of eight gathers a voxel.

    Parameters
    ----------
    gradients : tensor, shape ``(B, 3, I, J, K)``
        Unit gradients (ZYX) at the nodes.
    num : int or three ints
        Samples of each axis.
    step : float, optional
        Cells between samples; if left out, so many that the samples of the first axis span its ``I - 1``
        cells, the last node excluded. No sample may lie beyond the last node.
    """
    shape = (num,) * 3 if isinstance(num, int) else tuple(num)
    nodes = gradients.shape[-3:]
    step = (nodes[0] - 1) / shape[0] if step is None else step
    basis = [_perlin_basis(n, m, step, gradients.device) for n, m in zip(shape, nodes, strict=True)]
    (_, fade_y, fade_x), ramp_x = (fade for fade, _ in basis), basis[2][1]
    # The two of a node, one beside the other: still a band
    both_z, both_y, _ = (torch.stack([ramp, fade], dim=-1).flatten(-2) for fade, ramp in basis)

    def pairs(ramped: Tensor, faded: Tensor, axis: int) -> Tensor:
        return torch.stack([ramped, faded], dim=axis + 1).flatten(axis, axis + 1)

    along_z, along_y, along_x = gradients.unbind(1)
    along_z, along_y, along_x = (
        product(m, part.transpose(-1, -2)).transpose(-1, -2)
        for m, part in ((fade_x, along_z), (fade_x, along_y), (ramp_x, along_x))
    )
    along_z, rest = product(fade_y, along_z), product(both_y, pairs(along_y, along_x, axis=2))
    return product(both_z, pairs(along_z, rest, axis=1).flatten(-2)).unflatten(-1, shape[1:])


def smooth_noise(
    streams: Streams,
    stage: str,
    *,
    extent: int,
    scales: Sequence[int],
    deviation: float,
    channels: int = 1,
    rows: Sequence[int] | None = None,
) -> list[Float[Tensor, "B C I J K"]]:
    """Draw multi-scale smooth noise as its coarse lattices, one a scale (GENERATOR: "Perlin" of stage 2).

    Each is ``N(0, deviation^2)`` at ``ceil(extent / scale)`` nodes an axis, to be read by linear
    interpolation with aligned corners and summed.
    """
    lattices = []
    for scale in scales:
        nodes = -(-extent // scale)
        draw = streams.normal(f"{stage}/{scale}", (channels, nodes, nodes, nodes), rows)
        lattices.append(draw * deviation)
    return lattices


def upsample(values: Tensor, shape: Sequence[int]) -> Tensor:
    """Return ``(B, C, I, J, K)`` on ``shape``: linear, corners aligned."""
    if tuple(values.shape[-3:]) == tuple(shape):
        return values
    sizes = zip(values.shape[-3:], shape, strict=True)
    return separable(values, [_hats(old, new).to(values.device) for old, new in sizes])


@functools.lru_cache(maxsize=256)
def _hats(old: int, new: int) -> Tensor:
    """Return the matrix ``(1, new, old)`` that interpolates between the nodes of an axis."""
    at = torch.arange(new, dtype=torch.float64) * ((old - 1) / max(new - 1, 1))
    return (1 - (at[:, None] - torch.arange(old)).abs()).clamp_min(0).float()[None]


def upsample_sum(lattices: Sequence[Tensor], nodes: int) -> Float[Tensor, "B C I I I"]:
    """Sum lattices of any size on ``nodes`` nodes an axis (linear, corners aligned)."""
    total = upsample(lattices[0], (nodes,) * 3)
    for part in lattices[1:]:
        total = total + upsample(part, (nodes,) * 3)
    return total


def sample(
    field: Float[Tensor, "B C I J K"], coords: Float[Tensor, "B Z Y X 3"], *, zeros: bool = False
) -> Float[Tensor, "B C Z Y X"]:
    """Read ``field`` at ZYX ``coords`` (in its own voxels) by trilinear interpolation.

    Outside, the nearest border value is returned, or zero if ``zeros``.
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


def largest_channel(channels: Iterable[Float[Tensor, "Z Y X"]]) -> Int[Tensor, "Z Y X"]:
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
