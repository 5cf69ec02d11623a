"""Images made worse by a stated amount: what a deployed network meets (Figure 4C, and more)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from anystar.errors import InputError
from anystar.preprocess.intensity import intensity_limits

__all__ = ["CORRUPTIONS", "Corruption", "corrupt"]

Change = Callable[[np.ndarray, float, np.random.Generator], np.ndarray]
"""``(image in about [0, 1] float32 ZYX, strength above 0, rng) -> float32 image``."""


class Corruption(NamedTuple):
    """One way to make an image worse."""

    axis: str
    """What the strength means, with its unit: the label of the plot."""
    strengths: tuple[float, ...]
    """Growing, from 0 (the image as it is)."""
    apply: Change


def corrupt(
    image: np.ndarray, corruption: Corruption, strength: float, *, rng: np.random.Generator
) -> np.ndarray:
    """Return a worse image ``(Z, Y, X)``; strength 0 returns the image itself.

    Strengths are in the unit that ``corruption.axis`` states and refer to the contrast: 0 and 1 are the
    intensities that :func:`anystar.preprocess.intensity.intensity_limits` takes for black and white.

    Examples
    --------
    >>> dots = np.zeros((8, 8, 8), np.uint8); dots[4, 4, 4] = 200
    >>> worse = corrupt(dots, CORRUPTIONS["blur"], 1.0, rng=np.random.default_rng(0))
    >>> float(worse.max()) < 0.1
    True
    """
    if strength < 0:
        raise InputError(f"strength must be at least 0, got {strength}")
    if strength == 0:
        return image
    low, high = intensity_limits(image)
    scaled = (image.astype(np.float32) - low) / max(high - low, 1e-20)
    return corruption.apply(scaled, strength, rng).astype(np.float32, copy=False)


def _blur(image: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    return ndimage.gaussian_filter(image, strength)


def _noise(image: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    return image + strength * rng.standard_normal(image.shape, np.float32)


def _gamma(image: np.ndarray, exponent: float) -> np.ndarray:
    return np.clip(image, 0, None) ** exponent


def _thin_out(image: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Keep every n-th plane and interpolate those between; the grid stays, so that labels fit."""
    step = round(strength)
    if step < 2:
        return image
    kept = np.arange(0, len(image), step)
    planes = np.interp(np.arange(len(image)), kept, np.arange(len(kept)))
    below = np.minimum(planes.astype(int), len(kept) - 1)
    above = np.minimum(below + 1, len(kept) - 1)
    share = (planes - below)[:, None, None].astype(np.float32)
    return (1 - share) * image[kept[below]] + share * image[kept[above]]


def _shade(image: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Multiply by a smooth field from ``exp(-strength)`` to ``exp(strength)``: a random cubic polynomial."""
    axes = [np.linspace(-1, 1, n) for n in image.shape]
    weights = rng.standard_normal((4, 4, 4)) * _LOW_ORDERS
    field = np.asarray(np.polynomial.legendre.leggrid3d(axes[0], axes[1], axes[2], weights))
    field = 2 * (field - field.min()) / max(np.ptp(field), 1e-20) - 1
    return image * np.exp(strength * field).astype(np.float32)


_LOW_ORDERS = (np.add.outer(np.add.outer(np.arange(4), np.arange(4)), np.arange(4)) <= 3).astype(float)


def _lose_planes(image: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Set a share of the planes along Z to black."""
    lost = rng.permutation(len(image))[: round(strength * len(image))]
    worse = image.copy()
    worse[lost] = 0
    return worse


def _flicker(image: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Multiply each plane along Z by a gain of its own, log-normal, as an unsteady lamp does."""
    return image * np.exp(strength * rng.standard_normal((len(image), 1, 1), np.float32))


CORRUPTIONS: dict[str, Corruption] = {
    "blur": Corruption("Gaussian blur, sigma in voxels", (0, 0.5, 1, 1.5, 2, 3), _blur),
    "noise": Corruption("Gaussian noise, share of the contrast", (0, 0.05, 0.1, 0.2, 0.4), _noise),
    "darker": Corruption(
        "gamma 2^s, dim objects fade", (0, 0.5, 1, 1.5, 2), lambda image, s, rng: _gamma(image, 2.0**s)
    ),
    "brighter": Corruption(
        "gamma 2^-s, background rises", (0, 0.5, 1, 1.5, 2), lambda image, s, rng: _gamma(image, 2.0**-s)
    ),
    # Between 0 and 1 there would be less contrast, which normalising undoes.
    "inversion": Corruption("contrast: 0 as it is, 1 inverted", (0, 1), lambda image, s, rng: 1 - image),
    "planes": Corruption("every n-th plane along z", (0, 2, 3, 4, 6), _thin_out),
    "bias": Corruption("bias field, exp(-s) to exp(s)", (0, 0.5, 1, 1.5, 2), _shade),
    "missing": Corruption("share of missing planes", (0, 0.05, 0.1, 0.2, 0.4), _lose_planes),
    "flicker": Corruption("gain of planes, deviation of its logarithm", (0, 0.05, 0.1, 0.2, 0.4), _flicker),
}
"""By name. The paper measures ``blur``; its strengths are only in a figure, so these are ours."""
