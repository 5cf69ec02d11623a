"""What one edit changed: a box of the labels before and after, small enough to be kept for ever."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from anystar.box import triple
from anystar.correction.packed import Packed
from anystar.correction.rows import Row
from anystar.preprocess.arrays import Box

__all__ = ["BBox", "Patch", "bounds", "joined_box", "slices"]

BBox = tuple[int, int, int, int, int, int]
"""Half-open box ``z0 y0 x0 z1 y1 x1``."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Patch:
    """One edit: everything that is needed to take it back and to make it again."""

    kind: str
    """What was done: ``deleted``, ``reviewed``, or the provenance that objects have since."""
    labels: tuple[int, ...]
    """The objects that were changed, made or removed."""
    box: BBox
    """Box that holds all changes."""
    before: Packed | None
    """Labels of the box, int32; None if they did not change."""
    after: Packed | None
    reviewed_before: Packed
    """Which voxels of the box are reviewed, bool."""
    reviewed_after: Packed
    rows_before: Mapping[int, Row]
    """Rows of these objects; those that do not exist are left out."""
    rows_after: Mapping[int, Row]

    @property
    def slices(self) -> Box:
        """The box as slices along Z, Y, X."""
        return slices(self.box)

    @property
    def text(self) -> str:
        """What was done, for a person."""
        if not self.labels:
            return f"{self.kind} a region"
        if len(self.labels) > 5:
            return f"{self.kind} {len(self.labels)} objects"
        return f"{self.kind} {', '.join(map(str, self.labels))}"


def joined_box(*boxes: BBox) -> BBox:
    """Return the smallest box that holds all.

    >>> joined_box((0, 0, 5, 1, 1, 6), (0, 2, 3, 4, 5, 5))
    (0, 0, 3, 4, 5, 6)
    """
    ends = np.array(boxes)
    return (*triple(ends[:, :3].min(axis=0).tolist()), *triple(ends[:, 3:].max(axis=0).tolist()))


def bounds(where: Sequence[np.ndarray]) -> BBox:
    """Return the box of voxels, given as at least one index along Z, Y, X each.

    >>> bounds(np.nonzero(np.eye(3)[None]))
    (0, 0, 0, 1, 3, 3)
    """
    return (*triple(int(axis.min()) for axis in where), *triple(int(axis.max()) + 1 for axis in where))


def slices(box: BBox, within: BBox | None = None) -> Box:
    """Return a box as slices, counted from the first voxel of another one if that is given.

    >>> slices((1, 2, 3, 4, 5, 6), (1, 1, 1, 9, 9, 9))
    (slice(0, 3, None), slice(1, 4, None), slice(2, 5, None))
    """
    first = (0, 0, 0) if within is None else within[:3]
    return triple(slice(a - o, b - o) for a, b, o in zip(box[:3], box[3:], first, strict=True))
