"""Blurring, sharpening, and anisotropic acquisition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from anystar.config import check_range
from anystar.synth.augment.base import Knobs, column
from anystar.synth.separable import gaussian_matrix, separable
from anystar.synth.streams import Streams, put

__all__ = ["CoarseVoxels", "GaussianSharpen", "GaussianSmooth", "PointSpread", "ThickSlices"]


@dataclass(frozen=True, kw_only=True)
class GaussianSmoothDrawn:
    """Width along Z, Y, X in voxels."""

    sigma: tuple[float, float, float]


@dataclass(frozen=True, kw_only=True)
class GaussianSmooth(Knobs):
    """Blurs each axis by a width of its own (paper: partial voluming of anisotropic images).

    MONAI's ``GaussianSmooth``, but a border is not darkened: MONAI blurs against zeros, ours divides by what
    that loses. MONAI also cuts the kernel at four sigma (a difference of 2e-4 at most).
    """

    probability: float = 0.8
    sigma: tuple[float, float] = (0.0, 0.333)
    """Standard deviation in voxels."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("sigma", self.sigma, 0, 100)

    def draw(self, rng: np.random.Generator) -> GaussianSmoothDrawn:
        """Draw the parameters of one sample."""
        z, y, x = rng.uniform(*self.sigma, 3).tolist()
        return GaussianSmoothDrawn(sigma=(z, y, x))

    def apply(
        self, image: Tensor, drawn: Sequence[GaussianSmoothDrawn], streams: Streams, rows: Sequence[int]
    ) -> Tensor:
        """Apply to images ``(B, 1, Z, Y, X)``."""
        sigma = put([d.sigma for d in drawn], image.device)
        return blur(image, sigma)


@dataclass(frozen=True, kw_only=True)
class PointSpread(GaussianSmooth):
    """Blurs as a microscope does: alike in plane, more along one axis."""

    probability: float = 0.7
    sigma: tuple[float, float] = (0.3, 1.5)
    """Standard deviation in plane, in voxels."""
    axial: tuple[float, float] = (1.0, 3.0)
    """Width along the axis as a multiple of that in plane."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("axial", self.axial, 1, 100)

    def draw(self, rng: np.random.Generator) -> GaussianSmoothDrawn:
        """Draw the parameters of one sample."""
        sigma = np.full(3, rng.uniform(*self.sigma))
        sigma[rng.integers(3)] *= rng.uniform(*self.axial)
        z, y, x = sigma.tolist()
        return GaussianSmoothDrawn(sigma=(z, y, x))


@dataclass(frozen=True, kw_only=True)
class GaussianSharpenDrawn:
    """Widths of the two blurs and the strength."""

    sigma1: float
    sigma2: float
    strength: float


@dataclass(frozen=True, kw_only=True)
class GaussianSharpen(Knobs):
    """Adds the difference of two blurs, many times over.

    MONAI's ``RandGaussianSharpen`` inside; at the border MONAI's zero padding makes a bright frame 10 to 30
    times as strong as the image, ours has none (see :class:`GaussianSmooth`).
    """

    probability: float = 0.25
    sigma1: tuple[float, float] = (0.5, 1.0)
    """Width of the first blur in voxels; the second is between 0.5 and it."""
    strength: tuple[float, float] = (10.0, 30.0)
    """Factor of the difference."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("sigma1", self.sigma1, 0.5, 100)
        check_range("strength", self.strength, 0, 1000)

    def draw(self, rng: np.random.Generator) -> GaussianSharpenDrawn:
        """Draw the parameters of one sample."""
        sigma1 = float(rng.uniform(*self.sigma1))
        return GaussianSharpenDrawn(
            sigma1=sigma1, sigma2=float(rng.uniform(0.5, sigma1)), strength=float(rng.uniform(*self.strength))
        )

    def apply(
        self, image: Tensor, drawn: Sequence[GaussianSharpenDrawn], streams: Streams, rows: Sequence[int]
    ) -> Tensor:
        """Apply to images ``(B, 1, Z, Y, X)``."""
        smooth = blur(image, _isotropic([d.sigma1 for d in drawn], image.device))
        smoother = blur(smooth, _isotropic([d.sigma2 for d in drawn], image.device))
        return smooth + column(drawn, "strength", image.device) * (smooth - smoother)


