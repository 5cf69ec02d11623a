"""Noise: Gaussian, Rician, photon counting, and the last one of the paper's sequence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from anystar.config import ConfigError, check_range
from anystar.synth.augment.base import Knobs, column
from anystar.synth.streams import Streams

__all__ = ["FinalNoise", "GaussianNoise", "PhotonNoise", "RicianNoise"]


@dataclass(frozen=True, kw_only=True)
class DeviationDrawn:
    """Standard deviation of the noise."""

    deviation: float


@dataclass(frozen=True, kw_only=True)
class GaussianNoise(Knobs):
    """Adds white Gaussian noise (MONAI ``RandGaussianNoise``)."""

    probability: float = 0.25
    deviation: tuple[float, float] = (0.0, 0.1)
    """Standard deviation, for images of about [0, 1]."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("deviation", self.deviation, 0, 100)

    def draw(self, rng: np.random.Generator) -> DeviationDrawn:
        """Draw the parameters of one sample."""
        return DeviationDrawn(deviation=float(rng.uniform(*self.deviation)))

    def apply(
        self, image: Tensor, drawn: Sequence[DeviationDrawn], streams: Streams, rows: Sequence[int]
    ) -> Tensor:
        """Apply to images ``(B, 1, Z, Y, X)``."""
        noise = streams.normal("gaussian-noise", image.shape[1:], rows)
        return image + noise * column(drawn, "deviation", image.device)


@dataclass(frozen=True, kw_only=True)
class RicianNoise(GaussianNoise):
    """The magnitude of the image with complex Gaussian noise, as in MRI (MONAI ``RandRicianNoise``)."""

    probability: float = 0.2
    deviation: tuple[float, float] = (0.0, 0.05)
    """Standard deviation of either component, for images of about [0, 1]."""

    def apply(
        self, image: Tensor, drawn: Sequence[DeviationDrawn], streams: Streams, rows: Sequence[int]
    ) -> Tensor:
        """Apply to images ``(B, 1, Z, Y, X)``."""
        sigma = column(drawn, "deviation", image.device)
        real, imaginary = (streams.normal(f"rician-{part}", image.shape[1:], rows) for part in "ri")
        return torch.hypot(image + real * sigma, imaginary * sigma)


@dataclass(frozen=True, kw_only=True)
class PhotonNoiseDrawn:
    """Photons that the brightest voxel catches on average, and the share of a constant dark level."""

    photons: float
    dark: float


@dataclass(frozen=True, kw_only=True)
class PhotonNoise(Knobs):
    """Counts photons: Poisson noise whose strength grows with the square root of the brightness."""

    probability: float = 0.5
    photons: tuple[float, float] = (8.0, 500.0)
    """Mean count in the brightest voxel, log-uniform."""
    dark: tuple[float, float] = (0.0, 0.3)
    """Dark level (stray light, dark current) as a share of the brightest voxel."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("photons", self.photons, 0.1, 1e6)
        check_range("dark", self.dark, 0, 1)

    def draw(self, rng: np.random.Generator) -> PhotonNoiseDrawn:
        """Draw the parameters of one sample."""
        photons = float(np.exp(rng.uniform(*np.log(self.photons))))
        return PhotonNoiseDrawn(photons=photons, dark=float(rng.uniform(*self.dark)))

    def apply(
        self, image: Tensor, drawn: Sequence[PhotonNoiseDrawn], streams: Streams, rows: Sequence[int]
    ) -> Tensor:
        """Apply to images ``(B, 1, Z, Y, X)``."""
        low, high = image.amin((1, 2, 3, 4), keepdim=True), image.amax((1, 2, 3, 4), keepdim=True)
        photons, dark = column(drawn, "photons", image.device), column(drawn, "dark", image.device)
        mean = ((image - low) / (high - low).clamp_min(1e-8) * (1 - dark) + dark) * photons
        draws = streams.fields("photon-noise", rows)
        counts = torch.stack([torch.poisson(m, generator=g) for m, g in zip(mean, draws, strict=True)])
        return counts / photons


@dataclass(frozen=True, kw_only=True)
class FinalNoiseDrawn:
    """Kind of noise."""

    kind: Literal["gaussian", "poisson", "speckle"]


@dataclass(frozen=True, kw_only=True)
class FinalNoise(Knobs):
    """Adds noise to the non-zero voxels only and clips to [0, 1], so that blank regions stay blank.

    Gaussian and speckle noise are those of scikit-image's ``random_noise``. Its Poisson noise has one level
    per value of the image, which for floats is hardly any noise; ours has the levels of an 8-bit image.
    """

    probability: float = 0.2
    variance: float = 0.01
    """Variance of Gaussian and speckle noise."""
    levels: float = 256.0
    """Photons at full intensity for Poisson noise (the reference's 8-bit levels)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (0 <= self.variance <= 100 and 1 <= self.levels <= 1e6):
            what = f"got {self.variance} and {self.levels}"
            raise ConfigError(f"variance must be within [0, 100] and levels within [1, 1e6], {what}")

    def draw(self, rng: np.random.Generator) -> FinalNoiseDrawn:
        """Draw the parameters of one sample."""
        kinds: tuple[Literal["gaussian", "poisson", "speckle"], ...] = ("gaussian", "poisson", "speckle")
        return FinalNoiseDrawn(kind=kinds[int(rng.integers(3))])

    def apply(
        self, image: Tensor, drawn: Sequence[FinalNoiseDrawn], streams: Streams, rows: Sequence[int]
    ) -> Tensor:
        """Apply to images ``(B, 1, Z, Y, X)``."""
        noisy = []
        generators = streams.fields("final-noise", rows)
        for one, d, generator in zip(image, drawn, generators, strict=True):
            if d.kind == "poisson":
                noisy.append(torch.poisson(one.clamp_min(0) * self.levels, generator=generator) / self.levels)
                continue
            noise = torch.randn(one.shape, generator=generator, device=one.device) * self.variance**0.5
            noisy.append(one + noise * one if d.kind == "speckle" else one + noise)
        return torch.where(image != 0, torch.stack(noisy).clamp(0, 1), image)
