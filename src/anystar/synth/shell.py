"""Objects that are shells: as bright as others near the surface, hollow inside."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from anystar.synth.augment.base import Knobs
from anystar.synth.knobs import check_ranges

__all__ = ["Shell", "ShellDrawn"]


@dataclass(frozen=True, kw_only=True)
class ShellDrawn:
    """Thickness in voxels, and the share of the contrast that the inside lacks."""

    thickness: float
    loss: float


@dataclass(frozen=True, kw_only=True)
class Shell(Knobs):
    """Objects with a wall of one thickness and a sharp inner surface; the outer surface is the object's."""

    probability: float = 0.0
    thickness: tuple[float, float] = (0.05, 0.4)
    """Of the wall, as a share of the median diameter; at least 1 voxel."""
    loss: tuple[float, float] = (0.6, 1.2)
    """Share of the contrast that the inside lacks; more than 1 turns its sign."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_ranges(self, 0, 0.5, "thickness")
        check_ranges(self, 0, 2, "loss")

    def draw(self, rng: np.random.Generator, diameter: float) -> ShellDrawn:
        """Draw the parameters of one sample."""
        thickness = max(1.0, diameter * float(rng.uniform(*self.thickness)))
        return ShellDrawn(thickness=thickness, loss=float(rng.uniform(*self.loss)))
