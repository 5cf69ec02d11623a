"""Specimens: bodies of many objects before an empty background, and how light fades towards their core."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from anystar.config import check_range
from anystar.synth.augment.base import Knobs
from anystar.synth.augment.blur import blur
from anystar.synth.fields import lattice
from anystar.synth.knobs import check_ranges
from anystar.synth.placement import rotations
from anystar.synth.streams import put
from anystar.synth.subset import Subset

__all__ = ["Scattering", "ScatteringDrawn", "Specimen", "SpecimenDrawn", "scatter"]


@dataclass(frozen=True, kw_only=True)
class SpecimenDrawn:
    """An ellipsoid full of objects, in voxels."""

    centre: tuple[float, float, float]
    radius: float
    """Mean radius."""
    metric: tuple[tuple[float, ...], ...]
    """Maps the ellipsoid onto a sphere of the same volume, ``(3, 3)``."""
    diameter: float
    """Of the objects."""
    gap: float
    """Distance between their centres in diameters."""
    kept: float
    """Share of the places that hold one."""

    def depth(self, points: np.ndarray) -> np.ndarray:
        """Return about how deep points ``(N, 3)`` lie inside, in voxels; negative outside."""
        offset = (points - np.array(self.centre)) @ np.array(self.metric).T
        return np.asarray(self.radius - np.linalg.norm(offset, axis=-1))


@dataclass(frozen=True, kw_only=True)
class Specimen(Knobs):
    """Volumes whose many objects fill a body before an empty background: spheroids, embryos, cores."""

    probability: float = 0.0
    radius: tuple[float, float] = (0.3, 0.9)
    """Of the body, as a share of the longest side of the image."""
    elongation: tuple[float, float] = (1.0, 2.0)
    """Longest over shortest axis of the body."""
    diameter: tuple[float, float] = (6.0, 14.0)
    """Of its objects, in voxels; log-uniform."""
    gap: tuple[float, float] = (1.0, 1.6)
    """Distance between neighbours' centres in diameters."""
    kept: tuple[float, float] = (0.6, 1.0)
    """Share of the places that hold an object."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("radius", self.radius, 0.05, 10)
        check_range("elongation", self.elongation, 1, 20)
        check_range("diameter", self.diameter, 2, 1000)
        check_range("gap", self.gap, 0.3, 100)
        check_ranges(self, 0, 1, "kept")

    def draw(self, rng: np.random.Generator, shape: Sequence[int]) -> SpecimenDrawn:
        """Draw the body of one image, whose surface the image shows."""
        radius = max(shape) * float(rng.uniform(*self.radius))
        direction = rng.normal(size=3)
        direction /= np.linalg.norm(direction)
        # The middle of the image lies between half a radius inside the surface and the middle of the body.
        away = direction * max(0.0, radius - max(shape) * float(rng.uniform(0.1, 0.5)))
        z, y, x = ((np.array(shape) - 1) / 2 + away).tolist()
        elongation = float(rng.uniform(*self.elongation))
        axes = np.array([1 / elongation, 1.0, rng.uniform(1 / elongation, 1)])
        axes /= np.prod(axes) ** (1 / 3)
        turn = rotations(rng, 1)[0]
        return SpecimenDrawn(
            centre=(z, y, x),
            radius=radius,
            metric=tuple(tuple(row) for row in (turn.T @ np.diag(axes) @ turn).tolist()),
            diameter=float(np.exp(rng.uniform(*np.log(self.diameter)))),
            gap=float(rng.uniform(*self.gap)),
            kept=float(rng.uniform(*self.kept)),
        )


@dataclass(frozen=True, kw_only=True)
class ScatteringDrawn:
    """What depth in the specimen does to the image."""

    specimen: SpecimenDrawn
    level: float
    decay: float
    blur: float


@dataclass(frozen=True, kw_only=True)
class Scattering(Knobs):
    """Shows the body of a specimen, and dims and blurs what lies deep inside."""

    level: tuple[float, float] = (0.0, 0.7)
    """Brightness of the body between the objects, relative to their contrast (skewed to dark)."""
    decay: tuple[float, float] = (0.0, 2.0)
    """Natural logarithm of the loss from the surface to the core."""
    blur: tuple[float, float] = (0.0, 0.3)
    """Standard deviation of the blur at the core as a share of the objects' diameter."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_ranges(self, 0, 20, "level", "decay")
        check_ranges(self, 0, 2, "blur")

    def draw(self, rng: np.random.Generator, specimen: SpecimenDrawn) -> ScatteringDrawn:
        """Draw the parameters of one sample."""
        level = self.level[0] + (self.level[1] - self.level[0]) * float(rng.random()) ** 2
        decay, width = float(rng.uniform(*self.decay)), float(rng.uniform(*self.blur))
        return ScatteringDrawn(specimen=specimen, level=level, decay=decay, blur=specimen.diameter * width)


def scatter(image: Tensor, around: Tensor, rows: Subset[ScatteringDrawn]) -> None:
    """Show the bodies of specimens in images of objects ``(B, Z, Y, X)`` before a background of 0, in place.

    ``around`` ``(R, 1, 1, 1)`` is the sign of the objects' contrast, which the bodies share.
    """
    points = lattice(image.shape[1:], image.device)
    offset = points - put([d.specimen.centre for d in rows.drawn], image.device)[:, None, None, None]
    metric = put([d.specimen.metric for d in rows.drawn], image.device)[:, None, None]
    radius = rows.column(lambda d: d.specimen.radius)
    depth = radius - (offset @ metric.mT).norm(dim=-1)
    part = rows.pick(image)
    inside = (depth + 0.5).clamp_(0, 1)
    part = part + inside * rows.column(lambda d: d.level) * around * (1 - part.abs().clamp(max=1))
    share = (depth / radius).clamp_(0, 1)
    width = rows.column(lambda d: max(d.blur, 1e-3), axes=1).expand(-1, 3)
    part = part.lerp(blur(part[:, None], width)[:, 0], share)
    part = part * torch.exp(-share * rows.column(lambda d: d.decay))
    image.copy_(rows.replace(image, part))
