"""The paper's images: a Gaussian mixture over instances, textures, and three kinds of background.

Section 3, "Intensity mixture modeling" and "Background synthesis"; constants from GENERATOR stage 2.
Intensities are in the reference's units (0 to 255); the image is scaled to [0, 1] afterwards.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from anystar.config import ConfigError
from anystar.synth.fields import (
    largest_channel,
    of_instances,
    padded,
    sample,
    smooth_noise,
    upsample,
    upsample_sum,
)
from anystar.synth.kernels import is_compiled, largest
from anystar.synth.knobs import check_ranges
from anystar.synth.objects import Owner
from anystar.synth.streams import Streams, put
from anystar.synth.subset import Subset

__all__ = ["Mixture", "MixtureDrawn", "paint_mixture"]

BackgroundKind = Literal["plain", "random", "perlin"]
_LATTICE_NOISE = (2 / 3) ** 1.5
"""What is left of white noise's deviation, on average, after the linear resampling it stands for."""

_VOXELS = 2**23
"""Voxels of region fields that are in memory at once."""
_BEYOND = 1e6
"""Above any value of a region's field."""


@dataclass(frozen=True, kw_only=True)
class Mixture:
    """Gaussian mixture with one component an instance, times a texture, over a background."""

    mean: tuple[float, float] = (25.0, 225.0)
    """Range of an instance's mean intensity."""
    deviation: tuple[float, float] = (5.0, 25.0)
    """Range of the deviation of its voxels."""
    plain_deviation: tuple[float, float] = (0.0, 5.0)
    """The same for a plain background, which is darker than all instances."""
    texture_scales: tuple[int, ...] = (2, 4, 8, 16, 32)
    """Grain sizes in voxels of the multiplicative texture."""
    backgrounds: tuple[BackgroundKind, ...] = ("plain", "random", "perlin")
    """Kinds of background, each as likely."""
    regions: tuple[int, int] = (1, 20)
    """Number of textured regions of a Perlin background."""
    region_scales: tuple[int, ...] = (32, 64)
    """Sizes of the regions in voxels."""
    warp_scales: tuple[int, ...] = (16, 32, 64)
    """Wavelengths of the warp that shapes each region."""
    warp_deviation: float = 16.0
    """Amplitude of that warp in voxels, at each wavelength."""

    def __post_init__(self) -> None:
        check_ranges(self, 0, 1e6, "mean", "deviation", "plain_deviation")
        check_ranges(self, 1, 1000, "regions")
        for name in ("texture_scales", "region_scales", "warp_scales"):
            scales = getattr(self, name)
            if not scales or not all(2 <= scale <= 1000 for scale in scales):
                raise ConfigError(f"{name} must be one or more numbers within [2, 1000], got {list(scales)}")
        if not 0 <= self.warp_deviation <= 1000:
            raise ConfigError(f"warp_deviation must be within [0, 1000], got {self.warp_deviation}")
        if not self.backgrounds:
            raise ConfigError("backgrounds must name at least one of plain, random, perlin")

    def draw(self, rng: np.random.Generator) -> MixtureDrawn:
        """Draw the parameters of one sample (the instances' intensities are a table of its stream)."""
        kind = self.backgrounds[int(rng.integers(len(self.backgrounds)))]
        num = int(rng.integers(self.regions[0], self.regions[1] + 1)) if kind == "perlin" else 1
        means = rng.uniform(*self.mean, num)
        deviations = rng.uniform(*self.deviation, num)
        if kind == "plain":
            means, deviations = rng.uniform(0, 1, 1), rng.uniform(*self.plain_deviation, 1)
        return MixtureDrawn(
            kind=kind,
            background_mean=tuple(means.tolist()),
            background_deviation=tuple(deviations.tolist()),
        )


@dataclass(frozen=True, kw_only=True)
class MixtureDrawn:
    """Background of one sample: a component a region; a plain one is relative to the darkest object."""

    kind: BackgroundKind
    background_mean: tuple[float, ...]
    background_deviation: tuple[float, ...]


def paint_mixture(
    config: Mixture,
    drawn: Sequence[MixtureDrawn],
    owner: Owner,
    key_BZYX: Tensor,
    scaled_BZYX3: Tensor,
    extent: int,
    num_keys: Sequence[int],
    streams: Streams,
) -> Tensor:
    """Return the image ``(B, 1, Z, Y, X)`` of the objects before any augmentation.

    ``key_BZYX`` (int64) is the instance of every voxel, 0 for none; mirror images have keys of their own.
    ``num_keys`` is above every key of each sample. ``scaled_BZYX3`` are coordinates in the world where
    textures live, which has ``extent`` voxels per axis.
    """
    shape = key_BZYX.shape[1:]
    grain = (extent + 1) // 2
    lattices = smooth_noise(streams, "texture", extent=extent, scales=config.texture_scales, deviation=5.0)
    volume = upsample_sum(lattices, grain)[:, None]
    low, high = volume.amin((1, 2, 3, 4), keepdim=True), volume.amax((1, 2, 3, 4), keepdim=True)
    ratio = (grain - 1) / (extent - 1)
    texture = sample((volume - low) / (high - low), scaled_BZYX3 * ratio)[:, 0]
    noise = streams.normal("voxels", shape) * _LATTICE_NOISE

    # On the device: up to 729 mirror images of each object may be visible.
    table = padded(streams.uniforms("instances", [(num, 2) for num in num_keys]))
    (m0, m1), (s0, s1) = config.mean, config.deviation
    mean = of_instances(key_BZYX, m0 + (m1 - m0) * table[..., 0])
    deviation = of_instances(key_BZYX, s0 + (s1 - s0) * table[..., 1])
    inside = key_BZYX > 0
    outside = ~inside
    foreground = (mean + deviation * noise) * texture
    darkest = torch.where(inside, mean, torch.inf).amin((1, 2, 3))
    darkest = torch.where(darkest.isinf(), m0, darkest)  # no object: as dark as one may be
    level, spread = _background(config, drawn, darkest, scaled_BZYX3, extent, streams)
    light = (texture * outside).sum((1, 2, 3)) / outside.sum((1, 2, 3)).clamp_min(1)
    background = (level + spread * noise) * light.view(-1, 1, 1, 1)
    alpha = (owner.depth_BZYX + 0.5).clamp(0, 1) * inside
    return (background + alpha * (foreground - background))[:, None]


