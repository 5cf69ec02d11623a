"""Where objects are, how large, and of what shape: drawn as lists of bumpy ellipsoids.

:class:`SphereGrid` is the paper's (section 3, "Label synthesis"; GENERATOR stage 1). :class:`Packing` is
ours: any size, mixed sizes, dense or sparse, ellipsoids, bumps.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from anystar.config import ConfigError, check_range
from anystar.synth.fields import perlin, perlin_gradients
from anystar.synth.grains import Grains
from anystar.synth.kernels import search_cells
from anystar.synth.knobs import check_probabilities, check_ranges
from anystar.synth.objects import Cells, SyntheticObjects
from anystar.synth.placement import clear_of, lattice_centres, rotations
from anystar.synth.specimen import Specimen, SpecimenDrawn
from anystar.synth.streams import Streams, put

__all__ = ["LayoutDrawn", "Packing", "SphereGrid", "build_objects"]

_PERIOD_SAMPLES = 64
"""Samples of a period of Perlin noise that are enough to read it between them."""
_SMALLEST_CELL = 3.0
"""Voxels of a cell of the search grid."""
_PERLIN_PEAK = 0.75
"""Beyond any value of gradient noise found in 10^8 voxels (0.70); bounds how far a bump reaches."""


@dataclass(frozen=True, kw_only=True, eq=False)
class LayoutDrawn:
    """The objects of one sample, in voxels of the world."""

    centre: np.ndarray
    """Shape ``(N, 3)``, ZYX."""
    radius: np.ndarray
    """Mean radius, shape ``(N,)``."""
    bump: np.ndarray
    """Amplitude of the Perlin corruption, shape ``(N,)``."""
    metric: np.ndarray | None
    """``(N, 3, 3)``: maps an ellipsoid onto the sphere of its mean radius; ``None`` for spheres."""
    cell: float
    """Period of the Perlin corruption."""
    extent: tuple[float, float, float]
    """Sides of the box, from -margin on, that the Perlin volume covers."""
    noise_samples: int
    """Samples of the longest axis of the Perlin volume."""
    margin: float
    priority: float
    near: float = 0.0
    """Share of the radius outside an object at which its neighbours must still know of it."""
    tissue: bool = False
    """Whether the objects fill the volume, wall to wall."""
    diameter: float | None = None
    """Typical diameter, where the radii do not say; ``None``: twice the median radius."""
    pitch: float = 1.0
    """Distance between neighbours' centres, in diameters."""
    gap: float = 0.0
    """Voxels between the faces of neighbours (:func:`anystar.synth.grains.carve`)."""
    absent: np.ndarray | None = None
    """Which objects are taken away again, bool, shape ``(N,)``; ``None`` for none."""
    specimen: SpecimenDrawn | None = None
    """The body that all objects lie in, if they lie in one."""

    @property
    def typical(self) -> float:
        """Typical diameter of the objects in voxels; 16 without objects."""
        middle = 2 * float(np.median(self.radius)) if len(self.radius) else 16.0
        return middle if self.diameter is None else self.diameter

    @property
    def small(self) -> float:
        """Diameter that nine of ten objects exceed, in voxels; 16 without objects."""
        tenth = 2 * float(np.quantile(self.radius, 0.1)) if len(self.radius) else 16.0
        return tenth if self.diameter is None else self.diameter


