"""Blur relative to the objects: small ones near the resolution, thick sections, defocus in depth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from anystar.config import check_range
from anystar.synth.augment.base import Knobs
from anystar.synth.augment.blur import blur
from anystar.synth.knobs import check_probabilities, check_ranges
from anystar.synth.streams import put
from anystar.synth.subset import Subset

__all__ = ["Defocus", "DefocusDrawn", "defocused"]


@dataclass(frozen=True, kw_only=True)
class DefocusDrawn:
    """Width along Z, Y, X in voxels, and the axis along which it grows from nothing (-1: it is even)."""

    sigma: tuple[float, float, float]
    axis: int
    reverse: bool


@dataclass(frozen=True, kw_only=True)
class Defocus(Knobs):
    """Blurs objects and surroundings by a width relative to the objects, before any noise."""

    probability: float = 0.0
    width: tuple[float, float] = (0.04, 0.33)
    """Standard deviation as a share of the small objects' diameter; less where objects lie so close that none
    could be separated from its neighbours."""
    axial: tuple[float, float] = (1.0, 3.0)
    """Width along one axis as a multiple of that along the others, with a probability of one half."""
    deepening: float = 0.25
    """Probability that the blur grows from nothing along an axis."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_ranges(self, 0, 2, "width")
        check_range("axial", self.axial, 1, 100)
        check_probabilities(self, "deepening")

    def draw(self, rng: np.random.Generator, diameter: float, pitch: float) -> DefocusDrawn:
        """Draw the parameters of one sample, whose objects are ``pitch`` diameters apart."""
        most = float(np.clip(0.4 * pitch - 0.24, 0.08, 1.0))
        sigma = np.full(3, diameter * min(most, float(rng.uniform(*self.width))))
        axial = float(rng.uniform(*self.axial))
        sigma[rng.integers(3)] *= axial if rng.random() < 0.5 else 1.0
        axis = int(rng.integers(3)) if rng.random() < self.deepening else -1
        z, y, x = sigma.tolist()
        return DefocusDrawn(sigma=(z, y, x), axis=axis, reverse=bool(rng.integers(2)))


def defocused(image_RZYX: Tensor, rows: Subset[DefocusDrawn]) -> Tensor:
    """Return images ``(R, Z, Y, X)`` blurred."""
    blurred = blur(image_RZYX[:, None], put([d.sigma for d in rows.drawn], image_RZYX.device))[:, 0]
    if all(d.axis < 0 for d in rows.drawn):
        return blurred
    share = torch.ones_like(image_RZYX)
    for axis, num in enumerate(image_RZYX.shape[1:]):
        even, ramp = np.ones(num), np.linspace(0, 1, num)
        ramps = [(ramp[::-1] if d.reverse else ramp) if d.axis == axis else even for d in rows.drawn]
        share *= put(np.stack(ramps), share.device).view([-1, *(num if a == axis else 1 for a in range(3))])
    return image_RZYX.lerp(blurred, share)
