"""What a format's module gives: an array of a file with named axes, read piece by piece."""

from __future__ import annotations

import itertools
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


def stacked(
    source: Source, axes: str, shape: tuple[int, ...], fetch: Callable[[tuple[int, ...], Index], np.ndarray]
) -> Source:
    """Return equal arrays, of which ``source`` is one, as one array with the axes of ``shape`` in front.

    ``fetch`` takes a place along the new axes and reads a part of the array there.
    """

    def fetch_all(index: Index) -> np.ndarray:
        outer, rest = index[: len(axes)], index[len(axes) :]
        ranges = [[i] if isinstance(i, int) else range(i.start, i.stop) for i in outer]
        parts = [fetch(place, rest) for place in itertools.product(*ranges)]
        kept = [len(r) for i, r in zip(outer, ranges, strict=True) if not isinstance(i, int)]
        if not parts:
            inside = [len(range(i.start, i.stop)) for i in rest if not isinstance(i, int)]
            return np.empty((*kept, *inside), source.dtype)
        data = parts[0] if len(parts) == 1 else np.stack(parts)
        return data.reshape(*kept, *parts[0].shape)

    return replace(
        source,
        axes=axes + source.axes,
        shape=(*shape, *source.shape),
        fetch=fetch_all,
        chunks=(*[1] * len(axes), *(source.chunks or source.shape)),
    )
