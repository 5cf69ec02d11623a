"""How much to magnify a volume so that its objects have a size that the network knows.

Told a diameter, the volume is scaled to it. Otherwise a pyramid of scales is tried, coarse to fine, and the
one that explains most of the volume with confidence wins. (Merging the candidates of all scales and
suppressing across them was tried, and was worse: details seen too large, and clumps seen too small, survive.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from anystar.geometry.rays import Rays, golden_spiral
from anystar.geometry.suppression import suppress
from anystar.predict.candidates import Candidates, ProgressCallback

if TYPE_CHECKING:
    from anystar.predict.model import Model

__all__ = ["Evidence", "Found", "at_scale", "evidence", "search"]

Vec = tuple[float, float, float]

_FACTORS = tuple(2 ** (k / 2) for k in range(-7, 3))
"""Magnifications that are tried, of the finest axis: 0.09 to 2."""
_SMALLEST = 32
"""Voxels along the longest axis under which a level shows too little."""
_SAMPLE_VOXELS = 160**3
"""Voxels (cubic ones, of the finest axis) of the part of a larger volume that decides."""
_LEVEL_VOXELS = 192**3
"""No level of more voxels is tried."""
_DOUBT = 0.2
"""Probability from which an object counts as evidence."""
_NOTHING, _DOUBTFUL = 0.5, 0.65
"""Confidence under which even the best scale shows nothing, and under which the result may be nothing much:
noise reaches 0.42, fibres 0.55, the least clear volumes of ``benchmarks`` whose objects are known 0.70."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """Candidates, and at which object size they were looked for."""

    candidates: Candidates
    diameter: float | None = None
    """Diameter, in voxels of the finest axis, that the volume was scaled for."""
    notes: tuple[str, ...] = ()


def search(
    model: Model,
    image: np.ndarray,
    *,
    voxel_size: Vec,
    diameter: float | None,
    floor: float,
    progress: ProgressCallback | None = None,
) -> Found:
    """Find candidates at the right scale.

    Parameters
    ----------
    model : Model
    image : array, shape ``(Z, Y, X)``
        Normalised to [0, 1].
    voxel_size : three floats
        Length of a voxel along each axis in units of the shortest.
    diameter : float or None
        Of the objects, in that unit; ``None`` to try scales.
    floor : float
        Least probability of a candidate.
    """
    known = model.diameter
    if diameter is not None:
        factor = known / diameter
        return Found(
            candidates=at_scale(model, image, voxel_size, factor, floor, progress), diameter=diameter
        )
    part = _sample(image, voxel_size)
    level = _best_level(model, part, voxel_size, floor, progress)
    if level.evidence.confidence < _NOTHING:
        none = Candidates.none(model.network.config.num_rays, floor)
        return Found(candidates=none, notes=("no clear objects at any size; give a diameter to insist",))
    candidates = level.candidates
    if part is not image:
        candidates = at_scale(model, image, voxel_size, level.factor, floor, progress)
    doubt = "the objects found are doubtful; look at them, and give a diameter if their size is wrong"
    notes = (doubt,) if level.evidence.confidence < _DOUBTFUL else ()
    return Found(candidates=candidates, diameter=known / level.factor, notes=notes)


def at_scale(
    model: Model,
    image: np.ndarray,
    voxel_size: Vec,
    factor: float,
    floor: float,
    progress: ProgressCallback | None = None,
) -> Candidates:
    """Return the candidates of a volume magnified by ``factor``, in voxels of its finest axis."""
    z, y, x = voxel_size
    zoom = (z * factor, y * factor, x * factor)
    return model.candidates(image, zoom, floor=floor, progress=progress).scaled(1 / factor)


class Evidence(NamedTuple):
    """How well a scale fits."""

    score: float
    """Sum over objects of ``(p - doubt)^3 d^1.5`` with their probability p and mean diameter d."""
    confidence: float
    """Mean probability under the same weights."""


def evidence(candidates: Candidates, rays: Rays) -> Evidence:
    """Weigh what one scale has found.

    Details taken for objects are sure but small, clumps taken for objects are large but unsure; at the right
    scale objects are both. The exponents were chosen on ``benchmarks/models`` (docs/training-log.md).
    """
    sure = candidates.prob > _DOUBT
    points, distances, prob = candidates.points[sure], candidates.distances[sure], candidates.prob[sure]
    kept = suppress(points, distances, prob, rays, threshold=0.3).kept
    if not len(kept):
        return Evidence(0.0, 0.0)
    diameter = 2 * np.cbrt((distances[kept].astype(np.float64) ** 3).mean(1))
    weight = (prob[kept] - _DOUBT) ** 3 * diameter**1.5
    return Evidence(float(weight.sum()), float((weight * prob[kept]).sum() / weight.sum()))


class _Level(NamedTuple):
    evidence: Evidence
    factor: float
    candidates: Candidates


def _best_level(
    model: Model, image: np.ndarray, voxel_size: Vec, floor: float, progress: ProgressCallback | None
) -> _Level:
    """Return the level with the most evidence; without any, the one nearest to no magnification."""
    rays = golden_spiral(model.network.config.num_rays)
    extent = np.array(image.shape) * np.array(voxel_size)
    factors = [
        f for f in _FACTORS if extent.max() * f >= _SMALLEST and (extent * f).prod() <= _LEVEL_VOXELS
    ] or [1.0]
    levels: list[_Level] = []
    for number, factor in enumerate(factors):
        if progress is not None:
            progress(number, len(factors), "object size")
        candidates = at_scale(model, image, voxel_size, factor, floor)
        levels.append(_Level(evidence(candidates, rays), factor, candidates))
        if factor >= 1 and levels[-1].evidence.score < max(level.evidence.score for level in levels):
            break  # finer levels cost most, and are worth it only while they are the best
    if progress is not None:
        progress(len(factors), len(factors), "object size")
    return max(levels, key=lambda level: (level.evidence.score, -abs(np.log(level.factor))))


def _sample(image: np.ndarray, voxel_size: Vec) -> np.ndarray:
    """Return the part of a large volume that decides: the box with the strongest structure, or all."""
    size = np.array(voxel_size)
    cubic = image.size * size.prod()
    if cubic <= _SAMPLE_VOXELS:
        return image
    side = np.minimum(np.round(_SAMPLE_VOXELS ** (1 / 3) / size).astype(int), image.shape)
    spare = _SAMPLE_VOXELS / (side * size).prod()  # what short axes leave goes to the long ones
    long = side < image.shape
    side[long] = np.minimum(side[long] * spare ** (1 / long.sum()), np.array(image.shape)[long]).astype(int)
    best, chosen = -1.0, image
    starts = [
        np.unique(np.linspace(0, n - s, max(1, min(4, n // s * 2))).astype(int))
        for n, s in zip(image.shape, side, strict=True)
    ]
    for z in starts[0]:
        for y in starts[1]:
            for x in starts[2]:
                box = image[z : z + side[0], y : y + side[1], x : x + side[2]]
                structure = float(box[::4, ::4, ::4].std())
                if structure > best:
                    best, chosen = structure, box
    return chosen
