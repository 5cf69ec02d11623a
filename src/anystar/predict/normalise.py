"""Intensities of any range and type to about [0, 1]."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from anystar.predict.sample import take_sample

if TYPE_CHECKING:
    from anystar.predict.view import ArrayLike

__all__ = ["TINY", "check_image", "check_range", "normalise", "window"]

TINY = float(np.finfo(np.float32).tiny)
"""Least range of intensities that is divided by."""
_RANGE = (1e-33, 1e37)
"""Largest absolute values of images that are as good in float32."""
_FINE = 2.0**-14
"""Least range of intensities as a share of the largest: a step of float32 is a thousandth of it then."""

_LOW, _HIGH, _TOP = 0.1, 99.8, 99.99
_SPARSE = 3.0
_SLAB = 64


def check_image(image: np.ndarray, *, smallest: int = 4) -> np.ndarray:
    """Return ``image`` as it is, or raise ``ValueError`` saying why it cannot be segmented."""
    image = np.asarray(image)
    if image.ndim != 3:
        raise ValueError(f"image must have three axes (Z, Y, X), got shape {image.shape}")
    if image.dtype.kind not in "buif":
        raise ValueError(f"image must hold real numbers, got {image.dtype}")
    if min(image.shape) < smallest:
        raise ValueError(
            f"image must have at least {smallest} voxels along each axis, got {image.shape}; "
            "AnyStar segments volumes, not single slices"
        )
    if image.dtype.kind == "f":
        bad = int(image.size - np.isfinite(image).sum())
        if bad:
            raise ValueError(f"image must be finite, got {bad} NaN or infinite voxels; replace or crop them")
        check_range(image)
    return image


def check_range(image: np.ndarray) -> None:
    """Raise ``ValueError`` if the largest absolute value, or what differs beside it, is lost in float32."""
    low, high = float(image.min()), float(image.max())
    largest = max(-low, high)
    if image.dtype.itemsize >= 4 and image.dtype != np.float32 and 0 < high - low < _FINE * largest:
        raise ValueError(
            f"image must not lie on an offset that hides what differs, got values from {low:.10g} to "
            f"{high:.10g}; subtract {low:.10g}"
        )
    if image.dtype.kind == "f" and largest and not _RANGE[0] <= largest <= _RANGE[1]:
        raise ValueError(
            f"image must have a largest absolute value of {_RANGE[0]:g} to {_RANGE[1]:g}, got "
            f"{largest:.3g}; divide it by that"
        )


def window(image: ArrayLike, sample: np.ndarray | None = None) -> tuple[float, float]:
    """Return the intensities that become 0 and 1.

    0 is the 0.1st percentile; 1 is the 99.99th, but at most three times as far as the 99.8th, so that objects
    which fill less than 0.2% of a volume are not cut down to their noise, nor everything to a few hot voxels.
    Percentiles are taken over a sample of large volumes (:func:`anystar.predict.sample.take_sample`): over
    ``sample``, if that has been read already.
    """
    if sample is None:
        sample = take_sample(image).voxels
    low, high, top = np.percentile(sample.astype(np.float32, copy=False), [_LOW, _HIGH, _TOP]).tolist()
    high = min(top, low + _SPARSE * (high - low))
    if high <= low:  # a few bright voxels on a constant ground
        planes = (np.asarray(image[z : z + _SLAB, :, :]) for z in range(0, image.shape[0], _SLAB))
        extremes = [(float(part.min()), float(part.max())) for part in planes]
        low, high = min(part[0] for part in extremes), max(part[1] for part in extremes)
    return low, high


def normalise(image: np.ndarray, limits: tuple[float, float]) -> np.ndarray:
    """Map ``limits`` onto [0, 1] and clip; float32.

    Examples
    --------
    >>> normalise(np.arange(5, dtype=np.uint8), (1.0, 3.0)).tolist()
    [0.0, 0.0, 0.5, 1.0, 1.0]
    """
    low, high = limits
    scaled = image.astype(np.float32)
    scaled -= low
    scaled /= max(high - low, TINY)
    return np.clip(scaled, 0, 1, out=scaled)
