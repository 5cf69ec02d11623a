"""How much to magnify a volume so that its objects have a size that the network knows.

Told a diameter, the volume is scaled to it. Otherwise a pyramid of scales is tried, coarse to fine, and the
one that explains most of the volume with confidence wins. (Merging the candidates of all scales and suppressing
across them was tried and found worse: details seen too large, and clumps seen too small, survive.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from anystar.geometry.rays import Rays, golden_spiral
from anystar.geometry.suppression import suppress
from anystar.predict.candidates import Candidates, ProgressCallback

if TYPE_CHECKING:
    from anystar.predict.model import Model

__all__ = ["Found", "at_scale", "evidence", "search"]

Vec = tuple[float, float, float]

_FACTORS = tuple(2 ** (k / 2) for k in range(-7, 3))
"""Magnifications that are tried, of the finest axis: 0.09 to 2."""
_SMALLEST = 16
"""Voxels along the longest axis under which a level shows too little."""
_SAMPLE_VOXELS = 160**3
"""Voxels (cubic ones, of the finest axis) of the part of a larger volume that decides."""
_LEVEL_VOXELS = 192**3
"""No level of more voxels is tried."""
_DOUBT = 0.2
"""Probability from which an object counts as evidence."""
_DECLINE = 0.5
"""Two levels in a row with less than this share of the best evidence end the search."""


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
    factor, candidates = _best_level(model, part, voxel_size, floor, progress)
    if part is not image:
        candidates = at_scale(model, image, voxel_size, factor, floor, progress)
    return Found(candidates=candidates, diameter=known / factor)


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


def evidence(candidates: Candidates, rays: Rays) -> float:
    """Return how much volume the candidates explain, weighted by the square of what exceeds doubt.

    Details taken for objects are sure but small, clumps taken for objects are large but unsure; at the right
    scale objects are both.
    """
    sure = candidates.prob > _DOUBT
    points, distances, prob = candidates.points[sure], candidates.distances[sure], candidates.prob[sure]
    kept = suppress(points, distances, prob, rays, threshold=0.3).kept
    volume = (distances[kept].astype(np.float64) ** 3).mean(1) if len(kept) else np.zeros(0)
    return float(((prob[kept] - _DOUBT) ** 2 * volume).sum())


def _best_level(
    model: Model, image: np.ndarray, voxel_size: Vec, floor: float, progress: ProgressCallback | None
) -> tuple[float, Candidates]:
    """Return the magnification with the most evidence, and its candidates; 1 if there is none at all."""
    rays = golden_spiral(model.network.config.num_rays)
    extent = np.array(image.shape) * np.array(voxel_size)
    factors = [
        f for f in _FACTORS if extent.max() * f >= _SMALLEST and (extent * f).prod() <= _LEVEL_VOXELS
    ] or [1.0]
    found: list[tuple[float, float, Candidates]] = []
    for number, factor in enumerate(factors):
        if progress is not None:
            progress(number, len(factors), "object size")
        candidates = at_scale(model, image, voxel_size, factor, floor)
        found.append((evidence(candidates, rays), factor, candidates))
        best = max(score for score, _, _ in found)
        if best > 0 and len(found) > 2 and all(score < _DECLINE * best for score, _, _ in found[-2:]):
            break
    if progress is not None:
        progress(len(factors), len(factors), "object size")
    score, factor, candidates = max(found, key=lambda level: level[0])
    if score > 0:
        return factor, candidates
    return min(found, key=lambda level: abs(np.log(level[1])))[1:]


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