def _background(
    config: Mixture,
    drawn: Sequence[MixtureDrawn],
    darkest_B: Tensor,
    scaled_BZYX3: Tensor,
    extent: int,
    streams: Streams,
) -> tuple[Tensor, Tensor]:
    """Return mean and deviation of the backgrounds, ``(B, 1, 1, 1)`` or ``(B, Z, Y, X)``."""
    device = scaled_BZYX3.device
    plain = put([d.kind == "plain" for d in drawn], device, torch.bool)
    level = put([d.background_mean[0] for d in drawn], device) * torch.where(plain, darkest_B, 1)
    spread = put([d.background_deviation[0] for d in drawn], device)
    level, spread = level.view(-1, 1, 1, 1), spread.view(-1, 1, 1, 1)
    some = Subset(drawn, lambda d: len(d.background_mean) > 1, device=device)
    if not some:
        return level, spread
    num = [len(d.background_mean) for d in some.drawn]
    region = warped_regions(config, num, some.places, some.pick(scaled_BZYX3), extent, streams)
    tables = np.zeros((2, len(some), max(num)))
    for row, d in enumerate(some.drawn):
        tables[:, row, : num[row]] = d.background_mean, d.background_deviation
    levels, spreads = (of_instances(region, table) for table in put(tables, device))
    shape = (-1, *scaled_BZYX3.shape[1:4])
    return some.replace(level.expand(shape), levels), some.replace(spread.expand(shape), spreads)


def warped_regions(
    config: Mixture,
    num: Sequence[int],
    rows: Sequence[int],
    scaled_RZYX3: Tensor,
    extent: int,
    streams: Streams,
) -> Tensor:
    """Return a region index in ``[0, num)`` for every voxel of some samples, ``(R, Z, Y, X)``.

    After the ``shapes`` model of SynthMorph: a smooth noise channel a region, each warped smoothly; the
    largest wins. The fields vary over tens of voxels, so they are made at every other voxel and interpolated.
    ``num`` holds the regions of each sample, ``rows`` their places in the batch.
    """

    def lattice(stage: str, scales: Sequence[int], deviation: float, channels: Sequence[int]) -> Tensor:
        nodes = 3 * -(-extent // min(scales)) - 2
        noise = smooth_noise(
            streams, stage, extent=extent, scales=scales, deviation=deviation, channels=channels, rows=rows
        )
        return upsample_sum(noise, nodes)

    total, shape = sum(num), scaled_RZYX3.shape[1:4]
    warp = lattice("region-warp", config.warp_scales, config.warp_deviation, [3 * n for n in num])
    warp = warp.view(total, 3, *warp.shape[1:])
    field = lattice("regions", config.region_scales, 1.0, num)[:, None]
    half = tuple((n + 1) // 2 for n in shape)
    points = upsample(scaled_RZYX3.movedim(-1, 1), half).movedim(1, -1)
    place = put(np.repeat(np.arange(len(num)), num), points.device, torch.int64)
    fields = []
    some = max(1, _VOXELS // shape.numel())  # channels at once: all of a usual sample's
    for first in range(0, total, some):
        part = slice(first, first + some)
        here = points.expand(len(warp[part]), -1, -1, -1, -1) if len(num) == 1 else points[place[part]]
        moved = here + sample(warp[part], here * ((warp.shape[-1] - 1) / (extent - 1))).movedim(1, -1)
        fields.append(sample(field[part], moved * ((field.shape[-1] - 1) / (extent - 1)))[:, 0])
    each = torch.cat(fields).split(list(num))
    if is_compiled(scaled_RZYX3):
        return torch.stack([largest(one, shape) for one in each])
    return largest_in_torch(each, shape)


def largest_in_torch(each: Sequence[Tensor], shape: Sequence[int]) -> Tensor:
    """Do :func:`kernels.largest` on any device, for samples of any number of channels."""
    stacked = padded(each)
    num = put([len(one) for one in each], stacked.device, torch.int64)
    lacks = torch.arange(stacked.shape[1], device=stacked.device) >= num[:, None]
    stacked = stacked.masked_fill(lacks[:, :, None, None, None], -_BEYOND)
    some = max(1, 16 * _VOXELS // (stacked.shape[1] * math.prod(shape)))
    return torch.cat([largest_channel(upsample(part, shape).unbind(1)) for part in stacked.split(some)])
