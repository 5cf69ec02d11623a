"""Packed polyhedral grains: cells of a random tessellation, with gaps and pores between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch

from anystar.config import check_range
from anystar.synth.augment.base import Knobs
from anystar.synth.knobs import check_probabilities, check_ranges
from anystar.synth.objects import Owner
from anystar.synth.placement import lattice_centres, rotations
from anystar.synth.streams import put

__all__ = ["GrainParts", "Grains", "carve"]

_FILLED = 1.1
"""Radius in steps of the lattice at which balls around jittered points leave hardly anything uncovered."""


class GrainParts(NamedTuple):
    """The cells of one sample, in voxels."""

    centre: np.ndarray
    """Shape ``(N, 3)``, ZYX."""
    radius: np.ndarray
    """Shape ``(N,)``: larger than the cells, which end at their neighbours."""
    metric: np.ndarray
    """Shape ``(N, 3, 3)``, the same for all: cells that are long lie in parallel."""
    diameter: float
    """Of a ball of the mean cell's volume."""
    gap: float
    """Width between the faces of neighbours."""
    absent: np.ndarray
    """Which cells are pores, bool, shape ``(N,)``."""


@dataclass(frozen=True, kw_only=True)
class Grains(Knobs):
    """Volumes of convex polyhedra that fill space or leave gaps and pores: grains, crystals, cells in tissue.

    The cells of a Voronoi tessellation of a jittered lattice, stretched along one direction.
    """

    probability: float = 0.0
    diameter: tuple[float, float] = (7.0, 34.0)
    """Mean diameter (of balls of the same volume), in voxels; log-uniform, per volume."""
    stretch: tuple[float, float] = (1.0, 2.5)
    """Length over width, drawn per volume (skewed to 1)."""
    jitter: tuple[float, float] = (0.15, 0.6)
    """Largest shift of a centre as a share of the distance between neighbours: how uneven the cells are."""
    spread: tuple[float, float] = (0.0, 0.15)
    """Standard deviation of cells' radii, which curves the faces between large and small ones."""
    touching: float = 0.5
    """Probability that there is no gap between neighbours."""
    gap: tuple[float, float] = (0.03, 0.25)
    """Otherwise, the width between faces as a share of the diameter; at least 1 voxel."""
    pores: tuple[float, float] = (0.0, 0.4)
    """Share of the cells that are empty (skewed to few)."""
    bump: tuple[float, float] = (0.0, 0.15)
    """Amplitude of the Perlin corruption as a share of the radius: it dents what has no neighbour only."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("diameter", self.diameter, 2, 1000)
        check_range("stretch", self.stretch, 1, 20)
        check_ranges(self, 0, 1, "jitter", "spread", "gap", "pores", "bump")
        check_probabilities(self, "touching")

    def draw(self, rng: np.random.Generator, shape: Sequence[int], margin: float) -> GrainParts:
        """Draw the cells of one image; the bumps are left to the layout."""
        diameter = float(np.exp(rng.uniform(*np.log(self.diameter))))
        stretch = self.stretch[0] + (self.stretch[1] - self.stretch[0]) * float(rng.random()) ** 2
        along = np.diag(np.array([1 / stretch, 1.0, 1.0]) * stretch ** (1 / 3))
        turn = rotations(rng, 1)[0]
        metric = turn.T @ along @ turn
        step = diameter * (np.pi / 6) ** (1 / 3)  # a cell has the volume of a ball of the diameter
        centre = lattice_centres(
            rng, shape, step=step, jitter=self.jitter, margin=min(margin, diameter), metric=metric
        )
        spread = float(rng.uniform(*self.spread))
        radius = _FILLED * step + step / 2 * np.clip(rng.normal(0, spread, len(centre)), -0.4, 0.4)
        gap = max(1.0, diameter * float(rng.uniform(*self.gap)))
        gap = 0.0 if rng.random() < self.touching else gap
        share = self.pores[0] + (self.pores[1] - self.pores[0]) * float(rng.random()) ** 2
        absent = rng.random(len(centre)) < share
        return GrainParts(centre, radius, np.repeat(metric[None], len(centre), axis=0), diameter, gap, absent)


def carve(owner: Owner, gaps: Sequence[float], absent: Sequence[np.ndarray | None]) -> Owner:
    """Return objects without the gaps between neighbours, and without those that are absent.

    ``gaps`` holds each sample's width between the faces of neighbours in voxels, 0 for none; ``absent`` which
    of its objects are taken away, bool ``(N,)``. The owner has walls.
    """
    gone = [np.zeros(0, bool) if a is None else a for a in absent]
    if not any(gaps) and not any(a.any() for a in gone):
        return owner
    assert owner.wall_BZYX is not None
    device, most = owner.index_BZYX.device, max(1, *(len(a) for a in gone))
    table = np.stack([np.pad(a, (0, most - len(a))) for a in gone])
    gap = put(gaps, device).view(-1, 1, 1, 1)
    inside = owner.index_BZYX >= 0
    row = owner.index_BZYX.clamp(0, most - 1).flatten(1)
    empty = put(table, device, torch.bool).gather(1, row).view_as(inside) & inside
    wall = owner.wall_BZYX - gap / 2
    depth = torch.where(inside & (gap > 0), wall, owner.depth_BZYX - gap / 2)
    depth = torch.where(empty, -wall.abs() - gap, depth)
    left = inside & ~empty & (depth > 0)
    return replace(
        owner,
        index_BZYX=torch.where(left, owner.index_BZYX, -1),
        depth_BZYX=depth,
        wall_BZYX=torch.where(left, wall, 0),
    )
