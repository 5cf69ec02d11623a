"""Cutout: blank cubes, in the image and in the labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from anystar.config import ConfigError
from anystar.synth.augment.base import Knobs
from anystar.synth.streams import Streams, put

__all__ = ["Cutout", "CutoutDrawn"]


@dataclass(frozen=True, kw_only=True)
class CutoutDrawn:
    """First voxel of every cube (ZYX) and their side."""

    corners: tuple[tuple[float, float, float], ...]
    side: int


@dataclass(frozen=True, kw_only=True)
class Cutout(Knobs):
    """Sets cubes to zero, to simulate blank regions (paper; MONAI ``RandCoarseDropout``), labels included."""

    probability: float = 0.2
    holes: int = 20
    """Number of cubes."""
    side: int = 12
    """Their side in voxels."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (0 <= self.holes <= 10_000 and 1 <= self.side <= 1000):
            what = f"got {self.holes} and {self.side}"
            raise ConfigError(f"holes must be within [0, 10000] and side within [1, 1000], {what}")

    def draw(self, rng: np.random.Generator) -> CutoutDrawn:
        """Draw the parameters of one sample; corners as shares of the room there is."""
        corners = tuple((float(z), float(y), float(x)) for z, y, x in rng.random((self.holes, 3)))
        return CutoutDrawn(corners=corners, side=self.side)

    def apply(
        self, image: Tensor, drawn: Sequence[CutoutDrawn], streams: Streams, rows: Sequence[int]
    ) -> Tensor:
        """Apply to images ``(B, 1, Z, Y, X)``."""
        keep = np.stack([self.mask(d, image.shape[-3:]) for d in drawn])
        return image * put(keep, image.device, torch.bool)[:, None]

    @staticmethod
    def mask(drawn: CutoutDrawn, shape: Sequence[int]) -> np.ndarray:
        """Return a bool mask of ``shape``, False in the cubes."""
        keep = np.ones(tuple(shape), bool)
        for corner in drawn.corners:
            starts = [int(c * (max(n - drawn.side, 0) + 1)) for c, n in zip(corner, shape, strict=True)]
            keep[tuple(slice(s, s + drawn.side) for s in starts)] = False
        return keep
