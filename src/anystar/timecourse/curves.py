"""Mean intensity of regions, its change relative to a baseline, and smoothing along time.

After section 4.1 and Figure 4D of Dey et al. 2023: the curve of each region beside that of the whole organ,
both relative and smoothed by a Gaussian of three frames. The paper takes the intensity at a region's
centroid; the mean over the region, taken here, is less noisy.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from anystar.arrays import mask_voxels
from anystar.errors import InputError
from anystar.timecourse.drift import Drift

__all__ = ["ORGAN", "Regions", "Timecourse", "make_regions", "relative_change", "smooth"]

ORGAN = 0
"""Column of the whole organ; the regions follow."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Regions:
    """Which voxels to average: the organ and the instances in it."""

    shape: tuple[int, int, int]
    "Of the frames (Z, Y, X)."
    label: np.ndarray
    "(N,) int64: labels of the instances, ascending."
    voxels: np.ndarray
    "(N + 1,) int64: voxels of the organ, then of each instance, inside the mask."
    outside: np.ndarray
    "(M,) int64: labels of instances without a voxel inside the mask; they have no curve."
    index: np.ndarray
    "(K,) int64: flat positions of the voxels to read."
    group: np.ndarray
    "(K,) int64: 0 for organ only, else 1 + the position of the instance."

    def means(self, frame: np.ndarray) -> np.ndarray:
        """Return the mean of the organ and of each instance in one frame.

        Parameters
        ----------
        frame : (Z, Y, X) array
            Any real type; sums are made in float64.

        Returns
        -------
        (N + 1,) float64 array
            NaN for a region with a voxel that is NaN or infinite: leaving that voxel out would change what
            the curve is a mean of.
        """
        if frame.shape != self.shape:
            raise InputError(f"frame must have the shape {self.shape}, got {frame.shape}")
        values = frame.reshape(-1)[self.index].astype(np.float64)
        values[~np.isfinite(values)] = np.nan
        sums = np.bincount(self.group, values, minlength=len(self.label) + 1)
        sums[ORGAN] = values.sum()
        return sums / self.voxels


def make_regions(labels: np.ndarray, mask: np.ndarray | None = None) -> Regions:
    """Return the regions of a label image, restricted to a mask.

    Parameters
    ----------
    labels : (Z, Y, X) int array
        0 is background.
    mask : (Z, Y, X) array, optional
        The organ is where it is not 0. Without it the organ is all instances together.

    Raises
    ------
    ValueError
        If the shapes differ, or nothing is left.

    Examples
    --------
    >>> labels = np.array([[[0, 0, 4, 4, 9]]])
    >>> regions = make_regions(labels, mask=np.array([[[0, 1, 1, 1, 0]]]))
    >>> regions.label.tolist(), regions.voxels.tolist(), regions.outside.tolist()
    ([4], [3, 2], [9])
    >>> regions.means(np.array([[[8.0, 1.0, 2.0, 3.0, 8.0]]])).tolist()
    [2.0, 2.5]
    """
    if labels.ndim != 3:
        raise InputError(f"labels must have three axes (Z, Y, X), got shape {labels.shape}")
    if mask is not None and mask.shape != labels.shape:
        raise InputError(f"labels and mask differ in shape: {labels.shape} and {mask.shape}")
    organ = (labels > 0 if mask is None else mask_voxels(mask)).reshape(-1)
    index = np.flatnonzero(organ)
    if len(index) == 0:
        raise InputError(
            f"the {'labels' if mask is None else 'mask'} must hold an object, got only background"
        )
    every = np.unique(labels[labels > 0]).astype(np.int64)
    inside, group = np.unique(labels.reshape(-1)[index], return_inverse=True)
    if inside[0] > 0:  # no voxel is organ only
        inside, group = np.concatenate([[0], inside]), group + 1
    voxels = np.bincount(group, minlength=len(inside))
    voxels[ORGAN] = len(index)
    z, y, x = labels.shape
    return Regions(
        shape=(z, y, x),
        label=inside[1:].astype(np.int64),
        voxels=voxels,
        outside=np.setdiff1d(every, inside),
        index=index,
        group=group,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Timecourse:
    """Curves of T frames and N instances; column 0 is the organ. Missing values are NaN."""

    label: np.ndarray
    "(N,) labels of the instances: columns 1 to N."
    voxels: np.ndarray
    "(N + 1,) voxels behind each column."
    frame: np.ndarray
    "(T,) int64: number of each frame, from 0; those that are missing are there too."
    state: np.ndarray
    "(T,) str: ``ok``, ``missing``, ``constant`` (every voxel the same) or ``not finite`` (NaN or infinite)."
    mean: np.ndarray
    "(T, N + 1) float64: mean intensity."
    change: np.ndarray
    "(T, N + 1): mean / baseline - 1."
    smoothed: np.ndarray
    "(T, N + 1): the change, smoothed along time."
    baseline: tuple[int, int]
    "First and last frame of the baseline."
    drift: tuple[Drift | None, ...]
    "Against the frame that the labels belong to; None for missing frames."


def relative_change(mean: np.ndarray, baseline: tuple[int, int]) -> np.ndarray:
    """Return ``mean / b - 1``, b the mean over the baseline's frames that have a value.

    Parameters
    ----------
    mean : (T, N) float array
        NaN is missing.
    baseline : two ints
        First and last frame, both included.

    Returns
    -------
    (T, N) float64 array
        NaN in all frames for a region without a positive baseline: no change can be computed relative to it.

    Examples
    --------
    >>> relative_change(np.array([[2.0], [4.0], [6.0]]), (0, 1)).ravel().round(3).tolist()
    [-0.333, 0.333, 1.0]
    """
    first, last = baseline
    if not 0 <= first <= last < len(mean):
        raise InputError(f"baseline must be two frames within 0 to {len(mean) - 1}, got {first} and {last}")
    part = mean[first : last + 1]
    there = np.isfinite(part)
    count = there.sum(axis=0)
    level = np.where(there, part, 0).sum(axis=0) / np.maximum(count, 1)
    usable = (count > 0) & (level > 0)
    return mean / np.where(usable, level, np.nan) - 1


def smooth(values: np.ndarray, sigma: float) -> np.ndarray:
    """Return curves smoothed by a Gaussian along time, cut off at four sigma.

    Only frames with a value count, with weights that add up to one, so that gaps and both ends need no
    invented frames; where a value is missing, it stays missing.

    Parameters
    ----------
    values : (T, N) float array
        NaN is missing.
    sigma : float
        In frames; 0 returns the curves as they are.

    Examples
    --------
    >>> smooth(np.array([[1.0], [np.nan], [1.0], [1.0]]), 3).ravel().round(9).tolist()
    [1.0, nan, 1.0, 1.0]
    """
    if not (np.isfinite(sigma) and sigma >= 0):
        raise InputError(f"sigma must be at least 0 frames, got {sigma}")
    if sigma == 0:
        return values.copy()
    there = np.isfinite(values)
    weight = gaussian_filter1d(there.astype(np.float64), sigma, axis=0, mode="constant")
    total = gaussian_filter1d(np.where(there, values, 0.0), sigma, axis=0, mode="constant")
    return np.where(there, total / np.where(there, weight, 1.0), np.nan)