@dataclass(frozen=True, kw_only=True)
class SphereGrid:
    """The paper's layout: a jittered grid of spheres with Perlin-corrupted distances."""

    radius: float = 12.0
    """Nominal radius r in voxels; the grid has a step of 2r and no centres at its ends."""
    radius_range: tuple[float, float] | None = None
    """If given, r is drawn from it, per volume."""
    jitter: float = 0.5
    """Largest shift of a centre along each axis, as a share of r."""
    relative_radius: tuple[float, float] = (0.6, 1.2)
    """Radius of each sphere as a share of r."""
    kept: tuple[float, float] = (2 / 3, 1.0)
    """Share of the spheres that stays (paper: up to a third is removed)."""
    bump: float = 0.9
    """Amplitude of the Perlin corruption as a share of r."""
    periods: int = 8
    """Perlin periods over the world."""

    def __post_init__(self) -> None:
        check_range("relative_radius", self.relative_radius, 0.01, 10)
        check_range("kept", self.kept, 0, 1)
        if self.radius_range is not None:
            check_range("radius_range", self.radius_range, 1, 1000)
        if not 1 <= self.radius <= 1000:
            raise ConfigError(f"radius must be within [1, 1000] voxels, got {self.radius}")
        if not (0 <= self.jitter <= 10 and 0 <= self.bump <= 10):
            raise ConfigError(f"jitter and bump must be within [0, 10], got {self.jitter} and {self.bump}")
        if not 1 <= self.periods <= 64:
            raise ConfigError(f"periods must be within [1, 64], got {self.periods}")

    def draw(self, rng: np.random.Generator, world: int, shape: Sequence[int]) -> LayoutDrawn:
        """Draw the objects of one world of ``world`` voxels per axis."""
        r = self.radius if self.radius_range is None else float(rng.uniform(*self.radius_range))
        axis = np.arange(0, world, 2 * r)[1:-1]
        if not len(axis):
            raise ConfigError(f"radius {r} leaves no room for a sphere in a world of {world} voxels")
        centre = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1).reshape(-1, 3)
        centre = centre + self.jitter * r * rng.uniform(-1, 1, centre.shape)
        low, high = (round(share * len(centre)) for share in self.kept)
        chosen = np.sort(rng.permutation(len(centre))[: rng.integers(low, high + 1)])
        radius = r * rng.uniform(*self.relative_radius, len(centre))
        return LayoutDrawn(
            centre=centre[chosen],
            radius=radius[chosen],
            bump=np.full(len(chosen), self.bump * r),
            metric=None,
            cell=world / self.periods,
            extent=(float(world),) * 3,
            noise_samples=min(world, _PERIOD_SAMPLES * self.periods),
            margin=0.0,
            priority=0.0,
        )


