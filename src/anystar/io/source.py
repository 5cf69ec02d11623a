"""What a format's module gives: an array of a file with named axes, read piece by piece."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from anystar.io.calibration import Calibration

__all__ = ["Index", "Source", "stacked"]

Index = tuple[int | slice, ...]


def _nothing() -> None:
    """Close what needs no closing."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Source:
    """An array as it lies in a file: any number of axes in any order."""

    axes: str
    """One letter per axis: ``Z Y X``, ``C`` channel, ``S`` colour sample, ``T`` time, ``I Q`` unnamed."""
    shape: tuple[int, ...]
    """Length of every axis."""
    dtype: np.dtype
    """Type of what ``fetch`` gives."""
    fetch: Callable[[Index], np.ndarray]
    """Read a part: an int (the axis goes) or a slice of step 1 within bounds for every axis."""
    calibration: Calibration = Calibration()
    """Size of a voxel; its notes are left out where ``spacing`` is given."""
    header: dict[str, Any] = field(default_factory=dict)
    """What :class:`anystar.arrays.Volume` carries along."""
    channel_names: tuple[str, ...] = ()
    """Names of the channels, empty for one without; nothing if none has a name."""
    chunks: tuple[int, ...] | None = None
    """What is stored together, if anything smaller than the whole."""
    num_levels: int = 1
    """Number of levels of the pyramid, finest first."""
    notes: tuple[str, ...] = ()
    """What else was assumed, a line each."""
    remarks: Callable[[], tuple[str, ...]] = tuple
    """What the user should know besides; may have to look through the file."""
    close: Callable[[], None] = _nothing
    """Give the file back."""


def stacked(source: Source, axis: str, count: int, fetch: Callable[[int, Index], np.ndarray]) -> Source:
    """Return equal arrays as one with an axis in front.

    Parameters
    ----------
    source : Source
        The first of them.
    axis : str
        Letter of the new axis.
    count : int
        How many arrays there are.
    fetch : callable
        Reads a part of the array of a number.
    """

    def fetch_all(index: Index) -> np.ndarray:
        first, rest = index[0], index[1:]
        if isinstance(first, int):
            return fetch(first, rest)
        parts = [fetch(n, rest) for n in range(*first.indices(count))]
        if not parts:
            shape = [
                len(range(*i.indices(n)))
                for i, n in zip(rest, source.shape, strict=True)
                if not isinstance(i, int)
            ]
            return np.empty((0, *shape), source.dtype)
        return np.stack(parts)

    return replace(
        source,
        axes=axis + source.axes,
        shape=(count, *source.shape),
        fetch=fetch_all,
        chunks=(1, *(source.chunks or source.shape)),
    )
