"""Checks of an image, and rescaling of its intensities, of any range and type, to [0, 1]."""

from __future__ import annotations

import numpy as np

from anystar.errors import InputError
from anystar.preprocess.arrays import ArrayLike
from anystar.preprocess.subsample import take_subsample

__all__ = ["TINY", "check_image", "check_range", "intensity_limits", "rescale"]

TINY = float(np.finfo(np.float32).tiny)
"""Smallest range of intensities that is divided by."""
_RANGE = (1e-33, 1e37)
"""Smallest and greatest magnitude of the largest absolute value that float32 represents without loss."""
_FINE = 2.0**-14
"""Smallest range of intensities, as a share of the largest: it still has a thousand steps of float32."""
_LOW, _HIGH, _TOP = 0.1, 99.8, 99.99
"""Percentiles that set the limits."""
_SPARSE = 3.0
"""The upper limit is at most this many times as far from the lower one as the percentile ``_HIGH``."""
_SMALLEST = 4
"""Fewest voxels along an axis."""
_SLAB = 64
"""Planes that are read at once."""


def check_image(image: np.ndarray) -> np.ndarray:
    """Return ``image`` as an array, or raise ``InputError`` that says why it cannot be segmented."""
    image = np.asarray(image)
    if image.ndim != 3:
        raise InputError(f"image must have three axes (Z, Y, X), got shape {image.shape}")
    if image.dtype.kind not in "buif":
        raise InputError(f"image must hold real numbers, got {image.dtype}")
    if min(image.shape) < _SMALLEST:
        raise InputError(
            f"image must have at least {_SMALLEST} voxels along each axis, got {image.shape}; "
            "AnyStar segments volumes, not single slices"
        )
    return image


def check_range(image: np.ndarray) -> None:
    """Raise ``InputError`` if float32 loses the largest absolute value, or differences beside it."""
    low, high = float(image.min()), float(image.max())
    largest = max(-low, high)
    if image.dtype.itemsize >= 4 and image.dtype != np.float32 and 0 < high - low < _FINE * largest:
        raise InputError(
            f"image must not lie on an offset that hides what differs, got values from {low:.10g} to "
            f"{high:.10g}; subtract {low:.10g}"
        )
    if image.dtype.kind == "f" and largest and not _RANGE[0] <= largest <= _RANGE[1]:
        raise InputError(
            f"image must have a largest absolute value of {_RANGE[0]:g} to {_RANGE[1]:g}, got "
            f"{largest:.3g}; divide it by that"
        )


def intensity_limits(image: ArrayLike, subsample: np.ndarray | None = None) -> tuple[float, float]:
    """Return the intensities that become 0 and 1.

    0 is the 0.1st percentile. 1 is the 99.99th, but at most three times as far as the 99.8th.
    So objects that fill less than 0.2% of a volume are not clipped to their noise. A few hot voxels do not
    set the scale.
    Percentiles are taken over ``subsample``, by default :func:`anystar.preprocess.subsample.take_subsample`.
    """
    if subsample is None:
        subsample = take_subsample(image).voxels
    low, high, top = np.percentile(subsample.astype(np.float32, copy=False), [_LOW, _HIGH, _TOP]).tolist()
    high = min(top, low + _SPARSE * (high - low))
    if high <= low:  # a few bright voxels on a constant background
        planes = (np.asarray(image[z : z + _SLAB, :, :]) for z in range(0, image.shape[0], _SLAB))
        extremes = [(float(part.min()), float(part.max())) for part in planes]
        low, high = min(part[0] for part in extremes), max(part[1] for part in extremes)
    return low, high


def rescale(image: np.ndarray, limits: tuple[float, float]) -> np.ndarray:
    """Map ``limits`` onto [0, 1] and clip; float32.

    Examples
    --------
    >>> rescale(np.arange(5, dtype=np.uint8), (1.0, 3.0)).tolist()
    [0.0, 0.0, 0.5, 1.0, 1.0]
    """
    low, high = limits
    scaled = image.astype(np.float32)
    scaled -= low
    scaled /= max(high - low, TINY)
    return np.clip(scaled, 0, 1, out=scaled)
