"""Illumination correction: where it is uneven, each region is stretched to the range of the whole volume."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import ndimage

from anystar.box import triple
from anystar.preprocess.arrays import ArrayLike, ImageView, Shape
from anystar.preprocess.intensity import TINY
from anystar.preprocess.subsample import Subsample

__all__ = ["CorrectedImage", "Illumination", "estimate_illumination"]

_REGIONS, _SMALLEST = 3, 24
"""Most regions along an axis, and the fewest voxels of the subsample along one."""
_LOW, _HIGH = 1.0, 99.8
"""Percentiles between which a region's range lies."""
_BLANK = 0.45
"""A region with a smaller share of the volume's range is taken to hold no objects: its range is that of its
neighbours. No region is amplified by more than the inverse of this share."""
_EVEN = 0.1
"""Differences between regions that are not corrected, as a share of the range."""
_KNOWN = 0.05
"""Least share of data in a region that decides alone."""
_NEAR, _FAR, _FAR_WEIGHT = 0.7, 3.0, 1e-3
"""Widths of the Gaussians that smooth over regions, and the weight of the wide one: it decides only where a
region has no neighbour with objects."""


@dataclass(frozen=True)
class Illumination:
    """The preprocessing step that corrects uneven illumination.

    Background and range are given for regions of the volume, and vary linearly between their centres.
    """

    regions: Shape
    """Number of regions along Z, Y, X."""
    background: tuple[float, ...]
    """Intensity of the background in each region, Z slowest."""
    range: tuple[float, ...]
    """Range of the intensities above the background in each region."""

    @classmethod
    def fit(cls, image: ArrayLike, subsample: Subsample) -> Illumination | None:
        """Return the illumination of an image, ``None`` if it is even."""
        found = estimate_illumination(subsample.voxels, subsample.known)
        return None if found.even else found

    def apply(self, image: ArrayLike) -> CorrectedImage:
        """Return the image under even illumination."""
        return CorrectedImage(image, self)

    def update(self, subsample: Subsample, image: ArrayLike) -> Subsample:
        """Return the subsample of the image after this step."""
        voxels = self.correct(subsample.voxels, subsample.indices, subsample.shape)
        return replace(subsample, voxels=voxels)

    def note(self, origin: Shape) -> str:
        """Return the remark for the user: none."""
        return ""

    @property
    def even(self) -> bool:
        """Whether the regions differ too little to be corrected."""
        scale = max(self.range)
        return bool(np.ptp(self.background) <= _EVEN * scale and np.ptp(self.range) <= _EVEN * scale)

    def at(self, indices: Sequence[np.ndarray], shape: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """Return background and range where planes, rows and columns of these indices meet, float32."""
        weights = [
            _region_weights(index, num, count)
            for index, num, count in zip(indices, shape, self.regions, strict=True)
        ]
        grids = (np.reshape(values, self.regions) for values in (self.background, self.range))
        background, above = (_interpolate(grid.astype(np.float32), weights) for grid in grids)
        return background, above

    def correct(self, part: np.ndarray, indices: Sequence[np.ndarray], shape: Sequence[int]) -> np.ndarray:
        """Return part of a volume of ``shape``, at these indices along Z, Y, X, under even illumination.

        0 is the background, and 1 the top of the range, in every region.
        """
        part = part.astype(np.float32)
        background, above = self.at(indices, shape)
        part -= background
        part /= above
        return part


@dataclass(frozen=True)
class CorrectedImage(ImageView):
    """An image under even illumination, corrected as it is read."""

    illumination: Illumination

    @property
    def dtype(self) -> Any:
        """NumPy dtype: float32."""
        return np.dtype(np.float32)

    def __getitem__(self, box: Any, /) -> np.ndarray:
        """Return the part of three slices."""
        indices = [np.arange(*part.indices(num)) for part, num in zip(box, self.shape, strict=True)]
        return self.illumination.correct(np.asarray(self.image[box]), indices, self.shape)


def estimate_illumination(voxels: np.ndarray, known: np.ndarray | None = None) -> Illumination:
    """Return the illumination of a volume from voxels that are spread evenly over it.

    Only those voxels count that are data, all by default.

    The range of a region is that of its percentiles, smoothed over its neighbours. A region without objects
    takes the range of its neighbours, so that its noise is not amplified.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> light = estimate_illumination(rng.random((24, 96, 96)) * np.linspace(1, 3, 96))
    >>> light.regions, light.even, bool(light.range[2] > 1.5 * light.range[0])
    ((1, 3, 3), False, True)
    """
    regions = triple(max(1, min(_REGIONS, num // _SMALLEST)) for num in voxels.shape)
    low, high = np.zeros(regions), np.zeros(regions)
    edges = [np.linspace(0, num, k + 1).astype(int) for num, k in zip(voxels.shape, regions, strict=True)]
    for region in np.ndindex(*regions):
        box = tuple(slice(edge[i], edge[i + 1]) for edge, i in zip(edges, region, strict=True))
        data = voxels[box]
        if known is not None and known[box].mean() >= _KNOWN:  # else all count, filled ones too
            data = data[known[box]]
        low[region], high[region] = np.percentile(data.astype(np.float32, copy=False), [_LOW, _HIGH])
    full = max(float(high.max() - low.min()), TINY)
    live = (high - low >= _BLANK * full).astype(float)
    near, far = (ndimage.gaussian_filter(live, width, mode="nearest") for width in (_NEAR, _FAR))
    sums = [ndimage.gaussian_filter((high - low) * live, width, mode="nearest") for width in (_NEAR, _FAR)]
    weight = near + _FAR_WEIGHT * far
    above = np.where(weight > 0, (sums[0] + _FAR_WEIGHT * sums[1]) / np.maximum(weight, 1e-30), full)
    background = ndimage.gaussian_filter(low, _NEAR, mode="nearest")
    above = np.maximum(above, _BLANK * full)
    return Illumination(regions, tuple(background.ravel().tolist()), tuple(above.ravel().tolist()))


def _interpolate(grid: np.ndarray, weights: list[np.ndarray]) -> np.ndarray:
    """Return weighted sums over regions; voxel by voxel, so that a part equals the same part of the whole."""
    for axis, along in enumerate(weights):
        regions = np.moveaxis(grid, axis, 0)
        total = sum(np.multiply.outer(along[:, region], regions[region]) for region in range(len(regions)))
        grid = np.moveaxis(np.asarray(total), 0, axis)
    return grid


def _region_weights(index: np.ndarray, num: int, regions: int) -> np.ndarray:
    """Return the weight of each region at each voxel of an axis, ``(len(index), regions)`` float32."""
    place = ((index + 0.5) * regions / num - 0.5).clip(0, regions - 1)
    return (1 - np.abs(place[:, None] - np.arange(regions))).clip(0).astype(np.float32)
