"""Our images: objects of one contrast in surroundings that are not objects.

What the mixture leaves out and real images have: a polarity shared by the objects of a volume, rims, hollow
objects, chromatin and nucleoli, out-of-focus haze, smooth uneven background, fibres, membranes and specks.
Intensities: the background is about 0 and objects about +1 or -1 times their contrast, before normalising.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from anystar.config import check_range
from anystar.synth.augment.blur import blur
from anystar.synth.fields import largest_channel
from anystar.synth.layouts import LayoutDrawn
from anystar.synth.objects import Owner
from anystar.synth.streams import Streams

__all__ = ["Contrast", "ContrastDrawn", "paint_contrast"]


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """Objects that share a contrast, with texture, in a structured background."""

    dark: float = 0.3
    """Probability that the objects of a volume are darker than their surroundings."""
    either: float = 0.08
    """Probability that each object of a volume has a polarity of its own."""
    variation: tuple[float, float] = (0.0, 0.45)
    """Spread of the contrast between the objects of a volume."""
    chromatin: tuple[float, float] = (0.0, 0.5)
    """Amplitude of the texture inside objects, relative to their contrast (skewed to weak)."""
    chromatin_grain: tuple[float, float] = (0.1, 0.4)
    """Its grain as a share of the diameter."""
    nucleoli: float = 0.25
    """Probability of blobs inside the objects that lack (or double) the contrast."""
    rim: float = 0.2
    """Probability that the surface is brighter than the inside."""
    rim_gain: tuple[float, float] = (0.3, 2.0)
    """Additional contrast of the surface."""
    hollow: float = 0.25
    """Probability that objects with a rim have little contrast inside (stained membranes)."""
    shading: float = 0.5
    """Probability of a smooth uneven background."""
    shading_gain: tuple[float, float] = (0.1, 0.8)
    """Its amplitude relative to the contrast."""
    haze: float = 0.35
    """Probability of out-of-focus light around objects."""
    haze_gain: tuple[float, float] = (0.1, 0.8)
    """Its strength relative to the contrast."""
    regions: float = 0.2
    """Probability of flat regions of other brightness."""
    fibres: float = 0.2
    """Probability of fibres or vessels, which are not objects."""
    membranes: float = 0.15
    """Probability of thin sheets, which are not objects."""
    specks: float = 0.2
    """Probability of bright specks of one to three voxels, which are not objects."""
    distractor_gain: tuple[float, float] = (0.3, 1.3)
    """Contrast of what is not an object, relative to the objects'."""
    floor: tuple[float, float] = (0.0, 0.35)
    """White noise of the sample itself, relative to the contrast (skewed to weak)."""

    def __post_init__(self) -> None:
        for name in ("variation", "rim_gain", "shading_gain", "haze_gain", "distractor_gain", "floor"):
            check_range(name, getattr(self, name), 0, 100)
        check_range("chromatin_grain", self.chromatin_grain, 0.02, 2)

    def draw(self, rng: np.random.Generator, layout: LayoutDrawn) -> ContrastDrawn:
        """Draw the appearance of one sample."""

        def maybe(probability: float, low: float, high: float) -> float:
            happens, value = rng.random() < probability, float(rng.uniform(low, high))
            return value if happens else 0.0

        diameter = 2 * float(np.median(layout.radius)) if len(layout.radius) else 16.0
        polarity = -1.0 if rng.random() < self.dark else 1.0
        grain = diameter * float(rng.uniform(*self.chromatin_grain))
        rim = maybe(self.rim, *self.rim_gain)
        return ContrastDrawn(
            polarity=polarity,
            either=bool(rng.random() < self.either),
            variation=float(rng.uniform(*self.variation)),
            chromatin=float(rng.uniform(*self.chromatin) * rng.random()),
            grain=max(1.5, grain),
            nucleoli=maybe(self.nucleoli, -0.8, 0.8),
            nucleoli_share=float(rng.uniform(0.8, 0.95)),
            rim=rim,
            rim_width=max(1.0, diameter * float(rng.uniform(0.04, 0.15))),
            core=1.0 - (maybe(self.hollow, 0.5, 0.95) if rim else 0.0),
            shading=maybe(self.shading, *self.shading_gain),
            haze=maybe(self.haze, *self.haze_gain),
            haze_width=max(2.0, diameter * float(rng.uniform(0.15, 0.6))),
            regions=maybe(self.regions, *self.distractor_gain),
            fibres=maybe(self.fibres, *self.distractor_gain) * _sign(rng, polarity),
            membranes=maybe(self.membranes, *self.distractor_gain) * _sign(rng, polarity),
            specks=maybe(self.specks, *self.distractor_gain) * _sign(rng, polarity),
            thickness=float(rng.uniform(0.8, 2.5)),
            cell=float(rng.uniform(12, 40)),
            floor=float(self.floor[0] + (self.floor[1] - self.floor[0]) * rng.random() ** 2),
        )


