"""What a stroke of napari's brush, eraser, polygon or fill changes, from the value of its event ``paint``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["painted_voxels"]


def painted_voxels(data: np.ndarray, atoms: Sequence[Any]) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
    """Return which elements of a layer's data a stroke changes, and what they were before.

    The data are as after the stroke then: of a single step, napari reports before it writes.
    """
    boxes = [_box_of(atom, data.shape) for atom in atoms]
    box = tuple(
        slice(min(b[axis].start for b in boxes), max(b[axis].stop for b in boxes))
        for axis in range(data.ndim)
    )
    before = np.array(data[box])
    for atom in reversed(atoms):
        _put(before, box, atom, old=True)
    after = before.copy()
    for atom in atoms:
        _put(after, box, atom, old=False)
    data[box] = after
    found = np.nonzero(before != after)
    return tuple(i + b.start for i, b in zip(found, box, strict=True)), before[found]


def _put(part: np.ndarray, box: tuple[slice, ...], atom: Any, *, old: bool) -> None:
    """Write the old or the new values of one step of a stroke into a box of the data."""
    if not hasattr(atom, "slice_key"):
        indices, before, after = atom
        where = tuple(np.asarray(i) - b.start for i, b in zip(indices, box, strict=True))
        part[where] = before if old else after
        return
    own = _box_of(atom, [b.stop for b in box])  # an open slice ends where the box does
    inner = part[tuple(slice(s.start - b.start, s.stop - b.start) for s, b in zip(own, box, strict=True))]
    values = atom.old_values if old else atom.new_value
    if atom.mask is None:
        inner[...] = values
    else:
        inner[atom.mask] = values


def _box_of(atom: Any, shape: Sequence[int]) -> tuple[slice, ...]:
    """Return the box of one step of a stroke: a box with a mask, or indices (napari before 0.8)."""
    if hasattr(atom, "slice_key"):
        return tuple(slice(*s.indices(n)[:2]) for s, n in zip(atom.slice_key, shape, strict=True))
    return tuple(slice(int(np.min(i)), int(np.max(i)) + 1) for i in atom[0])
