"""Names of axes in files as letters, and the letters that a user gives instead."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from anystar.errors import FileError
from anystar.io.calibration import Spacing
from anystar.io.source import Source

__all__ = ["axis_letter", "letters_of", "renamed", "unnamed_axes"]

_WORDS = {
    "Z": "z depth plane planes slice slices section sections",
    "Y": "y height row rows",
    "X": "x width column columns col cols",
    "C": "c ch channel channels band bands",
    "S": "s sample samples rgb rgba color colour",
    "T": "t time times frame frames timepoint timepoints",
}
_LETTERS = {word: letter for letter, words in _WORDS.items() for word in words.split()}


def axis_letter(name: object, kind: object = None) -> str:
    """Return the letter of an axis that a file calls ``name`` and, where it says so, is of a ``kind`` (NGFF).

    ``Q`` stands for one whose name says nothing.

    Examples
    --------
    >>> [axis_letter(name) for name in ("z", "Depth", "height", "channels", "dim_0", None)]
    ['Z', 'Z', 'Y', 'C', 'Q', 'Q']
    """
    if kind in ("channel", "time"):
        return "C" if kind == "channel" else "T"
    word = "" if name is None else str(name).strip().lower()
    return _LETTERS.get(word) or (word.upper() if len(word) == 1 and word.isalpha() else "Q")


def letters_of(names: Iterable[object]) -> str:
    """Return the letters of axes by their names, or nothing if none of the names says anything."""
    letters = "".join(axis_letter(name) for name in names)
    return letters if set(letters) - {"Q"} else ""


_UNNAMED = "QIEAMLHRPVBW"
"""Letters of axes without a name; unlike each other."""


def unnamed_axes(shape: tuple[int, ...]) -> str:
    """Return letters for the axes of an array that names none: Z, Y, X are the last three.

    Axes of length 1 beside three longer ones are no matter. The others need a name from the user.

    Examples
    --------
    >>> [unnamed_axes(shape) for shape in ((30, 64, 64), (1, 30, 64, 64, 1), (2, 30, 64, 64), (64, 64))]
    ['ZYX', 'QZYXI', 'QZYX', 'YX']
    """
    long = [i for i, n in enumerate(shape) if n != 1]
    if len(long) != 3:
        long = list(range(max(len(shape) - 3, 0), len(shape)))
    names = dict(zip(long, "ZYX"[3 - len(long) :], strict=True))
    others = iter(_UNNAMED)
    return "".join(names.get(i) or next(others, "Q") for i in range(len(shape)))


def renamed(source: Source, axes: str) -> Source:
    """Return an array whose axes are what the user says, slowest first.

    Raises
    ------
    FileError
        If the number of letters is not the number of axes.
    """
    letters = axes.strip().upper()
    count = sum(n != 1 for n in source.shape)
    if len(letters) == count != len(source.shape):  # axes of length 1 need no name
        given = iter(letters)
        letters = "".join(next(given) if n != 1 else _UNNAMED[i] for i, n in enumerate(source.shape))
    elif len(letters) != len(source.shape):
        lengths = " x ".join(str(n) for n in source.shape)
        raise FileError(
            f"has {len(source.shape)} axes, {source.axes} {lengths}, not {len(letters)}; "
            "give one letter each in axes=, Z Y X for space, C for channel, T for time"
        )
    if not {"Z", "Y", "X"} <= set(letters) or len(set(letters)) < len(letters):
        raise FileError(f"cannot have the axes {letters}; name each of Z, Y and X once in axes=")
    if letters == source.axes:
        return source
    moved = any(a in "ZYX" and b in "ZYX" and a != b for a, b in zip(source.axes, letters, strict=True))
    return replace(
        source,
        axes=letters,
        calibration=replace(
            source.calibration,
            spacing=_moved(source, letters),
            plane=None if moved else source.calibration.plane,
        ),
        header={} if moved or set(letters) != set(source.axes) else source.header,
    )


def _moved(source: Source, letters: str) -> Spacing | None:
    """Return the spacing with each length at the axis that it was stated for."""
    spacing = source.calibration.spacing
    if spacing is None:
        return None
    stated = dict(zip("ZYX", spacing, strict=True))
    now = {new: stated.pop(old) for old, new in zip(source.axes, letters, strict=True) if old in stated}
    # An axis that was called time or channel has the distance that the file states along Z
    z, y, x = (now[a] if a in now else stated.get(a, 0.0) for a in "ZYX")
    return (z, y, x) if z and y and x else None