@dataclass(frozen=True, kw_only=True)
class ContrastDrawn:
    """Appearance of one sample; gains are relative to the objects' contrast, 0 for what it lacks."""

    polarity: float
    either: bool
    variation: float
    chromatin: float
    grain: float
    nucleoli: float
    nucleoli_share: float
    rim: float
    rim_width: float
    core: float
    shading: float
    haze: float
    haze_width: float
    regions: float
    fibres: float
    membranes: float
    specks: float
    thickness: float
    cell: float
    floor: float


def paint_contrast(
    config: Contrast, drawn: Sequence[ContrastDrawn], owner: Owner, key_BZYX: Tensor, streams: Streams
) -> Tensor:
    """Return the image ``(B, 1, Z, Y, X)`` of the objects before acquisition."""
    shape = key_BZYX.shape[1:]
    grains = streams.normal("voxels", shape)
    tables = streams.scalars("instances")
    images = []
    for row, d in enumerate(drawn):
        depth = owner.depth_BZYX[row]
        index = owner.index_BZYX[row] + 1
        inside = key_BZYX[row] > 0
        contrast = _instance_contrast(d, tables[row], int(index.amax()) + 1, depth)[index]
        body = d.core + d.rim * torch.exp(-depth.clamp_min(0) / d.rim_width)
        if d.chromatin or d.nucleoli:
            body = body * _interior(d, row, shape, streams)
        alpha = (depth + 0.5).clamp(0, 1) * inside
        surroundings = _surroundings(d, row, shape, streams)
        objects = alpha * contrast * body
        if d.haze:
            width = torch.tensor([[d.haze_width] * 3], device=depth.device)
            surroundings = surroundings + d.haze * blur(objects[None, None], width)[0, 0]
        images.append(surroundings * (1 - alpha) + objects + d.floor * grains[row])
    return torch.stack(images)[:, None]


def _sign(rng: np.random.Generator, polarity: float) -> float:
    return polarity if rng.random() < 0.75 else -polarity


def _instance_contrast(d: ContrastDrawn, rng: np.random.Generator, num: int, like: Tensor) -> Tensor:
    values = np.clip(1 + d.variation * rng.normal(size=num), 0.25, 2.5) * d.polarity
    if d.either:
        values = values * rng.choice([-1.0, 1.0], num)
    return torch.from_numpy(values).to(like)


def _noise(
    stage: str, row: int, shape: Sequence[int], cell: float, streams: Streams, channels: int = 1
) -> Tensor:
    """Return unit-variance smooth noise ``(C, Z, Y, X)`` with a grain of ``cell`` voxels."""
    nodes = [max(2, round(n / cell) + 2) for n in shape]
    draw = streams.normal(stage, (channels, *nodes), [row])
    values = torch.nn.functional.interpolate(draw, tuple(shape), mode="trilinear", align_corners=True)[0]
    return values / values.std(dim=(1, 2, 3), keepdim=True).clamp_min(1e-6)


def _interior(d: ContrastDrawn, row: int, shape: Sequence[int], streams: Streams) -> Tensor:
    grain = _noise("chromatin", row, shape, d.grain, streams)[0]
    factor = (1 + d.chromatin * grain).clamp(0.1, 3)
    if d.nucleoli:
        blobs = _noise("nucleoli", row, shape, max(3.0, 1.5 * d.grain), streams)[0]
        level = torch.quantile(blobs[::4, ::4, ::4].flatten(), d.nucleoli_share)
        factor = factor + d.nucleoli * ((blobs - level) * 4).clamp(0, 1)
    return factor


def _surroundings(d: ContrastDrawn, row: int, shape: Sequence[int], streams: Streams) -> Tensor:
    total = torch.zeros(tuple(shape), device=streams.device)
    if d.shading:
        total = total + d.shading * 0.5 * _noise("shading", row, shape, 1.5 * d.cell, streams)[0]
    if d.regions:
        patches = _noise("regions", row, shape, d.cell, streams, 4)
        levels = torch.linspace(-0.7, 0.7, 4, device=total.device)
        total = total + d.regions * levels[largest_channel(patches)]
    if d.membranes:
        total = total + d.membranes * _zero_set(_noise("membranes", row, shape, d.cell, streams), d)
    if d.fibres:
        total = total + d.fibres * _zero_set(_noise("fibres", row, shape, d.cell, streams, 2), d)
    if d.specks:
        seeds = streams.uniform("specks", shape, [row])[0]
        points = (seeds > 1 - 10 / d.cell**3).float() * 20 * d.thickness**2
        width = torch.tensor([[0.4 + 0.3 * d.thickness] * 3], device=total.device)
        total = total + d.specks * blur(points[None, None], width)[0, 0].clamp(0, 1.5)
    return total


def _zero_set(noise: Tensor, d: ContrastDrawn) -> Tensor:
    """Return 1 near where all channels of ``noise`` vanish: sheets of one channel, fibres of two."""
    distance = torch.zeros_like(noise[0])
    for channel in noise:
        slope = torch.stack(torch.gradient(channel)).square().sum(0).sqrt().clamp_min(0.3 / d.cell)
        distance = distance + (channel / slope).square()
    return torch.exp(-distance / (2 * d.thickness**2))
