"""Single voxels that are NaN or infinite, filled from their neighbours."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from anystar.errors import InputError
from anystar.preprocess.arrays import ArrayLike, ImageView, Shape, around, in_memory, whole_box, within
from anystar.preprocess.subsample import Subsample

__all__ = ["MOST_MISSING", "MissingVoxels", "RepairedImage", "repair"]

MOST_MISSING = 0.01
"""Largest share of missing voxels that is filled."""
_SLAB = 64
"""Planes that are checked at once."""


@dataclass(frozen=True)
class MissingVoxels:
    """The preprocessing step that fills missing voxels."""

    share: float
    """Share of the subsample's voxels that are missing."""
    fallback: float
    """Intensity of missing voxels without a neighbour that is not missing: the median."""

    @classmethod
    def fit(cls, image: ArrayLike, subsample: Subsample) -> MissingVoxels | None:
        """Return the step for an image, ``None`` if no voxel is missing.

        An image that is not in memory is judged by its subsample; voxels that are missing elsewhere are
        filled as well.

        Raises
        ------
        InputError
            If more than 1% of the voxels are missing.
        """
        if np.dtype(image.dtype).kind != "f":
            return None
        data = subsample.data
        finite = np.isfinite(data)
        missing, num = int(data.size - finite.sum()), data.size
        if in_memory(image) and subsample.voxels.shape != tuple(image.shape):
            slabs = (np.asarray(image[z : z + _SLAB, :, :]) for z in range(0, image.shape[0], _SLAB))
            missing = sum(int(slab.size - np.isfinite(slab).sum()) for slab in slabs)
            num = int(np.prod(image.shape))
        if not missing and in_memory(image):
            return None
        if missing > MOST_MISSING * num:
            raise InputError(
                f"image must be finite, got {missing} NaN or infinite voxels of {num}; replace or crop them"
            )
        return cls(float(1 - finite.mean()), float(np.median(data[finite])))

    def apply(self, image: ArrayLike) -> ArrayLike:
        """Return the image with its missing voxels filled, all at once if it is in memory."""
        repaired = RepairedImage(image, self.fallback)
        return repaired[whole_box(image.shape)] if isinstance(image, np.ndarray) else repaired

    def update(self, subsample: Subsample, image: ArrayLike) -> Subsample:
        """Return the subsample after this step: missing voxels do not count."""
        finite = np.isfinite(subsample.voxels)
        voxels = np.where(finite, subsample.voxels, subsample.voxels.dtype.type(self.fallback))
        known = finite if subsample.known is None else finite & subsample.known
        return replace(subsample, voxels=voxels, known=None if known.all() else known)

    def note(self, origin: Shape) -> str:
        """Return the remark for the user, empty if the subsample lacks no voxel."""
        share = f"{100 * self.share:.2g}%"
        return f"NaN or infinite voxels ({share}) are filled from their neighbours" if self.share else ""


@dataclass(frozen=True)
class RepairedImage(ImageView):
    """An image whose missing voxels are filled as it is read."""

    fallback: float

    def __getitem__(self, box: Any, /) -> np.ndarray:
        """Return the part of three slices; with gaps between its voxels, those missing are ``fallback``."""
        part = np.asarray(self.image[box])
        missing = ~np.isfinite(part)
        if not missing.any():
            return part
        parts = [slice(*each.indices(num)) for each, num in zip(box, self.shape, strict=True)]
        if any(each.step > 1 for each in parts):
            return np.where(missing, part.dtype.type(self.fallback), part)
        grown = around(parts, 1, self.shape)
        return repair(np.asarray(self.image[grown]), self.fallback)[within(parts, grown)]


def repair(image: np.ndarray, fallback: float) -> np.ndarray:
    """Return a copy whose missing voxels are the mean of those of their 26 neighbours that are not missing.

    Examples
    --------
    >>> image = np.arange(27.0).reshape(3, 3, 3)
    >>> image[1, 1, 1] = np.nan
    >>> float(repair(image, 0.0)[1, 1, 1])
    13.0
    """
    finite = np.isfinite(image)
    where = np.argwhere(~finite)
    total, count = np.zeros(len(where)), np.zeros(len(where))
    for offset in np.ndindex(3, 3, 3):
        beside = where + np.array(offset) - 1
        inside = ((beside >= 0) & (beside < image.shape)).all(1)
        places = tuple(beside[inside].T)
        good = finite[places]
        total[inside] += np.where(good, image[places], 0)
        count[inside] += good
    filled = image.copy()
    filled[~finite] = np.where(count > 0, total / np.maximum(count, 1), fallback)
    return filled