@dataclass(frozen=True, kw_only=True)
class ThickSlicesDrawn:
    """Distance between acquired planes along Z, Y, X in voxels (1 keeps all), and where the first lies."""

    step: tuple[float, float, float]
    start: tuple[float, float, float]


@dataclass(frozen=True, kw_only=True)
class ThickSlices(Knobs):
    """Keeps only planes that are ``step`` voxels apart and interpolates between them."""

    probability: float = 0.4
    step: tuple[float, float] = (1.5, 6.0)
    """Distance between acquired planes in voxels (the ratio of the spacings), log-uniform."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("step", self.step, 1, 64)

    def draw(self, rng: np.random.Generator) -> ThickSlicesDrawn:
        """Draw the parameters of one sample."""
        step, axis = float(np.exp(rng.uniform(*np.log(self.step)))), int(rng.integers(3))
        return self._along([step if a == axis else 1.0 for a in range(3)], rng)

    @staticmethod
    def _along(steps: Sequence[float], rng: np.random.Generator) -> ThickSlicesDrawn:
        z, y, x = steps
        a, b, c = (rng.random(3) * np.where(np.array(steps) > 1, steps, 0)).tolist()
        return ThickSlicesDrawn(step=(z, y, x), start=(a, b, c))

    def apply(
        self, image: Tensor, drawn: Sequence[ThickSlicesDrawn], streams: Streams, rows: Sequence[int]
    ) -> Tensor:
        """Apply to images ``(B, 1, Z, Y, X)``."""
        matrices = []
        for axis, num in enumerate(image.shape[-3:]):
            per_axis = [_slices(num, d.step[axis], d.start[axis]) for d in drawn]
            matrices.append(put(torch.stack(per_axis), image.device))
        return separable(image, matrices)


@dataclass(frozen=True, kw_only=True)
class CoarseVoxels(ThickSlices):
    """Keeps only every ``step``-th voxel along all axes: small objects, enlarged for the network."""

    probability: float = 0.15
    step: tuple[float, float] = (1.2, 2.2)
    """Side of the acquired voxels in voxels, log-uniform."""

    def draw(self, rng: np.random.Generator) -> ThickSlicesDrawn:
        """Draw the parameters of one sample."""
        return self._along([float(np.exp(rng.uniform(*np.log(self.step))))] * 3, rng)


def _slices(num: int, step: float, start: float) -> Tensor:
    """Return the matrix that reads planes ``start + i step`` (nearest) and interpolates back to all."""
    planes = np.arange(start, num, step)
    if step == 1 or len(planes) < 2:
        return torch.eye(num)
    source = np.minimum(np.round(planes).astype(int), num - 1)
    position = np.interp(np.arange(num), planes, np.arange(len(planes)))
    left = np.minimum(position.astype(int), len(planes) - 2)
    weight = position - left
    matrix = np.zeros((num, num), np.float32)
    np.add.at(matrix, (np.arange(num), source[left]), 1 - weight)
    np.add.at(matrix, (np.arange(num), source[left + 1]), weight)
    return torch.from_numpy(matrix)


def blur(image: Tensor, sigma_B3: Tensor) -> Tensor:
    """Blur images ``(B, 1, Z, Y, X)`` by ``sigma`` voxels along Z, Y, X."""
    shape = image.shape[-3:]
    if len(set(shape)) == 1:  # all axes at once
        return separable(image, gaussian_matrix(sigma_B3.mT.flatten(), shape[0]).chunk(3))
    return separable(image, [gaussian_matrix(sigma_B3[:, a], n) for a, n in enumerate(shape)])


def _isotropic(sigma: Sequence[float], device: torch.device) -> Tensor:
    return put(sigma, device)[:, None].expand(-1, 3)
