"""Candidates of one block on the disk, of which only the rows that matter are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.lib import format as npy

from anystar.blocks.checksum import checksum_of_file
from anystar.errors import InputError
from anystar.geometry.nms import UNDECIDED
from anystar.geometry.polyhedra import Polyhedra
from anystar.geometry.rays import Rays
from anystar.runtime.atomic import staged

__all__ = ["StoredCandidates", "read_candidates", "write_candidates"]

_SLACK = 1e-2
"""Boxes are compared with this much to spare, voxels."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class StoredCandidates(Polyhedra):
    """Candidates that are not dropped, in voxels of the finest axis of the whole volume; all in float32."""

    prob: np.ndarray
    """``(N,)``."""
    status: np.ndarray
    """``(N,)`` uint8: ``UNDECIDED`` or ``KEPT``."""
    boxes: np.ndarray
    """``(N, 6)`` float32: lowest and highest corner of each body."""
    group: np.ndarray
    """``(N,)`` uint8: 0 for the first scale, 1 for the second."""
    spread: np.ndarray
    """``(N,)``; 0 before the vote."""

    @classmethod
    def of(cls, polyhedra: Polyhedra) -> StoredCandidates:
        """Return undecided rows, in order of position."""
        some = polyhedra.take(np.lexsort(polyhedra.points.T[::-1]))
        boxes = some.bounding_boxes().reshape(-1, 6) + np.repeat([-_SLACK, _SLACK], 3)
        return cls(
            points=some.points,
            distances=some.distances,
            rays=some.rays,
            prob=some.probabilities,
            status=np.full(len(some), UNDECIDED, np.uint8),
            boxes=boxes.astype(np.float32),
            group=np.zeros(len(some), np.uint8) if some.group is None else some.group,
            spread=np.zeros(len(some), np.float32) if some.spread is None else some.spread,
        )

    @property
    def box(self) -> list[float]:
        """Lowest and highest corner of all bodies together; empty without any."""
        if not len(self):
            return []
        return [*self.boxes[:, :3].min(0).tolist(), *self.boxes[:, 3:].max(0).tolist()]

    @property
    def reach(self) -> float:
        """Farthest that a body reaches from its centre along an axis."""
        if not len(self):
            return 0.0
        return float(max((self.points - self.boxes[:, :3]).max(), (self.boxes[:, 3:] - self.points).max()))


_COLUMNS = ("points", "prob", "status", "boxes", "group", "spread", "distances")
"""In the order of the file; the last is not read, but mapped."""


def write_candidates(path: Path, rows: StoredCandidates) -> int:
    """Write a file that appears whole or not at all; return its checksum. Others may read it meanwhile."""
    with staged(path) as (temporary,):
        with open(temporary, "wb") as file:
            for name in _COLUMNS:
                npy.write_array(file, np.ascontiguousarray(getattr(rows, name)), allow_pickle=False)
        return checksum_of_file(temporary)


def read_candidates(
    path: Path, rays: Rays, near: Sequence[float] | None = None
) -> tuple[StoredCandidates, np.ndarray]:
    """Read the rows whose bodies reach into the box ``near`` (lowest and highest corner), or all.

    Returns
    -------
    StoredCandidates, numpy.ndarray
        The rows, and their numbers in the file.
    """
    with open(path, "rb") as file:
        columns = {name: npy.read_array(file) for name in _COLUMNS[:-1]}
        if npy.read_magic(file) != (1, 0):
            raise InputError(f"{path} was not written by this program; begin anew with overwrite=True")
        shape, _, dtype = npy.read_array_header_1_0(file)
        distances = np.zeros(shape, dtype)
        if distances.size:
            distances = np.memmap(file, dtype, "r", offset=file.tell(), shape=shape)
    columns["distances"], boxes = distances, columns["boxes"]
    chosen = np.arange(len(boxes))
    if near is not None and len(near):
        low, high = np.array(near[:3]), np.array(near[3:])
        chosen = np.flatnonzero(((boxes[:, :3] <= high) & (boxes[:, 3:] >= low)).all(1))
    return StoredCandidates(rays=rays, **{name: values[chosen] for name, values in columns.items()}), chosen