@dataclass(frozen=True, kw_only=True)
class Packing:
    """Ellipsoids with bumps, packed at any density, in one or two populations of sizes."""

    diameter: tuple[float, float] = (5.0, 48.0)
    """Mean diameter of the first population, in voxels of the image; log-uniform, per volume."""
    spread: tuple[float, float] = (0.0, 0.25)
    """Log-normal spread of diameters within a population, drawn per volume: 0.25 is about a quarter."""
    second: float = 0.3
    """Probability of a second population between the objects of the first."""
    second_ratio: tuple[float, float] = (0.2, 0.7)
    """Its diameter as a share of the first's (never under the smallest diameter)."""
    gap: tuple[float, float] = (0.8, 1.6)
    """Distance between neighbours' centres in diameters: under 1 they touch and flatten each other."""
    kept: tuple[float, float] = (0.1, 1.0)
    """Share of the places that hold an object."""
    clustered: float = 0.4
    """Probability that objects are kept in patches instead of everywhere alike."""
    empty: float = 0.03
    """Probability of a volume without any object."""
    few: float = 0.1
    """Probability of a volume with a handful of objects only."""
    few_objects: tuple[int, int] = (1, 12)
    """Their number."""
    tissue: float = 0.1
    """Probability that objects fill the volume, wall to wall (a gap of 0.6 to 0.85, nearly all kept)."""
    tissue_diameter: tuple[float, float] = (11.0, 48.0)
    """Their mean diameter, instead of the first population's; log-uniform."""
    jitter: tuple[float, float] = (0.05, 0.45)
    """Largest shift of a centre as a share of the distance between neighbours, drawn per volume."""
    elongation: tuple[float, float] = (1.0, 3.0)
    """Longest over shortest axis: drawn per volume (skewed to round), of which an object has between the
    square root and all."""
    aligned: float = 0.4
    """Probability that all objects of a volume point the same way."""
    bump: tuple[float, float] = (0.0, 1.5)
    """Amplitude of the Perlin corruption as a share of the radius, drawn per volume."""
    bump_cell: tuple[float, float] = (0.7, 1.8)
    """Period of the corruption as a share of the diameter."""
    margin: float = 24.0
    """Voxels around the image in which objects may have their centres."""
    grains: Grains = Grains()
    """Packed polyhedra instead."""
    specimen: Specimen = Specimen()
    """Objects in a body before an empty background."""

    def __post_init__(self) -> None:
        check_ranges(self, 2, 1000, "diameter", "tissue_diameter")
        check_range("gap", self.gap, 0.3, 100)
        check_range("elongation", self.elongation, 1, 20)
        check_range("bump_cell", self.bump_cell, 0.05, 100)
        check_ranges(self, 0, 1, "kept", "second_ratio", "jitter")
        check_ranges(self, 0, 3, "spread", "bump")
        check_probabilities(self, "second", "clustered", "empty", "few", "aligned", "tissue")
        check_range("few_objects", self.few_objects, 0, 10_000)
        if not 0 <= self.margin <= 1000:
            raise ConfigError(f"margin must be within [0, 1000] voxels, got {self.margin}")

    def draw(self, rng: np.random.Generator, world: int, shape: Sequence[int]) -> LayoutDrawn:
        """Draw the objects of one image of ``shape``; the world is the image's own lattice."""
        diameter = float(np.exp(rng.uniform(*np.log(self.diameter))))
        spread = float(rng.uniform(*self.spread))
        gap, kept = float(rng.uniform(*self.gap)), float(rng.uniform(*self.kept))
        bump = float(rng.uniform(*self.bump))
        tissue = bool(rng.random() < self.tissue)
        if tissue:
            diameter = float(np.exp(rng.uniform(*np.log(self.tissue_diameter))))
            gap, kept = float(rng.uniform(0.6, 0.85)), float(rng.uniform(0.85, 1))
        centre, radius = self._population(rng, shape, diameter, spread, gap, kept)
        if rng.random() < self.second:
            small = max(diameter * float(rng.uniform(*self.second_ratio)), self.diameter[0])
            more, more_radius = self._population(rng, shape, small, spread, max(gap, 1.0), kept)
            clear = clear_of(more, 0.8 * more_radius, centre, radius)
            centre = np.concatenate([centre, more[clear]])
            radius = np.concatenate([radius, more_radius[clear]])
        if rng.random() < self.empty:
            centre, radius = centre[:0], radius[:0]
        metric, cell = self._metric(rng, len(centre)), diameter * float(rng.uniform(*self.bump_cell))
        if rng.random() < self.few and not tissue:
            handful = self._handful(rng, shape, centre)
            centre, radius, metric = centre[handful], radius[handful], metric[handful]
        extra: dict[str, Any] = {"pitch": gap}
        near = 0.3
        if rng.random() < self.grains.probability:
            parts = self.grains.draw(rng, shape, self.margin)
            centre, radius, metric, cell = parts.centre, parts.radius, parts.metric, parts.diameter
            tissue, bump = not parts.gap, float(rng.uniform(*self.grains.bump))
            extra = {"diameter": parts.diameter, "gap": parts.gap, "absent": parts.absent, "pitch": 0.8}
            near = 0.0
        elif rng.random() < self.specimen.probability:
            body = self.specimen.draw(rng, shape)
            centre, radius = self._population(rng, shape, body.diameter, spread, body.gap, body.kept)
            metric, cell, tissue = self._metric(rng, len(centre)), body.diameter, False
            within = body.depth(centre) > 0
            centre, radius, metric = centre[within], radius[within], metric[within]
            extra = {"specimen": body, "pitch": body.gap}
        z, y, x = shape
        return LayoutDrawn(
            centre=centre,
            radius=radius,
            bump=bump * radius,
            metric=metric,
            cell=cell,
            extent=(z + 2 * self.margin, y + 2 * self.margin, x + 2 * self.margin),
            noise_samples=round(0.8 * (max(shape) + 2 * self.margin)),
            margin=self.margin,
            priority=1.0,
            near=near,
            tissue=tissue,
            **extra,
        )

    def _population(
        self,
        rng: np.random.Generator,
        shape: Sequence[int],
        diameter: float,
        spread: float,
        gap: float,
        kept: float,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return centres and radii on a rotated, jittered, thinned lattice."""
        margin = min(self.margin, diameter)
        centre = lattice_centres(rng, shape, step=diameter * gap, jitter=self.jitter, margin=margin)
        chance = np.full(len(centre), kept)
        if rng.random() < self.clustered:
            wave = rng.normal(size=(3, 3)) * (2 * np.pi / (max(shape) * rng.uniform(0.5, 1.5)))
            patches = np.cos(centre @ wave.T + rng.uniform(0, 2 * np.pi, 3)).sum(1)
            chance = np.where(patches > np.quantile(patches, 1 - kept) if len(centre) else 0, 0.95, 0.03)
        centre = centre[rng.random(len(centre)) < chance]
        limit = min(1.0, gap) if gap > 1 else 1.0
        radius = diameter / 2 * limit * np.exp(np.clip(rng.normal(0, spread, len(centre)), -1, 0.5))
        return centre, np.maximum(radius, min(self.diameter[0], diameter) / 2 * 0.8)

    def _handful(self, rng: np.random.Generator, shape: Sequence[int], centre: np.ndarray) -> np.ndarray:
        """Return which few objects are kept: ``few_objects`` in the image, none outside."""
        inside = np.flatnonzero(((centre >= 0) & (centre < np.array(shape))).all(1))
        low, high = self.few_objects
        return np.sort(rng.permutation(inside)[: int(rng.integers(low, high + 1))])

    def _metric(self, rng: np.random.Generator, num: int) -> np.ndarray:
        """Return the maps of ellipsoids of random axes onto spheres of the same volume."""
        longest, shortest = self.elongation[1], self.elongation[0]
        elongation = shortest + (longest - shortest) * rng.random() ** 2
        place = rng.random((num, 3))
        low, high = place.min(1, keepdims=True), place.max(1, keepdims=True)
        axes = (elongation ** rng.uniform(0.5, 1, (num, 1))) ** ((place - low) / (high - low))
        axes /= np.prod(axes, axis=1, keepdims=True) ** (1 / 3)
        turns = rotations(rng, num)
        if rng.random() < self.aligned:
            turns = np.repeat(rotations(rng, 1), num, axis=0)
            axes = np.repeat(axes[:1], num, axis=0)
        return np.einsum("nij,nj,nkj->nik", turns, 1 / axes, turns)


def build_objects(drawn: Sequence[LayoutDrawn], streams: Streams) -> SyntheticObjects:
    """Put the objects of a batch on the device, with the Perlin volume that corrupts their distances."""
    b, most = len(drawn), max(1, *(len(d.radius) for d in drawn))
    centre, radius = np.zeros((b, most, 3)), np.full((b, most), -np.inf)
    bump, reach = np.zeros((b, most)), np.full((b, most), -np.inf)
    metric = np.tile(np.eye(3), (b, most, 1, 1))
    for row, d in enumerate(drawn):
        num = len(d.radius)
        centre[row, :num], radius[row, :num], bump[row, :num] = d.centre, d.radius, d.bump
        stretch: float | np.ndarray = 1.0
        if d.metric is not None and num:
            metric[row, :num] = d.metric
            stretch = 1 / np.linalg.eigvalsh(d.metric)[:, 0]
        beyond = np.maximum(_PERLIN_PEAK * d.bump, d.near * d.radius)
        reach[row, :num] = (d.radius + beyond) * stretch
    noise, scale = _corruption(drawn, streams)
    reaches = [reach[row, : len(d.radius)] for row, d in enumerate(drawn)]
    return SyntheticObjects(
        centre_BN3=put(centre, streams.device),
        radius_BN=put(radius, streams.device),
        bump_BN=put(bump, streams.device),
        metric_BN33=None if all(d.metric is None for d in drawn) else put(metric, streams.device),
        reach_BN=put(reach, streams.device),
        noise_B1IJK=noise[:, None],
        noise_origin=-drawn[0].margin,
        noise_scale_B=put(scale, streams.device),
        priority=drawn[0].priority,
        cells=_cells([d.centre for d in drawn], reaches, streams),
    )


def _corruption(drawn: Sequence[LayoutDrawn], streams: Streams) -> tuple[Tensor, list[float]]:
    """Return the Perlin volumes of a batch, ``(B, I, J, K)``, and their samples per voxel."""
    gradient_cells, samples, step, scale = [], [], [], []
    for d in drawn:
        longest = max(d.extent)
        cells = max(1, round(longest / d.cell))
        num = max(d.noise_samples, 2 * cells)
        gradient_cells.append([math.ceil(cells * side / longest) for side in d.extent])
        samples.append([math.ceil(num * side / longest) for side in d.extent])
        step.append(cells / num)
        scale.append(num / longest)
    gradients = perlin_gradients(streams.fields("layout"), gradient_cells, streams.device)
    return perlin(gradients, samples, step=step), scale


def _cells(centres: Sequence[np.ndarray], reaches: Sequence[np.ndarray], streams: Streams) -> Cells:
    """Put the search grids of a batch on the device; a cell is about half as wide as an object reaches."""
    low, dims, size, first, rows, begin, before = [], [], [], [], [], [0], 0
    for centre, reach in zip(centres, reaches, strict=True):
        each = max(_SMALLEST_CELL, 0.5 * float(np.median(reach))) if len(reach) else _SMALLEST_CELL
        corner, number, starts, entries = search_cells(centre, reach, each)
        low.append(corner)
        dims.append(number)
        size.append(each)
        rows.append(entries)
        first.append(starts + before)
        before += len(entries)
        begin.append(begin[-1] + len(starts))
    whole = np.concatenate(rows)
    starts = np.concatenate([*first, [before]])  # one more: the lists of a sample without objects end too
    return Cells(
        low_B3=put(np.stack(low), streams.device),
        dims_B3=put(np.stack(dims), streams.device, torch.int64),
        size_B=put(size, streams.device),
        begin_B=put(begin[:-1], streams.device, torch.int64),
        first_G=put(starts, streams.device, torch.int64),
        rows_K=put(whole if len(whole) else np.zeros(1), streams.device, torch.int32),
        most=int(np.diff(starts).max(initial=0)),
    )
