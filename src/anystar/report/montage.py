"""Overview images of many samples at once: middle slices of images, labels and predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from anystar.report.overview import label_colours
from anystar.runtime.atomic import staged

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw_montage", "save_montage"]

_INCHES, _DPI = 1.6, 100


def draw_montage(rows: Mapping[str, Sequence[np.ndarray]], *, titles: Sequence[str] = ()) -> Figure:
    """Draw one column a sample and one row a quantity.

    Parameters
    ----------
    rows : mapping of str to sequences of arrays ``(Z, Y, X)``
        Float volumes are drawn in grey from 0 to 1, integer ones as labels; only the middle plane is drawn.
    titles : sequence of str, optional
        One per column.
    """
    from matplotlib.figure import Figure

    num = max(len(volumes) for volumes in rows.values())
    figure = Figure(figsize=(_INCHES * num, _INCHES * len(rows) + 0.3 * bool(titles)), layout="constrained")
    axes = figure.subplots(len(rows), num, squeeze=False)
    for number, ((name, volumes), line) in enumerate(zip(rows.items(), axes, strict=True)):
        for column, (axis, volume) in enumerate(zip(line, volumes, strict=False)):
            plane = volume[len(volume) // 2]
            if plane.dtype.kind == "f":
                axis.imshow(plane, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            else:
                axis.imshow(label_colours(plane) * (plane > 0)[..., None], interpolation="nearest")
            if column == 0:
                axis.set_ylabel(name, fontsize=8)
            if number == 0 and titles:
                axis.set_title(titles[column], fontsize=7)
        for axis in line:
            axis.set_xticks([])
            axis.set_yticks([])
    return figure


def save_montage(
    path: str | Path, rows: Mapping[str, Sequence[np.ndarray]], *, titles: Sequence[str] = ()
) -> None:
    """Draw and write as PNG."""
    with staged(path) as (temporary,):
        draw_montage(rows, titles=titles).savefig(temporary, dpi=_DPI, format="png")
