"""Candidate polyhedra: what the network proposes, before non-maximum suppression."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from anystar.predict.notes import Note

__all__ = ["Candidates"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Candidates:
    """Polyhedra that may be objects.

    Lengths are in voxels of a grid on which bodies have their shape. That of a whole segmentation has cubic
    voxels as long as the shortest edge of the image's, whatever the resampling was.
    """

    points: np.ndarray
    """Centres, float32, shape ``(N, 3)``."""
    prob: np.ndarray
    """Object probability, float32, shape ``(N,)``."""
    distances: np.ndarray
    """Star distances, float32, shape ``(N, R)``."""
    floor: float
    """Candidates of a lower probability were not kept."""
    notes: tuple[Note, ...] = ()
    """Remarks for the user."""

    def __len__(self) -> int:
        return len(self.prob)

    @classmethod
    def none(cls, num_rays: int, floor: float) -> Candidates:
        """Return an empty set."""
        empty = np.zeros((0, 3 + num_rays), np.float32)
        return cls(points=empty[:, :3], prob=empty[:, 0], distances=empty[:, 3:], floor=floor)

    @classmethod
    def joined(cls, parts: Sequence[Candidates]) -> Candidates:
        """Return the candidates of at least one part together."""
        points, prob, distances = (
            np.concatenate(column)
            for column in zip(*((p.points, p.prob, p.distances) for p in parts), strict=True)
        )
        notes = tuple(dict.fromkeys(note for part in parts for note in part.notes))
        return cls(points=points, prob=prob, distances=distances, floor=parts[0].floor, notes=notes)

    def take(self, rows: np.ndarray) -> Candidates:
        """Return the rows of a mask or of indices."""
        points, prob, distances = self.points[rows], self.prob[rows], self.distances[rows]
        return replace(self, points=points, prob=prob, distances=distances)

    def scaled(self, factor: float) -> Candidates:
        """Return the same bodies on a grid whose voxels are ``1 / factor`` times as long."""
        points, distances = (self.points + 0.5) * factor - 0.5, self.distances * factor
        return replace(self, points=points, distances=distances)
