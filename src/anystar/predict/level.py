"""Even out illumination: where it is uneven, each region is spread over the range of the whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import ndimage

from anystar.predict.gaps import Mended, find_gaps
from anystar.predict.normalise import TINY, check_range, window
from anystar.predict.sample import take_sample
from anystar.predict.view import ArrayLike, Scene

__all__ = ["Illumination", "Levelled", "illumination", "level"]

_CELLS, _SMALLEST = 3, 24
"""Regions along an axis at most, and voxels of the sample that one needs."""
_LOW, _HIGH = 1.0, 99.8
"""Percentiles that a region's range lies between."""
_BLANK = 0.45
"""A region with a smaller share of the whole's range holds no objects, for all we know: it is treated as its
neighbours are, and nothing is amplified more than the inverse."""
_EVEN = 0.1
"""Differences that are left alone, as a share of the range."""


@dataclass(frozen=True)
class Illumination:
    """Ground and range of regions of a volume, between whose centres they vary linearly."""

    shape: tuple[int, int, int]
    """Of the volume, in voxels."""
    ground: np.ndarray
    """Intensity of the background, shape (A, B, C): regions along Z, Y, X."""
    reach: np.ndarray
    """Intensities above it, same shape."""

    @property
    def cells(self) -> tuple[int, int, int]:
        """Regions along Z, Y, X."""
        a, b, c = self.ground.shape
        return a, b, c

    @property
    def even(self) -> bool:
        """Whether there is nothing to even out."""
        scale = self.reach.max()
        return bool(np.ptp(self.ground) <= _EVEN * scale and np.ptp(self.reach) <= _EVEN * scale)

    def at(self, places: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Return ground and range where planes, rows and columns of these indices meet, float32."""
        rows = [
            _between(index, num, cells)
            for index, num, cells in zip(places, self.shape, self.ground.shape, strict=True)
        ]
        ground, reach = (_blend(grid.astype(np.float32), rows) for grid in (self.ground, self.reach))
        return ground, reach


@dataclass(frozen=True)
class Levelled:
    """An image under even light: 0 is the ground and 1 the top of the range everywhere."""

    image: ArrayLike
    light: Illumination

    @property
    def shape(self) -> tuple[int, ...]:
        """(Z, Y, X)."""
        return self.image.shape

    @property
    def dtype(self) -> Any:
        """Float32."""
        return np.dtype(np.float32)

    def __getitem__(self, box: Any, /) -> np.ndarray:
        """Return the part of three slices."""
        places = [np.arange(*part.indices(num)) for part, num in zip(box, self.shape, strict=True)]
        return self.even_out(np.asarray(self.image[box]), places)

    def even_out(self, part: np.ndarray, places: Sequence[np.ndarray]) -> np.ndarray:
        """Return the image, of which ``part`` is what lies at these indices along Z, Y, X, in even light."""
        part = part.astype(np.float32)
        ground, reach = self.light.at(places)
        part -= ground
        part /= reach
        return part


def level(image: ArrayLike) -> Scene:
    """Return ``image`` as the network is to see it: as it is read, blank planes are filled in, and uneven
    illumination is evened out.

    Illumination and limits come from one sample of the image, which may be slow to read.
    """
    z, y, x = image.shape
    sample = take_sample(image)
    check_range(sample.voxels)
    gaps = find_gaps(image, sample)
    if gaps:
        image = Mended(image, gaps)
        sample = take_sample(image)
    light = illumination(sample.voxels, (z, y, x))
    if light.even:
        return Scene(image=image, limits=window(image, sample.voxels), gaps=gaps)
    seen = Levelled(image, light)
    return Scene(image=seen, limits=window(seen, seen.even_out(sample.voxels, sample.rows)), gaps=gaps)


def illumination(sampled: np.ndarray, shape: tuple[int, int, int]) -> Illumination:
    """Return the illumination of a volume of ``shape`` from a sample that is spread evenly over it.

    A region's range is that of its percentiles, smoothed over its neighbours; blank regions take over that of
    their neighbours, so that their noise is not blown up.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> image = rng.random((24, 96, 96)) * np.linspace(1, 3, 96)
    >>> light = illumination(image, image.shape)
    >>> light.reach.shape, light.even, bool(light.reach[0, 0, 2] > 1.5 * light.reach[0, 0, 0])
    ((1, 3, 3), False, True)
    """
    cells = [max(1, min(_CELLS, num // _SMALLEST)) for num in sampled.shape]
    low, high = np.zeros(cells), np.zeros(cells)
    edges = [np.linspace(0, num, k + 1).astype(int) for num, k in zip(sampled.shape, cells, strict=True)]
    for cell in np.ndindex(*cells):
        box = tuple(slice(edge[i], edge[i + 1]) for edge, i in zip(edges, cell, strict=True))
        low[cell], high[cell] = np.percentile(sampled[box].astype(np.float32, copy=False), [_LOW, _HIGH])
    full = max(float(high.max() - low.min()), TINY)
    live = (high - low >= _BLANK * full).astype(float)
    near, far = (ndimage.gaussian_filter(live, width, mode="nearest") for width in (0.7, 3.0))
    # Where a neighbour is live it decides; else those further away do
    reaches = [ndimage.gaussian_filter((high - low) * live, width, mode="nearest") for width in (0.7, 3.0)]
    weight = near + 1e-3 * far
    reach = np.where(weight > 0, (reaches[0] + 1e-3 * reaches[1]) / np.maximum(weight, 1e-30), full)
    ground = ndimage.gaussian_filter(low, 0.7, mode="nearest")
    return Illumination(shape, ground, np.maximum(reach, _BLANK * full))


def _blend(grid: np.ndarray, rows: list[np.ndarray]) -> np.ndarray:
    """Return weighted sums over cells; voxel by voxel, so that a part equals the same part of the whole."""
    for axis, weights in enumerate(rows):
        cells = np.moveaxis(grid, axis, 0)
        total = sum(np.multiply.outer(weights[:, cell], cells[cell]) for cell in range(len(cells)))
        grid = np.moveaxis(np.asarray(total), 0, axis)
    return grid


def _between(index: np.ndarray, num: int, cells: int) -> np.ndarray:
    """Return the weights of the cells' values at voxels, ``(len(index), cells)`` float32."""
    place = ((index + 0.5) * cells / num - 0.5).clip(0, cells - 1)
    return (1 - np.abs(place[:, None] - np.arange(cells))).clip(0).astype(np.float32)
