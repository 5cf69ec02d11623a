"""What the network finds at one magnification of a volume, and the magnification at which it finds most.

A pyramid of scales is tried, coarse to fine, and the one that explains most of the volume with confidence
wins. Fine levels cost most, and are tried only on the part where the best level so far has found most.
(Merging the candidates of all scales and suppressing across them was tried, and was worse: details seen too
large, and clumps seen too small, survive.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from anystar.geometry.nms import suppress
from anystar.geometry.polyhedra import Polyhedra
from anystar.geometry.rays import Rays, golden_spiral
from anystar.predict.candidates import Candidates, ProgressCallback
from anystar.predict.crowd import LEAST, find_crowd
from anystar.preprocess import PreparedImage
from anystar.preprocess.arrays import Box, whole_box

if TYPE_CHECKING:
    from anystar.predict.model import Model

__all__ = [
    "LEVEL_VOXELS",
    "Evidence",
    "Level",
    "at_scale",
    "best_level",
    "judge",
    "narrow",
    "sample",
]

Vec = tuple[float, float, float]

_FACTORS = tuple(2 ** (k / 2) for k in range(-7, 3))
"""Magnifications that are tried, of the finest axis: 0.09 to 2."""
_NEAR = (0.45, 1.6)
"""Levels around a given one that are tried: two coarser, one finer. With wrong proportions objects look
smaller than they are, rather than larger."""
_SMALLEST = 32
"""Voxels along the longest axis under which a level shows too little."""
_SAMPLE_VOXELS = 160**3
"""Voxels (cubic ones, of the finest axis) of the part of a larger volume that decides."""
LEVEL_VOXELS = 88**3
"""Voxels of a level beyond twice which only a part of it is tried."""
_EDGE = 6
"""Voxels of a level next to a cut, where what is found does not count: the cut may have changed it."""


def at_scale(
    model: Model,
    scene: PreparedImage,
    voxel_size: Vec,
    factor: float,
    floor: float,
    progress: ProgressCallback | None = None,
) -> Candidates:
    """Return the candidates of a volume magnified by ``factor``, in voxels of its finest axis."""
    z, y, x = voxel_size
    zoom = (z * factor, y * factor, x * factor)
    return model.candidates(scene, zoom, floor=floor, progress=progress).scaled(1 / factor)


class Evidence(NamedTuple):
    """How well a scale fits."""

    score: float
    """Sum over objects of ``c (p - LEAST)^3 d^1.5`` with their probability p, mean diameter d, and chance c
    of not being grain."""
    confidence: float
    """Mean probability under the same weights."""


def _weights(
    candidates: Candidates, rays: Rays, threshold: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return centres, diameters, weights and probabilities of the objects that count.

    Details taken for objects are sure but small, clumps taken for objects are large but unsure; at the right
    scale objects are both. The exponents were chosen on ``benchmarks/models`` (docs/training-log.md).
    """
    sure = candidates.prob > LEAST
    points, distances, prob = candidates.points[sure], candidates.distances[sure], candidates.prob[sure]
    kept = suppress(Polyhedra(points, distances, rays, prob), threshold=0.3)
    diameter = 2 * np.median(distances[kept], axis=1).astype(np.float64)
    weight = (prob[kept] - LEAST) ** 3 * diameter**1.5
    crowd = find_crowd(prob[kept], threshold)
    if crowd is not None:
        weight *= crowd.chances(prob[kept])
    return points[kept], diameter, weight, prob[kept]


def _weigh(weight: np.ndarray, prob: np.ndarray) -> Evidence:
    total = float(weight.sum())
    return Evidence(total, float((weight * prob).sum() / total) if total > 0 else 0.0)


@dataclass(frozen=True, kw_only=True)
class Level:
    """What one scale has found in one box of the volume."""

    factor: float
    inner: np.ndarray
    """Low and high corner of the part that counts, ``(2, 3)``, in voxels of the finest axis."""
    points: np.ndarray
    """Centres of the objects in the volume, in voxels of its finest axis."""
    diameters: np.ndarray
    """Theirs, in the same unit."""
    weight: np.ndarray
    prob: np.ndarray

    @property
    def probabilities(self) -> np.ndarray:
        """Those of the objects whose centres lie in the part that counts."""
        return self.prob[self._inside(self.inner)]

    def within(self, inner: np.ndarray) -> Evidence:
        """Return the evidence of the objects whose centres lie there."""
        inside = self._inside(inner)
        return _weigh(self.weight[inside], self.prob[inside])

    def _inside(self, inner: np.ndarray) -> np.ndarray:
        return ((self.points >= inner[0]) & (self.points < inner[1])).all(1)

    @property
    def evidence(self) -> Evidence:
        """That of the part that counts."""
        return self.within(self.inner)

    @property
    def heaviest(self) -> float:
        """Weight of the object that counts most."""
        return float(self.weight.max(initial=0))

    @property
    def diameter(self) -> float:
        """The median by weight: where objects differ in size, that of the larger ones."""
        order = np.argsort(self.diameters)
        share = np.cumsum(self.weight[order])
        return float(self.diameters[order][np.searchsorted(share, share[-1] / 2)])


def _try(model: Model, scene: PreparedImage, box: Box, voxel_size: Vec, factor: float, floor: float) -> Level:
    candidates = at_scale(model, scene.crop(box), voxel_size, factor, floor)
    return judge(model, scene, box, voxel_size, factor, candidates)


