"""Candidate polyhedra: what the network proposes, before non-maximum suppression."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from anystar.geometry.polyhedra import Polyhedra
from anystar.geometry.rays import Rays
from anystar.predict.notes import Note

__all__ = ["Candidates"]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Candidates(Polyhedra):
    """Polyhedra that may be objects, points and probabilities in float32.

    Lengths are in voxels of a grid on which bodies have their shape. That of a whole segmentation has cubic
    voxels as long as the shortest edge of the image's, whatever the resampling was.
    """

    prob: np.ndarray
    """Object probability, shape ``(N,)``."""
    floor: float
    """Candidates of a lower probability were not kept."""
    notes: tuple[Note, ...] = ()
    """Remarks for the user."""

    @classmethod
    def none(cls, rays: Rays, floor: float) -> Candidates:
        """Return an empty set."""
        empty = np.zeros((0, 3 + len(rays)), np.float32)
        return cls(points=empty[:, :3], prob=empty[:, 0], distances=empty[:, 3:], rays=rays, floor=floor)

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Return the candidates of at least one part together, with the notes of all."""
        notes = tuple(dict.fromkeys(note for part in parts for note in part.notes))
        return super().joined(parts)._changed(notes=notes)
