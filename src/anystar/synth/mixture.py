"""The paper's images: a Gaussian mixture over instances, textures, and three kinds of background.

Section 3, "Intensity mixture modeling" and "Background synthesis"; constants from GENERATOR stage 2.
Intensities are in the reference's units (0 to 255); the image is scaled to [0, 1] afterwards.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from anystar.config import ConfigError, check_range
from anystar.synth.fields import largest_channel, sample, smooth_noise, upsample, upsample_sum
from anystar.synth.kernels import is_compiled, largest
from anystar.synth.objects import Owner
from anystar.synth.streams import Streams, put

__all__ = ["Mixture", "MixtureDrawn", "paint_mixture"]

BackgroundKind = Literal["plain", "random", "perlin"]
_LATTICE_NOISE = (2 / 3) ** 1.5
"""What is left of white noise's deviation, on average, after the linear resampling it stands for."""


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
        check_range("mean", self.mean, 0, 1e6)
        check_range("deviation", self.deviation, 0, 1e6)
        check_range("plain_deviation", self.plain_deviation, 0, 1e6)
        check_range("regions", self.regions, 1, 1000)
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

    Parameters
    ----------
    key_BZYX : tensor of int64
        Instance of every voxel, 0 for none; mirror images have keys of their own.
    num_keys : sequence of int
        A number above every key of each sample, known without looking at them.
    scaled_BZYX3 : tensor
        Coordinates in the world where textures live, which has ``extent`` voxels an axis.
    """
    shape = key_BZYX.shape[1:]
    grain = (extent + 1) // 2
    lattices = smooth_noise(streams, "texture", extent=extent, scales=config.texture_scales, deviation=5.0)
    volume = upsample_sum(lattices, grain)
    low, high = volume.amin((1, 2, 3, 4), keepdim=True), volume.amax((1, 2, 3, 4), keepdim=True)
    ratio = (grain - 1) / (extent - 1)
    texture = sample((volume - low) / (high - low), scaled_BZYX3 * ratio)[:, 0]
    noise = streams.normal("voxels", shape) * _LATTICE_NOISE

    images = []
    tables = streams.scalars("instances")
    for row, d in enumerate(drawn):
        key, grainy = key_BZYX[row], texture[row]
        inside = key > 0
        draws = put(tables[row].random((num_keys[row], 2)), key.device)
        (m0, m1), (s0, s1) = config.mean, config.deviation
        mean, deviation = (m0 + (m1 - m0) * draws[:, 0])[key], (s0 + (s1 - s0) * draws[:, 1])[key]
        foreground = (mean + deviation * noise[row]) * grainy
        darkest = torch.where(inside, mean, torch.inf).amin()
        darkest = torch.where(darkest.isinf(), m0, darkest)  # no object: as dark as one may be
        level, spread = _background(config, d, row, darkest, scaled_BZYX3[row], extent, streams)
        outside = ~inside
        shade = (grainy * outside).sum() / outside.sum().clamp_min(1)
        background = (level + spread * noise[row]) * shade
        alpha = (owner.depth_BZYX[row] + 0.5).clamp(0, 1) * inside
        images.append(background + alpha * (foreground - background))
    return torch.stack(images)[:, None]


def _background(
    config: Mixture,
    drawn: MixtureDrawn,
    row: int,
    darkest: Tensor,
    scaled_ZYX3: Tensor,
    extent: int,
    streams: Streams,
) -> tuple[Tensor, Tensor]:
    """Return mean and deviation of the background, scalars or ``(Z, Y, X)``."""
    device = scaled_ZYX3.device
    means, deviations = put(drawn.background_mean, device), put(drawn.background_deviation, device)
    if drawn.kind == "plain":
        return means[0] * darkest, deviations[0]
    if drawn.kind == "random" or len(means) == 1:
        return means[0], deviations[0]
    region = warped_regions(config, len(means), row, scaled_ZYX3, extent, streams)
    return means[region], deviations[region]


def warped_regions(
    config: Mixture, num: int, row: int, scaled_ZYX3: Tensor, extent: int, streams: Streams
) -> Tensor:
    """Return a region index in [0, num) for every voxel (after the ``shapes`` model of SynthMorph).

    A smooth noise channel a region, each warped smoothly; the largest wins. The fields vary over tens of
    voxels, so they are made at every other voxel and interpolated.
    """

    def lattice(stage: str, scales: Sequence[int], deviation: float, channels: int) -> Tensor:
        nodes = 3 * -(-extent // min(scales)) - 2
        noise = smooth_noise(
            streams, stage, extent=extent, scales=scales, deviation=deviation, channels=channels, rows=[row]
        )
        return upsample_sum(noise, nodes)[0]

    warp = lattice("region-warp", config.warp_scales, config.warp_deviation, 3 * num)
    field = lattice("regions", config.region_scales, 1.0, num)
    shape = scaled_ZYX3.shape[:3]
    half = tuple((n + 1) // 2 for n in shape)
    points = upsample(scaled_ZYX3.movedim(-1, 0)[None], half).movedim(1, -1)
    warp = warp.view(num, 3, *warp.shape[1:])
    some = max(1, 2**23 // shape.numel())  # channels at once: all of a usual sample's

    def channels() -> Iterator[Tensor]:
        """Yield the warped fields, some at a time, ``(C, I, J, K)`` at every other voxel."""
        for first in range(0, num, some):
            warps, fields = warp[first : first + some], field[first : first + some, None]
            here = points.expand(len(warps), -1, -1, -1, -1)
            moved = here + sample(warps, here * ((warp.shape[-1] - 1) / (extent - 1))).movedim(1, -1)
            yield sample(fields, moved * ((field.shape[-1] - 1) / (extent - 1)))[:, 0]

    if is_compiled(scaled_ZYX3):
        return largest(torch.cat(list(channels())), shape)
    fine = (upsample(c[None], shape)[0] for c in channels())
    return largest_channel(itertools.chain.from_iterable(fine))
