"""Few colours for many objects, so that those that touch have different ones."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence

import numpy as np

__all__ = ["Colour", "colour_numbers", "shades"]

Colour = tuple[int, int, int]
"""Red, green and blue, 0 to 255."""
_NEAR = 2
"""Voxels along an axis up to which objects count as touching."""
_SHADES = ((0.0, 1.0, 1.0), (0.07, 0.55, 1.0), (-0.07, 1.0, 0.72), (0.03, 0.8, 0.55))
"""Change of hue, and factors of saturation and value, of the shades of a colour."""


def colour_numbers(labels: np.ndarray, count: int) -> np.ndarray:
    """Return a number from 0 to ``count - 1`` for every label, different for objects that touch.

    Objects with many neighbours are numbered first. One that has neighbours of all numbers gets the rarest
    among them: with four numbers that is rare. Labels are ``(Z, Y, X)``; the result is by label, int64.

    Examples
    --------
    >>> colour_numbers(np.array([[[1, 1, 2, 2, 3, 3]]]), 4)[1:].tolist()
    [1, 0, 1]
    """
    chosen = np.zeros(int(labels.max(initial=0)) + 1, np.int64)
    neighbours: dict[int, list[int]] = {}
    for one, other in _touching(labels):
        neighbours.setdefault(one, []).append(other)
        neighbours.setdefault(other, []).append(one)
    done: set[int] = set()
    for label in sorted(neighbours, key=lambda n: (-len(neighbours[n]), n)):
        taken = [chosen[other] for other in neighbours[label] if other in done]
        chosen[label] = np.bincount(np.array(taken, np.int64), minlength=count).argmin()
        done.add(label)
    return chosen


def _touching(labels: np.ndarray) -> list[tuple[int, int]]:
    """Return the pairs of labels that lie within a few voxels along an axis, each once."""
    found = np.zeros((0, 2), labels.dtype)
    for axis in range(labels.ndim):
        for step in range(1, min(_NEAR, labels.shape[axis] - 1) + 1):
            along = np.moveaxis(labels, axis, 0)
            first, second = along[:-step], along[step:]
            differ = (first != second) & (first != 0) & (second != 0)
            pairs = np.sort(np.stack([first[differ], second[differ]], axis=1), axis=1)
            found = np.unique(np.concatenate([found, pairs]), axis=0)
    return [(int(one), int(other)) for one, other in found]


def shades(colour: Colour) -> Sequence[Colour]:
    """Return distinct variants of a colour, itself first.

    >>> shades((255, 176, 0))[0], len(set(shades((255, 176, 0))))
    ((255, 176, 0), 4)
    """
    hue, saturation, value = colorsys.rgb_to_hsv(*(c / 255 for c in colour))
    made: list[Colour] = []
    for turn, less, darker in _SHADES:
        red, green, blue = colorsys.hsv_to_rgb((hue + turn) % 1, saturation * less, value * darker)
        made.append((round(255 * red), round(255 * green), round(255 * blue)))
    return tuple(made)
