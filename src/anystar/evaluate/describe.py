"""Properties of the objects of a label image: position, size, brightness."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from anystar.errors import InputError
from anystar.objects.labels import number_consecutively
from anystar.objects.objects import locate_objects

__all__ = ["ObjectProperties", "describe"]


@dataclass(frozen=True, kw_only=True, eq=False)
class ObjectProperties:
    """One row per object, ascending by label."""

    label: np.ndarray
    "(N,) int64."
    volume_vox: np.ndarray
    "(N,) int64, voxels."
    centroid: np.ndarray
    "(N, 3) float64, ZYX in voxels."
    start: np.ndarray
    "(N, 3) int64: first voxel of the box."
    stop: np.ndarray
    "(N, 3) int64: one past its last."
    intensity: np.ndarray | None
    "(N,) float64: mean of the image, where there is one."
    border: np.ndarray
    "(N,) bool: whether a voxel lies on the border of the volume."

    def __len__(self) -> int:
        return len(self.label)


def describe(labels: np.ndarray, image: np.ndarray | None = None) -> ObjectProperties:
    """Measure every object.

    Parameters
    ----------
    labels : (Z, Y, X) int array
        0 is background; labels may have gaps.
    image : (Z, Y, X) array, optional
        For the mean intensities.

    Examples
    --------
    >>> found = describe(np.array([[[0, 7, 7]]]), np.array([[[5.0, 1.0, 2.0]]]))
    >>> found.label.tolist(), found.centroid.tolist(), found.intensity.tolist()
    ([7], [[0.0, 0.0, 1.5]], [1.5])
    """
    if labels.ndim != 3:
        raise InputError(f"labels must have three axes (Z, Y, X), got shape {labels.shape}")
    if image is not None and image.shape != labels.shape:
        raise InputError(f"image and labels differ in shape: {image.shape} and {labels.shape}")
    numbers, label = number_consecutively(labels)
    found = locate_objects(numbers, len(label))
    start, stop = found.bbox[:, :3], found.bbox[:, 3:]
    sums = None if image is None else np.bincount(numbers.reshape(-1), image.reshape(-1), len(label) + 1)
    return ObjectProperties(
        label=label.astype(np.int64),
        volume_vox=found.volume_vox,
        centroid=found.centroid_vox,
        start=start,
        stop=stop,
        intensity=None if sums is None else sums[1:] / found.volume_vox,
        border=((start == 0) | (stop == labels.shape)).any(axis=1),
    )
