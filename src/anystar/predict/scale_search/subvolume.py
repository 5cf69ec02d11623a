"""The part of an image that is searched."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import torch
from scipy import ndimage

from anystar.box import triple
from anystar.predict.scale_search.config import SearchConfig
from anystar.predict.scale_search.evidence import ScaleEvidence
from anystar.preprocess import PreparedImage
from anystar.preprocess.arrays import Box, Vec, box_shape, corners, whole_box, within
from anystar.preprocess.resample import ResampledImage

__all__ = ["choose_places", "choose_subvolume", "narrow", "uncut"]

_BEST = 50
"""Best objects around which a narrower box is tried."""
_OBJECT, _COARSER = 12.0, 4.0
"""Typical diameter of objects in voxels that the network sees, and how many times coarser their structure is
measured."""
_STRONGEST = 0.95
"""Quantile of the structure above which it counts no more: the edge of a specimen is stronger than parts."""


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
    low, high = corners(box)
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
    return _box(start[covered.argmax()], side)


def choose_places(
    image: PreparedImage, box: Box, aspect: Vec, zoom: float, best: ScaleEvidence, config: SearchConfig
) -> list[Box]:
    """Return the places of a box to try at a zoom while the best scale has few objects.

    These may be a specimen, and its parts may be clear only at its surface, or only in its core. So disjoint
    places of the box are tried: that with the most evidence, and those with the strongest structure of the
    size of the objects at that zoom.
    """
    size = np.array(aspect) * zoom
    low, high = corners(box)
    if ((high - low) * size).prod() <= config.num_places * config.scale_voxels:
        return [box]
    along = (high - low) // _sides(high - low, size, config.scale_voxels)
    while along.prod() < 2 * config.num_places:
        along[((high - low) * size / along).argmax()] += 1
    side = (high - low) // along
    starts = [
        np.linspace(first, last - n, num).astype(int)
        for first, last, n, num in zip(low, high, side, along, strict=True)
    ]
    cells = [_box(start, side) for start in itertools.product(*starts)]
    middle = np.array([[(s.start + s.stop) / 2 for s in cell] for cell in cells])
    heaviest = best.points[best.weight.argmax()] / np.array(aspect)
    core = int(np.abs((middle - heaviest) * size).max(1).argmin())
    structure = _structure(image, box, cells, size)
    order = [core, *(int(i) for i in np.argsort(-structure, kind="stable") if i != core)]
    number = max(1, int(config.num_places * config.scale_voxels / (side * size).prod()))
    return [cells[i] for i in order[:number]]


def _structure(image: PreparedImage, box: Box, cells: list[Box], size: np.ndarray) -> np.ndarray:
    """Return how strongly cells of a box vary over distances of an object's size at a zoom."""
    grid = ResampledImage(prepared=image.crop(box), zoom=triple(size / _COARSER), device=torch.device("cpu"))
    part = grid.read(whole_box(grid.shape))
    if part is None:
        return np.zeros(len(cells))
    values = part.numpy()[0, 0]
    band = np.abs(values - ndimage.gaussian_filter(values, _OBJECT / _COARSER))
    band = np.minimum(band, np.quantile(band, _STRONGEST))
    factor = np.array(values.shape) / box_shape(box)
    means = []
    for cell in cells:
        ends = [(s.start * f, s.stop * f) for s, f in zip(within(cell, box), factor, strict=True)]
        means.append(float(band[tuple(slice(int(a), max(int(a) + 1, round(b))) for a, b in ends)].mean()))
    return np.array(means)


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
    boxes = [_box(start, side) for start in itertools.product(*starts)]
    return max(boxes, key=lambda b: float(image.read(_every_fourth(b)).std()))


def _every_fourth(box: Box) -> Box:
    """Return every 4th plane, row and column of a box: reading no more, only these are corrected."""
    return triple(slice(s.start, s.stop, 4) for s in box)


def _box(start: Sequence[int], side: np.ndarray) -> Box:
    """Return the box of some sides from a first voxel on."""
    return triple(slice(first, first + num) for first, num in zip(start, side, strict=True))
