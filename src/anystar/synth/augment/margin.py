"""Constant margins: what rotating, stitching and cropping leave around a volume."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from anystar.config import check_range
from anystar.synth.augment.base import Knobs, column
from anystar.synth.knobs import check_probabilities
from anystar.synth.streams import Streams, put

__all__ = ["Margin", "MarginDrawn"]


@dataclass(frozen=True, kw_only=True)
class MarginDrawn:
    """Outward normals of the planes, their distances from the middle of the image (in half of its shortest
    side), and the value beyond them.
    """

    normals: tuple[tuple[float, float, float], ...]
    distances: tuple[float, ...]
    value: float


@dataclass(frozen=True, kw_only=True)
class Margin(Knobs):
    """Sets what lies beyond one to three planes to a constant, labels included."""

    probability: float = 0.0
    planes: tuple[int, int] = (1, 3)
    """Their number."""
    distance: tuple[float, float] = (0.1, 0.9)
    """Of a plane from the middle of the image, in half of its shortest side."""
    oblique: float = 0.4
    """Probability that the planes point in any direction instead of along an axis."""
    zero: float = 0.7
    """Probability that the constant is 0; otherwise it is any within [0, 1]."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("planes", self.planes, 1, 6)
        check_range("distance", self.distance, 0, 2)
        check_probabilities(self, "oblique", "zero")

    def draw(self, rng: np.random.Generator) -> MarginDrawn:
        """Draw the parameters of one sample."""
        num = int(rng.integers(self.planes[0], self.planes[1] + 1))
        oblique = rng.random() < self.oblique
        normals = rng.normal(size=(num, 3))
        if not oblique:
            normals = np.eye(3)[rng.integers(3, size=num)] * rng.choice([-1.0, 1.0], (num, 1))
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        value = float(rng.random())
        return MarginDrawn(
            normals=tuple((z, y, x) for z, y, x in normals.tolist()),
            distances=tuple(rng.uniform(*self.distance, num).tolist()),
            value=0.0 if rng.random() < self.zero else value,
        )

    def apply(
        self, image: Tensor, drawn: Sequence[MarginDrawn], streams: Streams, rows: Sequence[int]
    ) -> Tensor:
        """Apply to images ``(B, 1, Z, Y, X)``."""
        keep = np.stack([self.mask(d, image.shape[-3:]) for d in drawn])
        value = column(drawn, "value", image.device)
        return torch.where(put(keep, image.device, torch.bool)[:, None], image, value)

    @staticmethod
    def mask(drawn: MarginDrawn, shape: Sequence[int]) -> np.ndarray:
        """Return a bool mask of ``shape``, False in the margins."""
        axes = np.ogrid[tuple(slice(-(n - 1) / 2, n / 2) for n in shape)]
        keep = np.ones(tuple(shape), bool)
        for normal, distance in zip(drawn.normals, drawn.distances, strict=True):
            along = sum(n * axis for n, axis in zip(normal, axes, strict=True))
            keep &= along <= distance * min(shape) / 2
        return keep
