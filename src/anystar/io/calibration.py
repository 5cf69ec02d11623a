"""Whether the voxel size that a file states is one, the same way for every format.

Programs write a size also where none is known: 1 for every axis, or the print resolution of a page. What is
believed is a size with a unit, or one that is not 1 throughout.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from anystar.arrays import LARGEST_EDGE, LENGTH_UNITS, SMALLEST_EDGE, LengthUnit
from anystar.io.units import micrometres_per

__all__ = ["Calibration", "Spacing", "Unit", "calibrate", "length_unit_of", "number_of", "unknown_size"]

Unit = Literal["um", "relative"]
Spacing = tuple[float, float, float]

_DOTS_PER_INCH = (72, 96, 100, 120, 144, 150, 200, 240, 300, 360, 400, 600, 720, 1200, 2400)
_PAGE_UNITS = ("in", "inch", "inches", "cm", "centimeter", "centimetre")
"""In which a resolution is counted; programs confuse them, so usual numbers mean nothing in either."""
_PRINT_TOLERANCE = 2e-3
"""Relative. Programs round: 28.35 dots per centimetre stand for 72 per inch."""
_STRETCHED = 20
"""Ratio of the distance between planes and the width of a voxel from which on they do not belong together."""


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """What a file's statements about the size of its voxels amount to."""

    spacing: Spacing | None = None
    """Along Z, Y, X; None if it is not known."""
    unit: Unit = "um"
    """Unit of the spacing: micrometres, or none that is a length."""
    length_unit: LengthUnit = "um"
    """Unit that the file measures in, in which lengths are reported, if it is the same along all axes; else
    micrometres."""
    plane: tuple[float, float] | None = None
    """Micrometres along Y, X where only the distance between planes is not known."""
    fault: str = ""
    """What is impossible about the statements, if anything."""
    notes: tuple[str, ...] = ()
    """What was assumed or set aside, a line each."""

    def noted(self, *notes: str) -> Calibration:
        """Return the same with more notes."""
        return replace(self, notes=(*self.notes, *notes))

    def scaled(self, factors: Sequence[float]) -> Calibration:
        """Return the size of voxels that are longer along Z, Y, X by factors: those of a coarser level."""
        z, y, x = factors
        spacing, plane = self.spacing, self.plane
        return replace(
            self,
            spacing=spacing and (spacing[0] * z, spacing[1] * y, spacing[2] * x),
            plane=plane and (plane[0] * y, plane[1] * x),
        )


def unknown_size(why: str) -> str:
    """Return the note about a voxel size that is not known, which begins with the reason."""
    return f"{why}, so its voxel size is not known; if it is, give spacing=(Z, Y, X)"


def number_of(text: object) -> float | None:
    """Return a field of a file as a number, or None if it is none.

    >>> number_of("0.5"), number_of("0,5"), number_of(None)
    (0.5, None, None)
    """
    try:
        return float(text)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None


def length_unit_of(names: Sequence[str]) -> LengthUnit:
    """Return the unit in which lengths are reported, given those that a file names along its axes.

    >>> length_unit_of(["millimeter"] * 3), length_unit_of(["nm", "nm", "um"]), length_unit_of(["inch"])
    ('mm', 'um', 'um')
    """
    factors = {micrometres_per(name) for name in names if name}
    found = (unit for unit, factor in LENGTH_UNITS.items() if factors and factors == {factor})
    return next(found, "um")


def calibrate(
    sizes: Sequence[float | None],
    units: Sequence[str | None],
    *,
    implied: bool = False,
    placed: bool = False,
) -> Calibration:
    """Judge what a file states about the size of a voxel.

    Parameters
    ----------
    sizes : 3 floats or None
        Along Z, Y, X, each in its unit; None where nothing is stated.
    units : 3 strings or None
        Of the sizes; None or empty where none is stated.
    implied : bool
        Whether the distance between planes is not stated: it is 1 because the format says so.
    placed : bool
        Whether the file gives the volume a place in the world, so that a size of 1 is a statement too.

    Examples
    --------
    >>> calibrate((2, 500, 500), ("um", "nm", "nm")).spacing
    (2.0, 0.5, 0.5)
    >>> calibrate((1, 1, 1), ("", "", "")).spacing is None
    True
    >>> calibrate((None, 0.5, 0.5), ("", "um", "um")).plane
    (0.5, 0.5)
    """
    stated = [s for s in sizes if s is not None]
    if not stated:
        return Calibration()
    if not all(math.isfinite(s) and s > 0 for s in stated) or max(stated) > LARGEST_EDGE:
        return Calibration(fault=f"states a voxel of {_text(sizes)} along Z, Y, X")
    names = [(u or "").strip() for u in units]
    factors = [micrometres_per(u) for u in names]
    if not any(factors):
        return _without_unit(sizes, names, placed)
    lengths = [s * f if s is not None and f else None for s, f in zip(sizes, factors, strict=True)]
    if dots := _print_resolution(lengths, names[2], implied):
        return _printed(dots)
    found = replace(_with_unit(sizes, names, lengths), length_unit=length_unit_of(names))
    if implied and found.spacing:
        return found.noted(f"the file states no distance between planes, which stands for 1 {names[0]}")
    return found


