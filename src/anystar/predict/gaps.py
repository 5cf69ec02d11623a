"""Blank planes, such as dropped frames or lost sections, filled in from the planes beside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from anystar.predict.sample import Sample

if TYPE_CHECKING:
    from anystar.predict.view import ArrayLike

__all__ = ["Gap", "Mended", "filled_in", "find_gaps", "mend"]

Gap = tuple[int, int]
"""Blank planes from the first up to, not including, the second; neither is the volume's end."""

_LONGEST = 5
"""Planes of a gap that are still filled in."""
_WINDOW = 64
"""Voxels along Y and X, in the middle, that tell of most planes that they are not blank."""
_SLAB, _STRIP_BYTES = 64, 1 << 26
"""Planes that are looked at together, and of how many bytes at once."""
_COMMON = 0.5
"""Share of the planes beside a gap from which its value is their background: they are no less blank."""


@dataclass(frozen=True)
class Mended:
    """An image whose gaps are filled in linearly, between the planes beside them; without any, as it is."""

    image: ArrayLike
    gaps: tuple[Gap, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """(Z, Y, X)."""
        return self.image.shape

    @property
    def dtype(self) -> Any:
        """That of the image."""
        return self.image.dtype

    def __getitem__(self, box: Any, /) -> np.ndarray:
        """Return the part of three slices, of any positive step."""
        planes = np.arange(*box[0].indices(self.shape[0]))
        gaps = [(a, b) for a, b in self.gaps if ((planes >= a) & (planes < b)).any()]
        part = np.array(self.image[box]) if gaps else np.asarray(self.image[box])
        for first, stop in gaps:
            below, above = (np.asarray(self.image[(slice(z, z + 1), *box[1:])])[0] for z in (first - 1, stop))
            for place in np.flatnonzero((planes >= first) & (planes < stop)):
                share = float(planes[place] - first + 1) / (stop - first + 1)
                part[place] = _between(below, above, share)
        return part


def mend(image: np.ndarray, gaps: tuple[Gap, ...]) -> np.ndarray:
    """Return an image with its gaps filled in; without any, the image itself."""
    return Mended(image, gaps)[(slice(None),) * 3] if gaps else image


def find_gaps(image: ArrayLike, sample: Sample | None = None) -> tuple[Gap, ...]:
    """Return the runs of blank planes between planes that are not.

    A plane is blank if all of it has one value. Runs of more than five planes are left alone, and those whose
    value at least half of the voxels of a plane beside them have: background that was cut off looks so.

    Parameters
    ----------
    image : array, shape ``(Z, Y, X)``
        What is read of it: the middle of each plane, unless ``sample`` has a part of each; and all of the
        planes that are constant there, with those beside them, unless most are.
    sample : Sample, optional
        Of the image.

    Examples
    --------
    >>> image = np.random.default_rng(0).random((8, 16, 16))
    >>> image[[0, 3, 4]] = 0
    >>> gaps = find_gaps(image)
    >>> gaps, np.allclose(Mended(image, gaps)[2:6, :, :][1], image[2] * 2 / 3 + image[5] / 3)
    (((3, 5),), True)
    """
    num = image.shape[0]
    if sample is not None and len(sample.rows[0]) == num:
        seen, whole = sample.voxels, sample.voxels.shape == tuple(image.shape)
    else:
        seen, whole = np.asarray(image[(slice(None), *map(_middle, image.shape[1:]))]), False
    blank = _constant(seen)
    if 2 * blank.sum() > num:
        return ()
    if not whole:
        _look_closer(image, blank)
    live = np.flatnonzero(~blank).tolist()
    gaps = [(a + 1, b) for a, b in pairwise(live) if 1 < b - a <= _LONGEST + 1]
    return tuple(gap for gap in gaps if not _natural(image, gap))


def _look_closer(image: ArrayLike, blank: np.ndarray) -> None:
    """Take back which planes are blank where not all of them has one value.

    Slab by slab, as files store several planes together, and strip by strip, until none of a slab is left.
    """
    _, num, width = image.shape
    row = width * np.dtype(image.dtype).itemsize
    for start in range(0, len(blank), _SLAB):
        slab = blank[start : start + _SLAB]  # a view
        rows = max(1, _STRIP_BYTES // (row * len(slab)))
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


def filled_in(gaps: Sequence[Gap]) -> tuple[str, ...]:
    """Return what to say of gaps, a line or none."""
    if not gaps:
        return ()
    names = [f"{first}" if stop - first == 1 else f"{first}-{stop - 1}" for first, stop in gaps[:10]]
    more = " ..." if len(gaps) > len(names) else ""
    num = sum(stop - first for first, stop in gaps)
    what = "1 blank plane is" if num == 1 else f"{num} blank planes are"
    return (f"{what} filled in from the planes beside (Z, from 0: {', '.join(names)}{more})",)


def _natural(image: ArrayLike, gap: Gap) -> bool:
    value = np.asarray(image[gap[0] : gap[0] + 1, :1, :1]).item()
    return any(np.mean(_plane(image, z) == value) >= _COMMON for z in (gap[0] - 1, gap[1]))


def _middle(num: int) -> slice:
    start = max(0, (num - _WINDOW) // 2)
    return slice(start, start + _WINDOW)


def _plane(image: ArrayLike, z: int) -> np.ndarray:
    return np.asarray(image[z : z + 1, :, :])[0]


def _constant(planes: np.ndarray) -> np.ndarray:
    """Return of which planes all voxels have one value."""
    rows = planes.reshape(len(planes), -1)
    return np.asarray(rows.min(1) == rows.max(1))


def _between(below: np.ndarray, above: np.ndarray, share: float) -> np.ndarray:
    """Return what lies between two planes, in their type."""
    mixed = (1 - share) * below.astype(np.float64) + share * above.astype(np.float64)
    if below.dtype.kind == "f":
        return mixed.astype(below.dtype)
    if below.dtype.kind in "iu" and below.dtype.itemsize == 8:  # whose largest number no float64 is
        mixed = mixed.clip(None, np.nextafter(float(np.iinfo(below.dtype).max), 0))
    return np.rint(mixed).astype(below.dtype)
