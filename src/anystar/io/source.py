"""What a format's module gives: an array of a file with named axes, read piece by piece."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

__all__ = ["Index", "Source", "Spacing", "Unit"]

Index = tuple[int | slice, ...]
Unit = Literal["um", "relative"]
Spacing = tuple[float, float, float]


def _nothing() -> None:
    """Close what needs no closing."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Source:
    """An array as it lies in a file: any number of axes in any order."""

    axes: str
    """One letter an axis: ``Z Y X``, ``C`` channel, ``S`` colour sample, ``T`` time, ``I Q`` unnamed."""
    shape: tuple[int, ...]
    """Length of every axis."""
    dtype: np.dtype
    """Type of what ``fetch`` gives."""
    fetch: Callable[[Index], np.ndarray]
    """Read a part: an int (the axis goes) or a slice of step 1 within bounds for every axis."""
    spacing: Spacing | None = None
    """Size of a voxel along Z, Y, X."""
    unit: Unit = "um"
    """Unit of the spacing: micrometres, or none that is a length."""
    fault: str = ""
    """What is wrong with the spacing in the file, if anything."""
    header: dict[str, Any] = field(default_factory=dict)
    """What :class:`anystar.arrays.Volume` carries along."""
    channel_names: tuple[str, ...] = ()
    """Names of the channels, empty for one without; nothing if none has a name."""
    chunks: tuple[int, ...] | None = None
    """What is stored together, if anything smaller than the whole."""
    num_levels: int = 1
    """Number of levels of the pyramid, finest first."""
    remarks: Callable[[], tuple[str, ...]] = tuple
    """What the user should know, a line each; may have to look through the file."""
    close: Callable[[], None] = _nothing
    """Give the file back."""
