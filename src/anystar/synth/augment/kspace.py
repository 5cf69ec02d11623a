"""Artefacts of k-space: spikes and Gibbs ringing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from anystar.config import check_range
from anystar.synth.augment.base import Knobs, column
from anystar.synth.streams import Streams

__all__ = ["GibbsRinging", "KSpaceSpike"]

_SPACE = (-3, -2, -1)


@dataclass(frozen=True, kw_only=True)
class KSpaceSpikeDrawn:
    """Where the spike is, as shares of the k-space axes, and its strength."""

    location: tuple[float, float, float]
    factor: float


@dataclass(frozen=True, kw_only=True)
class KSpaceSpike(Knobs):
    """Overlays a plane wave: one k-space sample gets a large magnitude.

    MONAI's ``KSpaceSpikeNoise`` (whose k-space is shifted by half its size). The imaginary part is dropped,
    so the wave has half the amplitude that the spike and its mirror image would give.
    """

    probability: float = 0.2
    factor: tuple[float, float] = (2.5 * 0.95, 2.5 * 1.1)
    """Log magnitude of the spike in units of the mean log magnitude of k-space."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("factor", self.factor, 0, 10)

    def draw(self, rng: np.random.Generator) -> KSpaceSpikeDrawn:
        """Draw the parameters of one sample."""
        z, y, x = rng.random(3).tolist()
        return KSpaceSpikeDrawn(location=(z, y, x), factor=float(rng.uniform(*self.factor)))

    def apply(
        self, image: Tensor, drawn: Sequence[KSpaceSpikeDrawn], streams: Streams, rows: Sequence[int]
    ) -> Tensor:
        """Apply to images ``(B, 1, Z, Y, X)``."""
        spectrum = torch.fft.fftn(image, dim=_SPACE)
        level = (spectrum.abs() + 1e-10).log().mean(dim=(1, *_SPACE))
        for row, d in enumerate(drawn):
            at = tuple(int(p * n) for p, n in zip(d.location, image.shape[-3:], strict=True))
            old = spectrum[row, 0][at]
            magnitude = (level[row] * d.factor).exp()
            spectrum[row, 0][at] = magnitude * torch.polar(torch.ones_like(magnitude), old.angle())
        return torch.fft.ifftn(spectrum, dim=_SPACE).real


@dataclass(frozen=True, kw_only=True)
class GibbsRingingDrawn:
    """Strength: the share of the k-space radius that is cut off."""

    alpha: float


@dataclass(frozen=True, kw_only=True)
class GibbsRinging(Knobs):
    """Cuts off high frequencies sharply, which rings at edges.

    MONAI's ``GibbsNoise`` on odd sizes. On even ones MONAI centres the ball half a sample off the zero
    frequency and drops the imaginary part that this leaves; ours is centred.
    """

    probability: float = 0.5
    alpha: tuple[float, float] = (0.0, 0.5)
    """0 keeps all of k-space, 1 nothing."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("alpha", self.alpha, 0, 1)

    def draw(self, rng: np.random.Generator) -> GibbsRingingDrawn:
        """Draw the parameters of one sample."""
        return GibbsRingingDrawn(alpha=float(rng.uniform(*self.alpha)))

    def apply(
        self, image: Tensor, drawn: Sequence[GibbsRingingDrawn], streams: Streams, rows: Sequence[int]
    ) -> Tensor:
        """Apply to images ``(B, 1, Z, Y, X)``."""
        shape = image.shape[-3:]
        squares = [torch.fft.fftfreq(n, 1 / n, device=image.device).square() for n in shape]
        squares[2] = squares[2][: shape[2] // 2 + 1]
        z, y, x = squares
        squared = z[:, None, None] + y[:, None] + x
        radius = (1 - column(drawn, "alpha", image.device)) * max(shape) * 2**0.5 / 2
        spectrum = torch.fft.rfftn(image, dim=_SPACE) * (squared <= radius**2)
        return torch.fft.irfftn(spectrum, s=shape, dim=_SPACE)