def _without_unit(sizes: Sequence[float | None], names: list[str], placed: bool) -> Calibration:
    """Return relative sizes, unless they are no more than placeholders."""
    z, y, x = sizes
    if z is None or y is None or x is None:
        return Calibration()
    stated = (z, y, x)
    if all(math.isclose(s, 1, rel_tol=1e-6) for s in stated) and not placed:
        return Calibration(
            notes=(
                "the file states a voxel of 1 x 1 x 1 without a unit, which stands for a size that is not "
                "known; if it is, give spacing=(Z, Y, X)",
            )
        )
    if len({n.lower() for n in names}) > 1:
        kinds = ", ".join(f"{axis} {name or 'none'}" for axis, name in zip("ZYX", names, strict=True))
        return Calibration(notes=(f"the units of the voxel size differ ({kinds}), so it is not known",))
    if z == 1 and y == x and (dots := _usual(1 / x)):  # the resolution of a page beside a placeholder
        return _printed(f"{dots:g} dots per inch")
    return Calibration(spacing=(float(z), float(y), float(x)), unit="relative")


def _with_unit(sizes: Sequence[float | None], names: list[str], lengths: list[float | None]) -> Calibration:
    """Return micrometres; an axis whose unit alone is missing is measured as the others, unless it is 1."""
    notes: list[str] = []
    known = next(n for n, length in zip(names, lengths, strict=True) if length or micrometres_per(n))
    factor = micrometres_per(known) or 1.0
    for i, (axis, size) in enumerate(zip("ZYX", sizes, strict=True)):
        if size is not None and lengths[i] is None and not names[i] and size != 1:
            lengths[i] = size * factor
            notes.append(f"the file states no unit of the voxel size along {axis}; it is taken as {known}")
    z, y, x = lengths
    if not all(SMALLEST_EDGE <= length <= LARGEST_EDGE for length in lengths if length is not None):
        return Calibration(fault=f"states a voxel of {_text(sizes)} along Z, Y, X")  # beyond any number
    if y is None or x is None:
        return Calibration(notes=("the file does not state the voxel size along Y and X",))
    if z is None:
        notes.append(
            "the file states the voxel size along Y and X but no distance between planes; "
            "if it is known, give spacing=(Z, Y, X)"
        )
        return Calibration(plane=(y, x), notes=tuple(notes))
    return Calibration(spacing=(z, y, x), notes=tuple(notes))


def _print_resolution(lengths: list[float | None], unit: str, implied: bool) -> str:
    """Return the usual print resolution that Y and X are, if no distance between planes goes with it."""
    z, y, x = lengths
    if y is None or x is None or abs(y - x) > _PRINT_TOLERANCE * x:
        return ""
    if not (z is None or implied or max(z / x, x / z) > _STRETCHED):
        return ""
    if dots := _usual(25_400 / x):
        return f"{dots:g} dots per inch"
    dots = _usual(10_000 / x) if unit.lower() in _PAGE_UNITS else None
    return f"{dots:g} dots per centimetre" if dots else ""


def _usual(dots: float) -> float | None:
    """Return the usual number of dots that a resolution is, if it is one."""
    return next((d for d in _DOTS_PER_INCH if abs(dots - d) <= _PRINT_TOLERANCE * d), None)


def _printed(dots: str) -> Calibration:
    return Calibration(notes=(unknown_size(f"the file states {dots}, the resolution of a printed page"),))


def _text(sizes: Sequence[float | None]) -> str:
    return " x ".join("?" if s is None else f"{s:g}" for s in sizes)
