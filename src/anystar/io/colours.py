"""How ImageJ displays a label image: a colour for each number, black for the background."""

from __future__ import annotations

import colorsys
from functools import cache
from typing import Any

import numpy as np

__all__ = ["imagej_colour", "label_display"]

_ENTRIES = 256
_GOLDEN = 0.618033988749895
"""Step of the hue, of which any number of successive ones lie far apart."""


def label_display(highest: int) -> dict[str, Any]:
    """Return the display range and the colour table of labels up to ``highest``, for tifffile's ``metadata``.

    Up to 255 labels, each has its own entry of the table; of more, neighbouring numbers share one.

    Examples
    --------
    >>> display = label_display(26)
    >>> display["min"], display["max"], display["LUTs"][0][:, 0].tolist()
    (0.0, 255.0, [0, 0, 0])
    """
    colours = np.array([_colour(i) for i in range(_ENTRIES)], np.uint8).T
    top = float(max(highest, _ENTRIES - 1))
    return {"min": 0.0, "max": top, "Ranges": (0.0, top), "LUTs": [colours]}


def imagej_colour(label: int, highest: int) -> tuple[int, int, int]:
    """Return the colour, red, green and blue from 0 to 255, in which ImageJ displays a label.

    >>> imagej_colour(1, 26) == imagej_colour(2, 26), imagej_colour(0, 26)
    (False, (0, 0, 0))
    """
    top = max(highest, _ENTRIES - 1)
    return _colour(min(int(label * _ENTRIES / (top + 1) + 0.5), _ENTRIES - 1))  # as ImageJ rounds


@cache
def _colour(entry: int) -> tuple[int, int, int]:
    """Return the colour of an entry of the table."""
    if entry == 0:
        return 0, 0, 0
    saturation, value = (0.55, 0.75, 0.95)[entry % 3], (1.0, 0.85)[entry % 2]
    red, green, blue = (round(255 * c) for c in colorsys.hsv_to_rgb(entry * _GOLDEN % 1, saturation, value))
    return red, green, blue