def judge(
    model: Model, scene: PreparedImage, box: Box, voxel_size: Vec, factor: float, candidates: Candidates
) -> Level:
    """Return what the candidates of a box say."""
    rays = golden_spiral(model.network.config.num_rays)
    own = model.threshold("prob_thresh", None)
    points, diameters, weight, prob = _weights(candidates, rays, own)
    size = np.array(voxel_size)
    low, high = np.array([s.start for s in box]), np.array([s.stop for s in box])
    return Level(
        factor=factor,
        inner=np.stack(_uncut(low, high, scene, size * factor)) * size,
        points=points + low * size,
        diameters=diameters,
        weight=weight,
        prob=prob,
    )


def best_level(
    model: Model,
    scene: PreparedImage,
    part: Box,
    voxel_size: Vec,
    floor: float,
    *,
    progress: ProgressCallback | None = None,
    near: float | None = None,
) -> Level:
    """Return the level with the most evidence; without any, the one nearest to no magnification.

    Levels are compared where the finer one has looked; there it must show more than one object of the other.
    ``near`` is a magnification of the finest axis: only those around it are tried.
    """
    extent = np.array([s.stop - s.start for s in part]) * np.array(voxel_size)
    factors = [f for f in _FACTORS if extent.max() * f >= _SMALLEST] or [1.0]
    far = 1.0  # finer levels are worth it only while they are the best
    if near is not None:
        factors = [f for f in factors if _NEAR[0] * near < f < _NEAR[1] * near] or [near]
        far = min(1.0, 0.99 * near)
    best: Level | None = None
    box = part
    for number, factor in enumerate(factors):
        if progress is not None:
            progress(number, len(factors), "object size")
        box = narrow(scene, box, voxel_size, factor, best)
        level = _try(model, scene, box, voxel_size, factor, floor)
        if best is None or level.evidence.score > max(best.within(level.inner).score, best.heaviest):
            best = level
        elif not best.evidence.score:
            best = min(best, level, key=lambda tried: abs(np.log(tried.factor)))
        elif factor >= far:
            break
    if progress is not None:
        progress(len(factors), len(factors), "object size")
    assert best is not None
    return best


def narrow(scene: PreparedImage, box: Box, voxel_size: Vec, factor: float, best: Level | None) -> Box:
    """Return the part of a box to be tried at a scale: where the best level so far has found most."""
    size = np.array(voxel_size) * factor
    low, high = np.array([s.start for s in box]), np.array([s.stop for s in box])
    if ((high - low) * size).prod() <= 2 * LEVEL_VOXELS:
        return box
    side = _fitting(high - low, size, LEVEL_VOXELS)
    if best is None or not best.evidence.score:
        return _liveliest(scene, box, side)
    centre = best.points / np.array(voxel_size)
    at = centre[np.argsort(-best.weight)[:50]]
    start = np.clip(np.round(at - side / 2).astype(int), low, high - side)
    first, last = _uncut(start, start + side, scene, size)
    covered = ((centre >= first[:, None]) & (centre < last[:, None])).all(2) @ best.weight
    z, y, x = start[covered.argmax()]
    return slice(z, z + side[0]), slice(y, y + side[1]), slice(x, x + side[2])


def _uncut(
    low: np.ndarray, high: np.ndarray, scene: PreparedImage, size: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the corners of boxes without what lies next to a cut; ``size`` is a voxel's, in the level's."""
    edge = _EDGE / size
    return low + edge * (low > 0), high - edge * (high < scene.shape)


def _fitting(shape: np.ndarray, size: np.ndarray, voxels: int) -> np.ndarray:
    """Return the sides of a cube of ``voxels`` cubic voxels; what short axes leave goes to the long ones.

    Of axes so coarse that a cube would hold fewer than 4 of their voxels it has 4, at the others' expense.
    """
    least = np.minimum(shape, 4)
    coarse = voxels ** (1 / 3) / size < least
    rest = voxels / (least * size)[coarse].prod()
    cube = np.round(rest ** (1 / max(1, (~coarse).sum())) / size).astype(int)
    side = np.clip(np.where(coarse, least, cube), 1, shape)
    spare = voxels / (side * size).prod()
    long = side < shape
    if long.any():
        side[long] = np.minimum(side[long] * spare ** (1 / long.sum()), shape[long]).astype(int)
    return np.maximum(side, least)


def sample(scene: PreparedImage, voxel_size: Vec) -> Box:
    """Return the part of a large volume that decides: the box with the strongest structure, or all."""
    size = np.array(voxel_size)
    box = whole_box(scene.shape)
    if np.prod(scene.shape, dtype=float) * size.prod() <= _SAMPLE_VOXELS:
        return box
    return _liveliest(scene, box, _fitting(np.array(scene.shape), size, _SAMPLE_VOXELS))


def _liveliest(scene: PreparedImage, box: Box, side: np.ndarray) -> Box:
    """Return the box of the given sides, of those on a grid, with the strongest structure."""
    starts = [
        np.unique(np.linspace(s.start, s.stop - n, max(1, min(4, (s.stop - s.start) // n * 2))).astype(int))
        for s, n in zip(box, side, strict=True)
    ]
    boxes = [
        (slice(z, z + side[0]), slice(y, y + side[1]), slice(x, x + side[2]))
        for z in starts[0]
        for y in starts[1]
        for x in starts[2]
    ]
    every = slice(None, None, 4)
    return max(boxes, key=lambda b: float(scene.crop(b).read((every, every, every)).std()))
