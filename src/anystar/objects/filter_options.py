"""Which objects to keep, as one value: for the command line, for Python and for a plugin."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Literal

import numpy as np

from anystar.errors import InputError
from anystar.objects import filters
from anystar.objects.table import Column, Table, empty_table, in_micrometres

__all__ = ["FilterOptions"]


@dataclass(frozen=True, kw_only=True)
class FilterOptions:
    """Conditions that an object must meet; by default all objects are kept.

    Examples
    --------
    >>> table = Table(columns={"label": np.array([1, 2]), "volume_vox": np.array([30, 9])})
    >>> FilterOptions(min_volume=10).kept(table)
    array([ True, False])
    """

    min_volume: float | None = None
    """Smallest volume, in cubic micrometres (in voxels if no voxel size is known)."""
    max_volume: float | None = None
    """Largest volume, in the same unit."""
    min_sphericity: float | None = None
    """Smallest sphericity, 0 to 1; 1 is a ball."""
    polarity: Literal["bright", "dark"] | None = None
    """Whether objects must be brighter or darker than the voxels around them."""
    min_contrast: float | None = None
    """Smallest contrast to the voxels around, in standard deviations, of either sign."""
    drop_border: bool = False
    """Whether objects that touch the border of the image are dropped."""
    mask_overlap: float = 0.5
    """Fraction of an object that must lie inside the mask, if there is one."""
    keep: tuple[str, ...] = ()
    """Conditions over the columns of the table, see :func:`anystar.filters.where`."""
    drop: tuple[str, ...] = ()
    """Conditions on which an object is dropped."""

    def __post_init__(self) -> None:
        highest = {"min_volume": inf, "max_volume": inf, "min_contrast": inf}
        for name, high in (highest | {"min_sphericity": 1.0, "mask_overlap": 1.0}).items():
            value = getattr(self, name)
            number = isinstance(value, int | float | np.number)
            if value is not None and not (number and 0 <= value <= high):
                raise InputError(f"{name} must be a number from 0 to {high:g}, got {value}")
        if self.polarity not in (None, "bright", "dark"):
            raise InputError(f"polarity must be 'bright' or 'dark', got {self.polarity!r}")
        for name in ("keep", "drop"):  # one condition is as good as a tuple of one
            value = getattr(self, name)
            object.__setattr__(self, name, (value,) if isinstance(value, str) else tuple(value))
        self.predicates()  # a condition that cannot be parsed is refused now

    def predicates(self, *, masked: bool = False) -> list[filters.Predicate]:
        """Return the conditions as predicates over the table; ``masked``: whether there is a mask."""
        wanted: list[filters.Predicate] = []
        low, high = self.min_volume, self.max_volume
        if low is not None or high is not None:
            wanted.append(filters.volume(low or 0.0, inf if high is None else high))
        if self.min_sphericity is not None:
            wanted.append(filters.sphericity(self.min_sphericity))
        if self.polarity is not None:
            wanted.append(filters.bright() if self.polarity == "bright" else filters.dark())
        if self.min_contrast is not None:
            wanted.append(filters.contrast(self.min_contrast))
        if self.drop_border:
            wanted.append(filters.off_border())
        if masked:
            wanted.append(filters.inside_mask(self.mask_overlap))
        wanted += [filters.where(condition) for condition in self.keep]
        wanted += [filters.drop(condition) for condition in self.drop]
        return wanted

    def kept(self, table: Table, *, masked: bool = False) -> np.ndarray:
        """Return which rows of a table are kept, bool ``(N,)``."""
        return filters.relevant(table, self.predicates(masked=masked))

    def check_columns(self, known: Sequence[Column], *, masked: bool = False) -> None:
        """Raise ``InputError`` if a condition names a column that a table does not have."""
        filters.relevant(empty_table(known), self.predicates(masked=masked))

    def check_lengths(self, why: str, remedy: str) -> None:
        """Raise ``InputError`` if a condition needs lengths, for a table in which they are unknown."""
        for condition in (*self.keep, *self.drop):
            for name in sorted(filters.columns_of(condition)):
                if in_micrometres(name)[2]:
                    raise InputError(
                        f"'{condition}' needs {name}, which is not known: {why}; {remedy}, or use a column "
                        "in voxels"
                    )

    def in_words(self, *, masked: bool = False) -> str:
        """Return the conditions as options of the command line; empty if all objects are kept.

        >>> FilterOptions(min_volume=10, keep="sphericity > 0.6").in_words()
        "--min-volume 10 --keep 'sphericity > 0.6'"
        """
        words = [f"--{self.polarity}"] if self.polarity else []
        words += ["--drop-border"] if self.drop_border else []
        for name in ("min_volume", "max_volume", "min_sphericity", "min_contrast"):
            value = getattr(self, name)
            words += [] if value is None else [f"--{name.replace('_', '-')} {value}"]
        words += [f"--keep {shlex.quote(c)}" for c in self.keep]
        words += [f"--drop {shlex.quote(c)}" for c in self.drop]
        return " ".join([*words, f"--mask-overlap {self.mask_overlap}"] if masked else words)
