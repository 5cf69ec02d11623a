"""Few grey levels: posterised images, and the masks that segmentations leave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from anystar.config import check_range
from anystar.synth.augment.base import Knobs, column
from anystar.synth.streams import Streams

__all__ = ["Posterise"]


@dataclass(frozen=True, kw_only=True)
class PosteriseDrawn:
    """Number of grey levels."""

    levels: int


@dataclass(frozen=True, kw_only=True)
class Posterise(Knobs):
    """Rounds the image to a few evenly spaced grey levels."""

    probability: float = 0.0
    levels: tuple[int, int] = (3, 16)
    """Number of levels, log-uniform."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("levels", self.levels, 2, 1 << 16)

    def draw(self, rng: np.random.Generator) -> PosteriseDrawn:
        """Draw the parameters of one sample."""
        low, high = np.log(self.levels)
        return PosteriseDrawn(levels=round(float(np.exp(rng.uniform(low, high)))))

    def apply(
        self, image: Tensor, drawn: Sequence[PosteriseDrawn], streams: Streams, rows: Sequence[int]
    ) -> Tensor:
        """Apply to images ``(B, 1, Z, Y, X)``."""
        low, high = image.amin((1, 2, 3, 4), keepdim=True), image.amax((1, 2, 3, 4), keepdim=True)
        step = (high - low).clamp_min(1e-8) / (column(drawn, "levels", image.device) - 1)
        return ((image - low) / step).round() * step + low
