"""Slices of a volume as small WebP images: the grey values once, the outlines of every layer over them."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import imagecodecs
import numpy as np
from scipy.ndimage import binary_dilation

from anystar.objects.labels import number_consecutively
from anystar.report.html.colouring import Colour, colour_numbers
from anystar.report.overview import outline, to_grey

__all__ = ["Layer", "Plane", "cut_planes"]

_PIXELS, _MOST_PIXELS = 400, 800
"""Across the widest slice, and of no side more than."""
_QUALITY = 60
"""Of the lossy compression of the grey values, 0 to 100; outlines are lossless."""
_SAMPLE = 1 << 21
"""Voxels that the grey scale is chosen from."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Layer:
    """Outlines to lay over the image."""

    name: str
    "What they are."
    labels: np.ndarray
    "(Z, Y, X) int."
    colours: Sequence[Colour]
    "At least one; objects that touch have different ones, as far as there are enough."
    marked: np.ndarray
    "Labels that are drawn bold."


class _Drawn(NamedTuple):
    """A layer with consecutive labels."""

    labels: np.ndarray
    colour: np.ndarray
    """By label, uint8, shape ``(highest + 1, 3)``."""
    bold: np.ndarray
    """By label, bool."""


def _drawn(layer: Layer) -> _Drawn:
    labels, names = number_consecutively(layer.labels)
    colour = np.array(layer.colours, np.uint8)[colour_numbers(labels, len(layer.colours))]
    return _Drawn(labels, colour, np.concatenate([[False], np.isin(names, layer.marked)]))


@dataclass(frozen=True, kw_only=True)
class Plane:
    """The slices along one axis."""

    name: str
    "XY, XZ or YZ."
    axis: int
    "The axis that the slices are stacked along: 0 Z, 1 Y, 2 X."
    size: tuple[int, int]
    "Voxels down and across."
    aspect: float
    "Width by height of a slice as it lies in space."
    width: float
    "Of a slice, in units of the widest of the three."
    index: tuple[int, ...]
    "Which slices there are, ascending."
    first: int
    "Which of them is displayed first: the one with most object voxels."
    grey: tuple[str, ...]
    "The slices, WebP in base64."
    outlines: tuple[tuple[str, ...], ...]
    "For each layer the same slices, transparent where there is no outline."


def cut_planes(
    image: np.ndarray | None,
    layers: Sequence[Layer],
    *,
    spacing: tuple[float, float, float],
    most: int,
    wanted: np.ndarray,
) -> tuple[Plane, ...]:
    """Cut a volume into XY, XZ and YZ slices; without an image they are black.

    There are up to ``most`` along an axis, evenly chosen, and those of the ``wanted`` positions, ``(N, 3)``
    in voxels. ``spacing`` is the size of a voxel along Z, Y, X.
    """
    shape = layers[0].labels.shape
    window = None if image is None else _grey_window(image)
    widest = max(shape[1] * spacing[1], shape[2] * spacing[2])
    longest = max(n * s for n, s in zip(shape, spacing, strict=True))
    scale = min(_PIXELS / widest, _MOST_PIXELS / longest)
    drawn = [_drawn(layer) for layer in layers]
    planes = []
    for axis, name in enumerate(("XY", "XZ", "YZ")):
        down, across = (a for a in range(3) if a != axis)
        even = np.linspace(0, shape[axis] - 1, min(shape[axis], most)).round().astype(int)
        index = np.union1d(even, wanted[:, axis].round().clip(0, shape[axis] - 1).astype(int)).tolist()
        extent = (shape[down] * spacing[down], shape[across] * spacing[across])
        pixels = tuple(max(1, round(e * scale)) for e in extent)
        grey = [_grey(None if image is None else image.take(i, axis=axis), window) for i in index]
        outlines = [
            tuple(_outlines(layer, layer.labels.take(i, axis=axis), pixels) for i in index) for layer in drawn
        ]
        planes.append(
            Plane(
                name=name,
                axis=axis,
                size=(shape[down], shape[across]),
                aspect=extent[1] / extent[0],
                width=extent[1] / widest,
                index=tuple(index),
                first=_fullest(layers[0].labels, axis, index),
                grey=tuple(grey),
                outlines=tuple(outlines),
            )
        )
    return tuple(planes)


def _fullest(labels: np.ndarray, axis: int, index: Sequence[int]) -> int:
    """Return which of the slices has most object voxels; of equal ones that nearest to the middle."""
    filled = [np.count_nonzero(labels.take(i, axis=axis)) for i in index]
    middle = (labels.shape[axis] - 1) / 2
    return max(range(len(index)), key=lambda n: (filled[n], -abs(index[n] - middle)))


def _grey_window(image: np.ndarray) -> tuple[float, float]:
    """Return the values that become black and white, of a sample of evenly spaced voxels."""
    step = max(1, round((image.size / _SAMPLE) ** (1 / 3)))
    sample = image[::step, ::step, ::step]
    finite = sample[np.isfinite(sample)]
    low, high = np.percentile(finite, [1.0, 99.8]) if finite.size else (0.0, 0.0)
    return float(low), float(high)


def _grey(plane: np.ndarray | None, window: tuple[float, float] | None) -> str:
    """Encode one slice, averaged in blocks if it is larger than it will be displayed."""
    if plane is None:
        return _encode(np.zeros((1, 1, 3), np.uint8))
    down, across = (max(1, n // _PIXELS) for n in plane.shape)
    rows, columns = plane.shape[0] // down, plane.shape[1] // across
    blocks = plane[: rows * down, : columns * across].reshape(rows, down, columns, across)
    grey = (to_grey(blocks.mean(axis=(1, 3)), window) * 255).round().astype(np.uint8)
    return _encode(np.repeat(grey[..., None], 3, axis=2), level=_QUALITY)


def _outlines(layer: _Drawn, plane: np.ndarray, pixels: tuple[int, ...]) -> str:
    """Encode the outlines of one slice in square pixels, so that they are equally thin in all directions."""
    rows, columns = ((np.arange(p) + 0.5) * n // p for p, n in zip(pixels, plane.shape, strict=True))
    labels = plane[np.ix_(rows.astype(int), columns.astype(int))]
    edge = binary_dilation(outline(labels)) & (labels > 0)
    bold = layer.bold[labels]
    edge |= binary_dilation(edge & bold, iterations=2) & bold
    rgba = np.zeros((*labels.shape, 4), np.uint8)
    rgba[edge, :3], rgba[edge, 3] = layer.colour[labels[edge]], 255
    return _encode(rgba, lossless=True)


def _encode(pixels: np.ndarray, *, level: int | None = None, lossless: bool = False) -> str:
    encoded = imagecodecs.webp_encode(pixels, level=level, lossless=lossless, method=2)
    return base64.b64encode(encoded).decode("ascii")
