"""The outputs of several methods on the same slice, side by side (Figure 5)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from anystar.lab.items import Dataset, Item, Pair, read_pair
from anystar.lab.methods import Method
from anystar.lab.plots import new_figure
from anystar.lab.runner import FLAT, Laboratory
from anystar.lab.tables import Row
from anystar.report.overview import Panel, render, to_grey

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw_side_by_side"]

_INCHES, _TITLE = 2.2, 0.45


def draw_side_by_side(
    datasets: Sequence[Dataset], methods: Sequence[Method], lab: Laboratory, rows: Sequence[Row]
) -> Figure:
    """Draw a row per data set: the slice with most true objects, the ground truth, each method's outlines.

    Only data sets with rows are drawn, each with its first test volume that could be used.
    """
    curves = {(row.dataset, row.method): row.curve for row in reversed(rows) if row.curve}
    named = {name for name, _ in curves}
    displayed = [(d, *first) for d in datasets if d.name in named and (first := _first(d)) is not None]
    columns = 2 + len(methods)
    heights = [_TITLE + _INCHES * min(1.0, _height(pair)) for _, _, pair in displayed] or [_TITLE + _INCHES]
    figure = new_figure(max(_INCHES * columns, 4), sum(heights))
    axes = figure.subplots(len(heights), columns, squeeze=False, height_ratios=heights)
    for place in axes.ravel():
        place.set_axis_off()
    for line, (dataset, item, pair) in zip(axes, displayed, strict=False):
        plane = int(np.count_nonzero(pair.labels, axis=(1, 2)).argmax())
        segmented = {
            m.name: lab.labels(m, dataset, item) for m in methods if (dataset.name, m.name) in curves
        }
        views = {dataset.name: None, "ground truth": pair.labels, **segmented}
        for place, (title, labels) in zip(line, views.items(), strict=False):
            panel = _panel(pair, labels, plane)
            height, width = panel.extent
            place.imshow(render(panel, outlined=labels is not None), extent=(0, width, height, 0))
            curve = curves.get((dataset.name, title))
            score = f"AP at 0.5: {curve.at(0.5).value:.2f}" if curve else ""
            place.set_title(f"{title}\n{score}", fontsize=8)
    return figure


def _height(pair: Pair) -> float:
    """Return the height of a slice as a share of its width."""
    _, height, width = np.multiply(pair.image.shape, pair.image.spacing or FLAT)
    return float(height / width)


def _first(dataset: Dataset) -> tuple[Item, Pair] | None:
    for item in dataset.test:
        try:
            pair = read_pair(item)
        except (ValueError, OSError):  # reported when the scores were made
            continue
        if pair.labels.any():
            return item, pair
    return None


def _panel(pair: Pair, labels: np.ndarray | None, plane: int) -> Panel:
    spacing = pair.image.spacing or FLAT
    here = np.zeros(pair.image.shape[1:], np.int32) if labels is None else labels[plane]
    return Panel(title="", grey=to_grey(pair.image.data[plane]), labels=here, size=(spacing[1], spacing[2]))
