"""Blank planes, such as dropped frames or lost sections, filled from the planes next to them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from anystar.preprocess.arrays import ArrayLike, ImageView, Shape
from anystar.preprocess.subsample import Subsample, take_subsample

__all__ = ["BlankPlanes", "FilledPlanes", "find_blank_planes"]

Run = tuple[int, int]
"""Planes from the first up to, not including, the second."""

_LONGEST = 5
"""Longest run of blank planes that is filled."""
_WINDOW = 64
"""Side of the central window that is read first, in voxels: a plane that varies there is not blank."""
SLAB, STRIP_BYTES = 64, 1 << 26
"""Planes that are checked together, and bytes that are read at once."""
_COMMON = 0.5
"""A run is left alone if at least this share of a plane next to it has the same value: it is background."""


@dataclass(frozen=True)
class BlankPlanes:
    """The preprocessing step that fills blank planes."""

    runs: tuple[Run, ...]
    """Half-open runs of planes along Z, at least one; none touches an end of the volume."""

    @classmethod
    def fit(cls, image: ArrayLike, subsample: Subsample) -> BlankPlanes | None:
        """Return the blank planes of an image, ``None`` if it has none."""
        runs = find_blank_planes(image, subsample)
        return cls(runs) if runs else None

    def apply(self, image: ArrayLike) -> FilledPlanes:
        """Return the image with its blank planes filled."""
        return FilledPlanes(image, self.runs)

    def update(self, subsample: Subsample, image: ArrayLike) -> Subsample:
        """Return the subsample of the image after this step."""
        return take_subsample(image, subsample.known)

    def note(self, origin: Shape) -> str:
        """Return the remark for the user."""
        runs = [(first + origin[0], stop + origin[0]) for first, stop in self.runs]
        parts = [f"{first}" if stop - first == 1 else f"{first}-{stop - 1}" for first, stop in runs[:10]]
        more = " ..." if len(self.runs) > len(parts) else ""
        num = sum(stop - first for first, stop in self.runs)
        what = "1 blank plane is" if num == 1 else f"{num} blank planes are"
        return f"{what} filled in from the planes beside (Z, from 0: {', '.join(parts)}{more})"


@dataclass(frozen=True)
class FilledPlanes(ImageView):
    """An image whose blank planes are interpolated linearly between the planes next to them."""

    runs: tuple[Run, ...]

    def __getitem__(self, box: Any, /) -> np.ndarray:
        """Return the part of three slices, of any positive step."""
        planes = np.arange(*box[0].indices(self.shape[0]))
        runs = [(a, b) for a, b in self.runs if ((planes >= a) & (planes < b)).any()]
        part = np.array(self.image[box]) if runs else np.asarray(self.image[box])
        for first, stop in runs:
            below, above = (np.asarray(self.image[(slice(z, z + 1), *box[1:])])[0] for z in (first - 1, stop))
            for place in np.flatnonzero((planes >= first) & (planes < stop)):
                share = float(planes[place] - first + 1) / (stop - first + 1)
                part[place] = _interpolate(below, above, share)
        return part


def find_blank_planes(image: ArrayLike, subsample: Subsample | None = None) -> tuple[Run, ...]:
    """Return the runs of blank planes between planes that are not blank.

    A plane is blank if all its voxels have one value. A run of more than five planes is left alone. So is
    background: a run whose value at least half of the voxels of a plane next to it have.

    Only the middle of each plane is read, unless the subsample of the image has a part of each; and then the
    planes that are constant there, with those next to them, unless most are.

    Examples
    --------
    >>> image = np.random.default_rng(0).random((8, 16, 16))
    >>> image[[0, 3, 4]] = 0
    >>> runs = find_blank_planes(image)
    >>> runs, np.allclose(FilledPlanes(image, runs)[2:6, :, :][1], image[2] * 2 / 3 + image[5] / 3)
    (((3, 5),), True)
    """
    num = image.shape[0]
    if subsample is not None and len(subsample.indices[0]) == num:
        part, whole = subsample.voxels, subsample.voxels.shape == subsample.shape
    else:
        part, whole = np.asarray(image[(slice(None), *map(_middle, image.shape[1:]))]), False
    planes = part.reshape(num, -1)
    blank = np.asarray(planes.min(1) == planes.max(1))
    if 2 * blank.sum() > num:
        return ()
    if not whole:
        _check_whole_planes(image, blank)
    live = np.flatnonzero(~blank).tolist()
    runs = [(a + 1, b) for a, b in pairwise(live) if 1 < b - a <= _LONGEST + 1]
    return tuple(run for run in runs if not _is_background(image, run))


def _check_whole_planes(image: ArrayLike, blank: np.ndarray) -> None:
    """Clear the entries of ``blank`` whose planes do not have one value throughout.

    Planes are read slab by slab, as files store several together, and strip by strip, until none is left.
    """
    _, num, width = image.shape
    row = width * np.dtype(image.dtype).itemsize
    for start in range(0, len(blank), SLAB):
        slab = blank[start : start + SLAB]  # a view, not a copy
        rows = max(1, STRIP_BYTES // (row * len(slab)))
        values = np.zeros(len(slab), image.dtype)
        for top in range(0, num, rows):
            if not slab.any():
                break
            planes = np.flatnonzero(slab)
            first, last = int(planes[0]), int(planes[-1])
            box = (slice(start + first, start + last + 1), slice(top, min(top + rows, num)), slice(0, width))
            part = np.asarray(image[box])[planes - first]
            if top == 0:
                values[planes] = part[:, 0, 0]
            slab[planes] = (part == values[planes, None, None]).all((1, 2))


def _is_background(image: ArrayLike, run: Run) -> bool:
    """Return whether a plane next to the run has its value in at least half of its voxels."""
    value = np.asarray(image[run[0] : run[0] + 1, :1, :1]).item()
    beside = (np.asarray(image[z : z + 1, :, :]) for z in (run[0] - 1, run[1]))
    return any(np.mean(plane == value) >= _COMMON for plane in beside)


def _middle(num: int) -> slice:
    start = max(0, (num - _WINDOW) // 2)
    return slice(start, start + _WINDOW)


def _interpolate(below: np.ndarray, above: np.ndarray, share: float) -> np.ndarray:
    """Interpolate between two planes, in their dtype."""
    mixed = (1 - share) * below.astype(np.float64) + share * above.astype(np.float64)
    if below.dtype.kind == "f":
        return mixed.astype(below.dtype)
    if below.dtype.kind in "iu" and below.dtype.itemsize == 8:  # whose largest value float64 cannot hold
        mixed = mixed.clip(None, np.nextafter(float(np.iinfo(below.dtype).max), 0))
    return np.rint(mixed).astype(below.dtype)
