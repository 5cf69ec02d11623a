"""Overview images of many samples at once: middle slices of images and labels, and of stages on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from anystar.report.overview import label_colours
from anystar.runtime.atomic import staged
from anystar.synth.explain import explain
from anystar.synth.recipe import Recipe

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_montage", "save_gallery", "save_montage"]

_INCHES, _DPI = 1.6, 100
_GALLERY_INCHES, _GALLERY_DPI = 1.25, 80
_SAMPLES, _STAGES = 2, 5
"""Rows of a recipe in the gallery, and columns of images, the first of which is the painted one."""


def draw_montage(rows: Mapping[str, Sequence[np.ndarray]], *, titles: Sequence[str] = ()) -> Figure:
    """Draw one column a sample and one row a quantity.

    Parameters
    ----------
    rows : mapping of str to sequences of arrays ``(Z, Y, X)``
        Float volumes are drawn in grey from 0 to 1, integer ones as labels; only the middle plane is drawn.
    titles : sequence of str, optional
        One per column.
    """
    num = max(len(volumes) for volumes in rows.values())
    figure, axes = _grid(len(rows), num, (_INCHES * num, _INCHES * len(rows) + 0.3 * bool(titles)))
    for (name, volumes), line in zip(rows.items(), axes, strict=True):
        line[0].set_ylabel(name, fontsize=8)
        for axis, volume in zip(line, volumes, strict=False):
            if volume.dtype.kind == "f":
                axis.imshow(volume[len(volume) // 2], cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            else:
                _show_labels(axis, volume)
    for axis, title in zip(axes[0], titles, strict=False):
        axis.set_title(title, fontsize=7)
    return figure


def save_montage(
    path: str | Path, rows: Mapping[str, Sequence[np.ndarray]], *, titles: Sequence[str] = ()
) -> None:
    """Write the figure of :func:`draw_montage` as PNG; the file appears whole or not at all."""
    with staged(path) as (temporary,):
        draw_montage(rows, titles=titles).savefig(temporary, dpi=_DPI, format="png")


def save_gallery(
    path: str | Path, recipes: Sequence[Recipe], *, seed: int, shape: tuple[int, int, int]
) -> None:
    """Write a PNG with a row per sample: its objects, the stages of its image, evenly chosen, its labels."""
    num, columns = len(recipes) * _SAMPLES, _STAGES + 2
    figure, axes = _grid(num, columns, (_GALLERY_INCHES * columns, _GALLERY_INCHES * 1.12 * num))
    for number, line in enumerate(axes):
        recipe, index = recipes[number // _SAMPLES], number % _SAMPLES
        _, steps = explain(recipe, seed=seed, index=index, shape=shape)
        for axis, step, title in ((line[0], steps[0], "objects"), (line[-1], steps[-1], "labels")):
            _show_labels(axis, step.labels)
            axis.set_title(title, fontsize=6)
        for column, axis in enumerate(line[1:-1]):
            step = steps[round(column * (len(steps) - 1) / (_STAGES - 1))]
            low, high = np.percentile(step.image, (0.1, 99.9))  # a bright voxel must not hide the rest
            plane, top = step.image[len(step.image) // 2], max(high, low + 1e-6)
            axis.imshow(plane, cmap="gray", vmin=low, vmax=top, interpolation="nearest")
            axis.set_title(step.name.replace("_", " "), fontsize=6)
        line[0].set_ylabel(f"{recipe.name}\nsample {index}", fontsize=6)
    with staged(path) as (temporary,):
        figure.savefig(temporary, dpi=_GALLERY_DPI, format="png")


def _grid(rows: int, columns: int, inches: tuple[float, float]) -> tuple[Figure, np.ndarray]:
    """Return a figure and its axes ``(rows, columns)``, without ticks."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=inches, layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, subplot_kw={"xticks": [], "yticks": []})
    return figure, axes


def _show_labels(axis: Axes, labels: np.ndarray) -> None:
    plane = labels[len(labels) // 2]
    axis.imshow(label_colours(plane) * (plane > 0)[..., None], interpolation="nearest")
