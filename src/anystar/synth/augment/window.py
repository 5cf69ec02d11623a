"""The intensity window that normalising a whole volume leaves a crop of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from anystar.config import check_range
from anystar.synth.augment.base import Knobs, column, quantiles
from anystar.synth.streams import Streams

__all__ = ["Window"]


@dataclass(frozen=True, kw_only=True)
class WindowDrawn:
    """Share of voxels saturated at the top, and the affine map of the rest."""

    saturated: float
    gain: float
    offset: float


@dataclass(frozen=True, kw_only=True)
class Window(Knobs):
    """Clips the brightest voxels and scales what is left into a part of [0, 1]."""

    saturated: tuple[float, float] = (0.0, 0.01)
    """Share of the voxels that is clipped."""
    gain: tuple[float, float] = (0.3, 1.0)
    """Range that the crop fills, skewed to all of it."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("saturated", self.saturated, 0, 0.9)
        check_range("gain", self.gain, 0, 1)

    def draw(self, rng: np.random.Generator) -> WindowDrawn:
        """Draw the parameters of one sample."""
        gain = self.gain[1] - (self.gain[1] - self.gain[0]) * float(rng.random()) ** 2
        offset = (1 - gain) * float(rng.random()) * 0.5
        return WindowDrawn(saturated=float(rng.uniform(*self.saturated)), gain=gain, offset=offset)

    def apply(
        self, image: Tensor, drawn: Sequence[WindowDrawn], streams: Streams, rows: Sequence[int]
    ) -> Tensor:
        """Apply to images ``(B, 1, Z, Y, X)``."""
        device = image.device
        step = max(2, -(-image.shape[-1] // 128))  # enough voxels for a quantile
        sparse = image[..., ::step, ::step, ::step].flatten(1)
        high = quantiles(sparse, [1 - d.saturated for d in drawn]).view(-1, 1, 1, 1, 1)
        low = image.amin((1, 2, 3, 4), keepdim=True)
        scaled = ((image - low) / (high - low).clamp_min(1e-6)).clamp(0, 1)
        return scaled * column(drawn, "gain", device) + column(drawn, "offset", device)
