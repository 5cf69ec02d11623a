"""The image of drawn contrasts: objects, what is inside and around them, blur and grain."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from anystar.synth.anatomy import paint_anatomy
from anystar.synth.augment.base import quantiles
from anystar.synth.augment.blur import blur
from anystar.synth.contrast import ContrastDrawn
from anystar.synth.defocus import defocused
from anystar.synth.fields import largest_channel, of_instances, unit_noise
from anystar.synth.objects import Owner
from anystar.synth.specimen import scatter
from anystar.synth.streams import Streams, put
from anystar.synth.subset import Subset

__all__ = ["paint_contrast"]


def paint_contrast(
    drawn: Sequence[ContrastDrawn],
    owner: Owner,
    key_BZYX: Tensor,
    num_keys: Sequence[int],
    streams: Streams,
) -> Tensor:
    """Return the image ``(B, 1, Z, Y, X)`` of the objects before acquisition.

    ``num_keys`` is above every key of each sample.
    """
    assert owner.wall_BZYX is not None
    shape, device = key_BZYX.shape[1:], key_BZYX.device
    depth, wall = owner.depth_BZYX, owner.wall_BZYX
    table = np.zeros((len(drawn), max(num_keys)))
    for row, (rng, num) in enumerate(zip(streams.scalars("instances"), num_keys, strict=True)):
        table[row, :num] = _instance_contrast(drawn[row], rng, num)

    every = Subset(drawn, device=device)
    body = _profile(wall, every).mul_(every.column(lambda d: d.rim)).add_(every.column(lambda d: d.core))
    if some := Subset(drawn, lambda d: d.fade, device=device):
        left = torch.exp(-some.pick(wall) / some.column(lambda d: d.fade_width))
        body = some.replace(body, some.pick(body) * (1 - left.mul_(some.column(lambda d: d.fade))))
    if shells := Subset.of(drawn, lambda d: d.shell, device=device):
        hollow = (shells.pick(wall) - shells.column(lambda d: d.thickness) + 0.5).clamp_(0, 1)
        body = shells.replace(body, shells.pick(body) * (1 - hollow.mul_(shells.column(lambda d: d.loss))))
    body = body * _interior(drawn, shape, streams)
    alpha = (depth + 0.5).clamp_(0, 1).mul_(key_BZYX > 0)
    objects = body.mul_(of_instances(owner.index_BZYX + 1, put(table, device))).mul_(alpha)

    around = _surroundings(drawn, shape, streams)
    if some := Subset(drawn, lambda d: d.rim and d.straddle, device=device):
        gain = some.column(lambda d: d.polarity * d.rim)
        some.add(around, _profile(some.pick(depth), some).mul_(gain))
    if some := Subset(drawn, lambda d: d.haze, device=device):
        width = some.column(lambda d: d.haze_width, axes=1).expand(-1, 3)
        some.add(around, blur(some.pick(objects)[:, None], width)[:, 0] * some.column(lambda d: d.haze))
    image = around.mul_(1 - alpha).add_(objects)
    if bodies := Subset.of(drawn, lambda d: d.scattering, device=device):
        signs = put([drawn[row].polarity for row in bodies.places], device)
        scatter(image, signs.view(-1, 1, 1, 1), bodies)
    if wide := Subset.of(drawn, lambda d: d.defocus, device=device):
        image = wide.replace(image, defocused(wide.pick(image), wide))
    image.addcmul_(streams.normal("voxels", shape), every.column(lambda d: d.floor))
    if some := Subset(drawn, lambda d: d.mottle, device=device):
        noise = unit_noise("mottle", some, shape, [d.mottle_grain for d in some.drawn], streams)[:, 0]
        some.add(image, noise * some.column(lambda d: d.mottle))
    return image[:, None]


def _profile(distance: Tensor, rows: Subset[ContrastDrawn]) -> Tensor:
    """Return how strong a rim is at a distance from the surface: 1 there, 1/e at its width."""
    relative = distance / rows.column(lambda d: d.rim_width)
    straddling = [d.straddle for d in rows.drawn]
    if all(straddling):
        relative.square_()
    elif any(straddling):
        relative = torch.where(rows.column(lambda d: d.straddle) > 0, relative.square(), relative)
    return relative.neg_().exp_()


def _instance_contrast(d: ContrastDrawn, rng: np.random.Generator, num: int) -> np.ndarray:
    values = np.exp(d.variation * rng.normal(size=num)).clip(d.least, 4) * d.polarity
    if d.either:
        values = values * rng.choice([-1.0, 1.0], num)
    return values


def _interior(drawn: Sequence[ContrastDrawn], shape: Sequence[int], streams: Streams) -> Tensor:
    """Return what the texture inside objects multiplies them by, ``(B, Z, Y, X)``."""
    factor = torch.ones((len(drawn), *shape), device=streams.device)
    if some := Subset(drawn, lambda d: d.chromatin, device=streams.device):
        grain = unit_noise("chromatin", some, shape, [d.grain for d in some.drawn], streams)[:, 0]
        factor = some.replace(factor, (1 + some.column(lambda d: d.chromatin) * grain).clamp_(0.1, 3))
    if some := Subset(drawn, lambda d: d.nucleoli, device=streams.device):
        grains = [max(3.0, 1.5 * d.grain) for d in some.drawn]
        blobs = unit_noise("nucleoli", some, shape, grains, streams)[:, 0]
        level = quantiles(blobs[:, ::4, ::4, ::4].flatten(1), [1 - d.nucleoli_volume for d in some.drawn])
        blobs = ((blobs - level.view(-1, 1, 1, 1)) * 4).clamp_(0, 1)
        some.add(factor, blobs.mul_(some.column(lambda d: d.nucleoli)))
    return factor


def _surroundings(drawn: Sequence[ContrastDrawn], shape: Sequence[int], streams: Streams) -> Tensor:
    """Return what is around the objects but their own light, ``(B, Z, Y, X)``."""
    device = streams.device
    total = torch.zeros((len(drawn), *shape), device=device)

    def noise(stage: str, rows: Subset[ContrastDrawn], channels: int = 1, stretch: float = 1.0) -> Tensor:
        return unit_noise(stage, rows, shape, [stretch * d.cell for d in rows.drawn], streams, channels)

    if some := Subset(drawn, lambda d: d.shading, device=device):
        some.add(total, noise("shading", some, stretch=1.5)[:, 0] * some.column(lambda d: d.shading * 0.5))
    if some := Subset(drawn, lambda d: d.regions, device=device):
        levels = torch.linspace(-0.7, 0.7, 4, device=device)
        kind = largest_channel(noise("regions", some, channels=4).unbind(1))
        some.add(total, levels[kind] * some.column(lambda d: d.regions))
    if some := Subset(drawn, lambda d: d.membranes, device=device):
        some.add(total, _zero_set(noise("membranes", some), some) * some.column(lambda d: d.membranes))
    if some := Subset(drawn, lambda d: d.fibres, device=device):
        some.add(total, _zero_set(noise("fibres", some, channels=2), some) * some.column(lambda d: d.fibres))
    if some := Subset(drawn, lambda d: d.specks, device=device):
        seeds = streams.uniform("specks", shape, some.places)
        points = seeds > some.column(lambda d: 1 - 10 / d.cell**3)
        points = points * some.column(lambda d: 20 * d.thickness**2)
        width = some.column(lambda d: 0.4 + 0.3 * d.thickness, axes=1).expand(-1, 3)
        some.add(total, blur(points[:, None], width)[:, 0].clamp_(0, 1.5) * some.column(lambda d: d.specks))
    if organs := Subset.of(drawn, lambda d: d.anatomy, device=device):
        organs.add(total, paint_anatomy(organs, shape, streams))
    return total


def _zero_set(noise: Tensor, rows: Subset[ContrastDrawn]) -> Tensor:
    """Return 1 near where all channels of ``noise`` vanish: sheets of one channel, fibres of two."""
    least = rows.column(lambda d: (0.3 / d.cell) ** 2)
    distance = torch.zeros_like(noise[:, 0])
    for channel in noise.unbind(1):
        along = torch.gradient(channel, dim=(1, 2, 3))
        slope = (along[0].square() + along[1].square() + along[2].square()).clamp(min=least)
        distance.add_(channel.square().div_(slope))
    return torch.exp(-distance / rows.column(lambda d: 2 * d.thickness**2))
