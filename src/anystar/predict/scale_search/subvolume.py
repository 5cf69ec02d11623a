"""The part of an image that is searched."""

from __future__ import annotations

import numpy as np

from anystar.predict.scale_search.config import SearchConfig
from anystar.predict.scale_search.evidence import ScaleEvidence
from anystar.preprocess import PreparedImage
from anystar.preprocess.arrays import Box, Vec, whole_box

__all__ = ["choose_subvolume", "narrow", "uncut"]

_BEST = 50
"""Best objects around which a narrower box is tried."""


def choose_subvolume(image: PreparedImage, aspect: Vec, config: SearchConfig) -> Box:
    """Return the part of a large image to search: the box with the strongest structure, or all of it."""
    size = np.array(aspect)
    box = whole_box(image.shape)
    if np.prod(image.shape, dtype=float) * size.prod() <= config.part_voxels:
        return box
    return _strongest(image, box, _sides(np.array(image.shape), size, config.part_voxels))


def narrow(
    image: PreparedImage, box: Box, aspect: Vec, zoom: float, best: ScaleEvidence | None, config: SearchConfig
) -> Box:
    """Return the part of a box to try at a zoom: where the best scale so far has most evidence."""
    size = np.array(aspect) * zoom
    low, high = np.array([s.start for s in box]), np.array([s.stop for s in box])
    if ((high - low) * size).prod() <= 2 * config.scale_voxels:
        return box
    side = _sides(high - low, size, config.scale_voxels)
    if best is None or not best.evidence.score:
        return _strongest(image, box, side)
    centre = best.points / np.array(aspect)
    at = centre[np.argsort(-best.weight)[:_BEST]]
    start = np.clip(np.round(at - side / 2).astype(int), low, high - side)
    first, last = uncut(start, start + side, image.shape, size, config)
    covered = ((centre >= first[:, None]) & (centre < last[:, None])).all(2) @ best.weight
    z, y, x = start[covered.argmax()]
    return slice(z, z + side[0]), slice(y, y + side[1]), slice(x, x + side[2])


def uncut(
    low: np.ndarray, high: np.ndarray, shape: tuple[int, ...], size: np.ndarray, config: SearchConfig
) -> tuple[np.ndarray, np.ndarray]:
    """Return the corners of boxes without their margins next to a cut; ``size`` is the zoom along each
    axis.
    """
    edge = config.cut_margin / size
    return low + edge * (low > 0), high - edge * (high < shape)


def _sides(shape: np.ndarray, size: np.ndarray, voxels: int) -> np.ndarray:
    """Return the sides of a cube of ``voxels`` cubic voxels; what a short axis leaves goes to the long ones.

    An axis so coarse that the cube would hold fewer than 4 of its voxels gets 4, at the expense of the
    others.
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


def _strongest(image: PreparedImage, box: Box, side: np.ndarray) -> Box:
    """Return the box of the given sides with the strongest structure, of those on a grid."""
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
    return max(boxes, key=lambda b: float(image.crop(b).read((every, every, every)).std()))
