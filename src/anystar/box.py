"""A part of a volume, given in voxels or in a unit of length."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from anystar.errors import InputError

__all__ = ["Box", "triple"]

T = TypeVar("T")
Triple = tuple[int, int, int]

_UNITS = {"nm": 1e-3, "um": 1.0, "µm": 1.0, "μm": 1.0, "mm": 1e3}
"""Micrometres per unit."""
_VOXELS = ("px", "vox", "voxel", "voxels")
_BOUND = re.compile(r"\s*(?:(?P<number>\d+(?:\.\d*)?|\.\d+)\s*(?P<unit>[^\W\d]*))?\s*")
_ROUNDING = 1e-6
"""Voxels by which a length may miss a voxel's centre."""
_FORM = "Z0:Z1,Y0:Y1,X0:X1, in voxels or with a unit such as um"


def triple(values: Iterable[T]) -> tuple[T, T, T]:
    """Return three values, one per axis, as a tuple."""
    z, y, x = values
    return z, y, x


@dataclass(frozen=True, kw_only=True)
class Box:
    """Voxels ``start`` up to, not including, ``stop`` along Z, Y, X.

    Examples
    --------
    >>> box = Box.of("2:6,10:,:", (8, 32, 32))
    >>> box.start, box.shape, str(box)
    ((2, 10, 0), (4, 22, 32), 'Z 2:6, Y 10:32, X 0:32')
    >>> Box.of("4:8um,0:10,:", (8, 32, 32), spacing=(2.0, 0.5, 0.5)).stop
    (4, 20, 32)
    """

    start: Triple
    stop: Triple

    def __post_init__(self) -> None:
        if not all(0 <= a < b for a, b in zip(self.start, self.stop, strict=True)):
            raise InputError(f"box must not be empty, got {self}; give other ends")

    @classmethod
    def of(
        cls,
        given: Box | str | Sequence[slice],
        shape: Sequence[int],
        *,
        spacing: Sequence[float] | None = None,
    ) -> Box:
        """Return the box that is given as text, as slices or as a box, in a volume.

        Parameters
        ----------
        given : Box, str or 3 slices
            Text is ``Z0:Z1,Y0:Y1,X0:X1``; an end that is left out is that of the volume. A unit (nm, um, mm)
            counts for all numbers that have none of their own; ``px`` stands for voxels. Lengths are measured
            from the centre of the first voxel, as in the table of objects. Slices follow NumPy's rules.
        shape : 3 ints
            Voxels of the volume.
        spacing : 3 floats, optional
            Micrometres per voxel, for a box with a unit.

        Raises
        ------
        InputError
            If the text is none of a box, the box is empty, or it ends outside of the volume.
        """
        if isinstance(given, str):
            ends = _parse(given, spacing)
        elif isinstance(given, Box):
            ends = list(zip(given.start, given.stop, strict=True))
        else:
            ends = [_ends(part, num) for part, num in zip(given, shape, strict=True)]
        whole = [(a or 0, num if b is None else b) for (a, b), num in zip(ends, shape, strict=True)]
        for axis, (first, stop), num in zip("ZYX", whole, shape, strict=True):
            if not 0 <= first < stop:
                raise InputError(f"box is empty along {axis}, {first}:{stop}; give other ends")
            if stop > num:
                raise InputError(
                    f"box ends at voxel {stop} along {axis}, where the image has {num}; "
                    "leave that end out to reach the border"
                )
        (z0, z1), (y0, y1), (x0, x1) = whole
        return cls(start=(z0, y0, x0), stop=(z1, y1, x1))

    @property
    def shape(self) -> Triple:
        """Number of voxels along Z, Y, X."""
        return triple(b - a for a, b in zip(self.start, self.stop, strict=True))

    @property
    def slices(self) -> tuple[slice, slice, slice]:
        """The box as an index of an array."""
        return triple(slice(a, b) for a, b in zip(self.start, self.stop, strict=True))

    def grown(self, halo: Sequence[int], shape: Sequence[int]) -> Box:
        """Return the box with ``halo`` more voxels on each side, within a volume of ``shape``."""
        start = triple(max(0, a - more) for a, more in zip(self.start, halo, strict=True))
        stop = triple(min(n, b + more) for b, more, n in zip(self.stop, halo, shape, strict=True))
        return Box(start=start, stop=stop)

    def relative_to(self, outer: Box) -> Box:
        """Return the box in voxels of a box that contains it."""
        start, stop = (
            triple(e - s for e, s in zip(ends, outer.start, strict=True)) for ends in (self.start, self.stop)
        )
        return Box(start=start, stop=stop)

    def embed(self, data: np.ndarray, shape: Sequence[int]) -> np.ndarray:
        """Return an array of ``shape`` that has ``data`` in the box and 0 elsewhere.

        Parameters
        ----------
        data : numpy.ndarray
            ``(Z, Y, X)``, of the shape of the box.
        shape : 3 ints
            Voxels of the volume.
        """
        whole = np.zeros(tuple(shape), data.dtype)
        whole[self.slices] = data
        return whole

    def __str__(self) -> str:
        ends = zip("ZYX", self.start, self.stop, strict=True)
        return ", ".join(f"{axis} {first}:{stop}" for axis, first, stop in ends)


def _ends(part: slice, num: int) -> tuple[int, int]:
    first, stop, step = part.indices(num)
    if step != 1:
        raise InputError(f"box must consist of slices of step 1, got {part}; leave the step out")
    return first, stop


def _parse(text: str, spacing: Sequence[float] | None) -> list[tuple[int | None, int | None]]:
    """Return first voxel and end along each axis; None for an end that is left out."""
    axes = [axis.split(":") for axis in text.split(",")]
    bounds = [[_BOUND.fullmatch(bound) for bound in axis] for axis in axes]
    if len(axes) != 3 or any(len(axis) != 2 for axis in axes) or any(None in axis for axis in bounds):
        raise InputError(f"box must be {_FORM}, got {text!r}; an end that is left out is the border")
    found = [[(m["number"], (m["unit"] or "").lower()) for m in axis if m] for axis in bounds]
    units = {unit for axis in found for _, unit in axis if unit}
    for unit in units:
        if unit not in _UNITS and unit not in _VOXELS:
            raise InputError(f"box has the unknown unit '{unit}'; use nm, um or mm, or voxels without a unit")
    bare = any(number and float(number) and not unit for axis in found for number, unit in axis)
    if bare and len(units) > 1:
        raise InputError(f"box must name the unit of every number if they differ, got {text!r}")
    common = next(iter(units), "")
    if units & set(_UNITS) and spacing is None:
        raise InputError("box must be in voxels, as no voxel size is known; or give spacing=(Z, Y, X)")
    ends = []
    for i, axis in enumerate(found):
        first, stop = (_voxel(number, unit or common, spacing, i) for number, unit in axis)
        ends.append((first, stop))
    return ends


def _voxel(number: str | None, unit: str, spacing: Sequence[float] | None, axis: int) -> int | None:
    """Return the first voxel whose centre is at a position or behind it."""
    if number is None:
        return None
    if unit in _UNITS and spacing is not None:
        return math.ceil(float(number) * _UNITS[unit] / spacing[axis] - _ROUNDING)
    if not number.isdecimal():
        raise InputError(f"box must have whole numbers of voxels, got {number}; or add a unit, {number}um")
    return int(number)
