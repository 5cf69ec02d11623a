"""How ImageJ displays a label image: a colour for each number, black for the background."""

from __future__ import annotations

import colorsys
from typing import Any

import numpy as np

__all__ = ["label_display"]

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
    colours = np.zeros((3, _ENTRIES), np.uint8)
    for i in range(1, _ENTRIES):
        saturation, value = (0.55, 0.75, 0.95)[i % 3], (1.0, 0.85)[i % 2]
        colours[:, i] = [round(255 * c) for c in colorsys.hsv_to_rgb(i * _GOLDEN % 1, saturation, value)]
    top = float(max(highest, _ENTRIES - 1))
    return {"min": 0.0, "max": top, "Ranges": (0.0, top), "LUTs": [colours]}
