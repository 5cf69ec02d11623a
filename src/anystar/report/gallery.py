"""The gallery of the generative model: recipes by samples by stages."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from anystar.report.overview import label_colours
from anystar.runtime.atomic import staged
from anystar.synth.explain import ExplainedStage, explain
from anystar.synth.recipe import Recipe

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw_gallery", "save_gallery"]

_INCHES, _DPI = 1.25, 80


def draw_gallery(
    recipes: Sequence[Recipe],
    *,
    seed: int,
    shape: tuple[int, int, int] = (64, 64, 64),
    samples: int = 2,
    stages: int = 5,
) -> Figure:
    """Draw one row a sample: its labels, the painted objects, stages on the way, the image, its labels.

    Parameters
    ----------
    recipes : sequence of Recipe
    seed : int
        Samples 0 to ``samples - 1`` of it are drawn.
    shape : three ints
        Of the samples; their middle planes are displayed.
    samples : int
        Rows a recipe.
    stages : int
        Columns of images, evenly chosen from the stages that a sample got; the first is the painted one.
    """
    from matplotlib.figure import Figure

    num_rows, num_columns = len(recipes) * samples, stages + 2
    figure = Figure(figsize=(_INCHES * num_columns, _INCHES * 1.12 * num_rows), layout="constrained")
    axes = figure.subplots(num_rows, num_columns, squeeze=False)
    for number, line in enumerate(axes):
        recipe, index = recipes[number // samples], number % samples
        _, steps = explain(recipe, seed=seed, index=index, shape=shape)
        _draw_row(line, steps, stages)
        line[0].set_ylabel(f"{recipe.name}\nsample {index}", fontsize=6)
        for axis in line:
            axis.set_xticks([])
            axis.set_yticks([])
    return figure


def _draw_row(line: Sequence, steps: Sequence[ExplainedStage], stages: int) -> None:
    chosen = [steps[round(i * (len(steps) - 1) / (stages - 1))] for i in range(stages)]
    middle = len(steps[0].image) // 2
    for axis, step, title in ((line[0], steps[0], "objects"), (line[-1], steps[-1], "labels")):
        plane = step.labels[middle]
        axis.imshow(label_colours(plane) * (plane > 0)[..., None], interpolation="nearest")
        axis.set_title(title, fontsize=6)
    for axis, step in zip(line[1:-1], chosen, strict=True):
        plane = step.image[middle]
        low, high = np.percentile(step.image, (0.1, 99.9))  # a spike or a bright voxel must not hide the rest
        axis.imshow(plane, cmap="gray", vmin=low, vmax=max(high, low + 1e-6), interpolation="nearest")
        axis.set_title(step.name.replace("_", " "), fontsize=6)


def save_gallery(
    path: str | Path, recipes: Sequence[Recipe], *, seed: int, shape: tuple[int, int, int] = (64, 64, 64)
) -> None:
    """Draw and write as PNG."""
    with staged(path) as (temporary,):
        draw_gallery(recipes, seed=seed, shape=shape).savefig(temporary, dpi=_DPI, format="png")
