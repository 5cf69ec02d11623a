"""The paper's figures from rows of results: PNG for looking at, SVG for papers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from anystar.evaluate import Curve
from anystar.lab.corruptions import CORRUPTIONS
from anystar.lab.tables import Row
from anystar.runtime.atomic import staged

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_bars", "draw_curves", "draw_robustness", "save_figure"]

# Okabe and Ito: distinct with every kind of colour vision; line styles help where there are more.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")
_STYLES = ("-", "--", ":", "-.")
_DPI = 120
_PER_LINE = 5
"Panels of corruptions side by side, at most."
_VISIBLE = 0.1
"""Bars that are lower cannot carry a white number."""


def _style(number: int) -> dict[str, Any]:
    return {"color": _COLOURS[number % len(_COLOURS)], "linestyle": _STYLES[number // len(_COLOURS) % 4]}


def _unique(values: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(values))


def draw_curves(rows: Sequence[Row]) -> Figure:
    """Draw AP against the overlap threshold, a panel per data set, and bars at 0.5 below (Figure 4A)."""
    from matplotlib.figure import Figure

    datasets, methods = _unique([r.dataset for r in rows]), _unique([r.method for r in rows])
    size = (max(3.4 * len(datasets), 5.5), 5.6 + 0.22 * len(methods))
    figure = Figure(figsize=size, layout="constrained", facecolor="white")
    axes = figure.subplots(2, len(datasets), squeeze=False, height_ratios=(3, 2))
    for column, dataset in enumerate(datasets):
        top, bottom = axes[:, column]
        for row in (r for r in rows if r.dataset == dataset and r.curve):
            _curve(top, row.curve, row.method, methods.index(row.method))
        top.set_title(_caption(dataset, [r for r in rows if r.dataset == dataset]), fontsize=10)
        top.set_xlabel("intersection over union")
        top.set(xlim=(0.1, 0.9), ylim=(0, 1))
        _bars(bottom, [r for r in rows if r.dataset == dataset], methods)
        if column == 0:
            top.set_ylabel("AP")
            bottom.set_ylabel("AP at 0.5")
    _legend(figure, methods)
    return figure


def _caption(dataset: str, rows: Sequence[Row]) -> str:
    curve = next((r.curve for r in rows if r.curve), None)
    if curve is None:
        return f"{dataset}: not run"
    volumes = f"{curve.num_volumes} volume" + ("s" if curve.num_volumes > 1 else "")
    return f"{dataset}\n({volumes}, {curve.num_true} objects)"


def _curve(axes: Axes, curve: Curve | None, label: str, number: int) -> None:
    assert curve is not None
    values = np.array([(a.value, a.low, a.high) for a in curve.ap]).T
    axes.fill_between(curve.thresholds, values[1], values[2], color=_style(number)["color"], alpha=0.15, lw=0)
    axes.plot(curve.thresholds, values[0], marker="o", markersize=3, label=label, **_style(number))
    axes.grid(alpha=0.3)


def _bars(axes: Axes, rows: Sequence[Row], methods: Sequence[str]) -> None:
    """Draw a bar a method at 0.5; what was not run says so in its place."""
    for row in rows:
        x = methods.index(row.method)
        if row.curve is None:
            axes.text(x, 0.02, "not run", rotation=90, ha="center", va="bottom", fontsize=7, color="#666666")
            continue
        half = row.curve.at(0.5)
        ink = "white" if half.value > _VISIBLE else "black"
        error = [[half.value - half.low], [half.high - half.value]]
        axes.bar(x, half.value, color=_style(x)["color"], yerr=np.maximum(error, 0), capsize=3)
        axes.text(x, 0.02, f"{half.value:.2f}", ha="center", va="bottom", fontsize=7, color=ink)
    axes.set(xticks=[], xlim=(-0.6, len(methods) - 0.4), ylim=(0, 1))
    axes.grid(axis="y", alpha=0.3)


def _legend(figure: Figure, methods: Sequence[str]) -> None:
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], lw=3, label=m, **_style(i)) for i, m in enumerate(methods)]
    figure.legend(
        handles=handles, loc="outside lower center", ncols=min(3, len(methods)), frameon=False, fontsize=9
    )


def draw_bars(rows: Sequence[Row]) -> Figure:
    """Draw the AP at 0.5, a panel per data set, a bar per method (Figure 4B)."""
    from matplotlib.figure import Figure

    datasets, methods = _unique([r.dataset for r in rows]), _unique([r.method for r in rows])
    size = (max(2.6 * len(datasets), 5.5), 3.4 + 0.22 * len(methods))
    figure = Figure(figsize=size, layout="constrained", facecolor="white")
    axes = figure.subplots(1, len(datasets), squeeze=False)
    for column, dataset in enumerate(datasets):
        chosen = [r for r in rows if r.dataset == dataset]
        _bars(axes[0, column], chosen, methods)
        axes[0, column].set_title(_caption(dataset, chosen), fontsize=9)
    axes[0, 0].set_ylabel("AP at IoU 0.5")
    _legend(figure, methods)
    return figure


def draw_robustness(rows: Sequence[Row]) -> Figure:
    """Draw the AP at 0.5 against the strength, a panel per corruption of a data set (Figure 4C)."""
    from matplotlib.figure import Figure

    datasets, methods = _unique([r.dataset for r in rows]), _unique([r.method for r in rows])
    kinds = _unique([r.corruption for r in rows])
    per_dataset = -(-len(kinds) // _PER_LINE)
    per_line = -(-len(kinds) // per_dataset)
    lines = len(datasets) * per_dataset
    size = (max(2.9 * per_line, 5.5), 2.5 * lines + 0.3 + 0.15 * len(methods))
    figure = Figure(figsize=size, layout="constrained", facecolor="white")
    axes = figure.subplots(lines, per_line, squeeze=False).ravel()
    for place in axes:
        place.set_visible(False)
    for d, dataset in enumerate(datasets):
        for k, kind in enumerate(kinds):
            place = axes[d * per_dataset * per_line + k]
            place.set_visible(True)
            _against_strength(
                place, [r for r in rows if (r.dataset, r.corruption) == (dataset, kind)], methods
            )
            place.set_title(f"{dataset}: {kind}", fontsize=9)
            place.set_xlabel(CORRUPTIONS[kind].axis, fontsize=8)
            if k % per_line == 0:
                place.set_ylabel("AP at 0.5", fontsize=8)
    _legend(figure, methods)
    return figure


def _against_strength(axes: Axes, rows: Sequence[Row], methods: Sequence[str]) -> None:
    for method in _unique([r.method for r in rows]):
        points = [(r.strength, r.curve.at(0.5)) for r in rows if r.method == method and r.curve]
        if not points:
            continue
        x = [p[0] for p in points]
        value, low, high = np.array([(p[1].value, p[1].low, p[1].high) for p in points]).T
        style = _style(methods.index(method))
        axes.fill_between(x, low, high, color=style["color"], alpha=0.15, lw=0)
        axes.plot(x, value, marker="o", markersize=3, **style)
    axes.set_ylim(0, 1)
    axes.grid(alpha=0.3)
    axes.tick_params(labelsize=8)


def save_figure(path: Path, figure: Figure) -> None:
    """Write a figure as ``path`` with ``.png`` and with ``.svg``; both appear whole or not at all."""
    with staged(path.with_suffix(".png"), path.with_suffix(".svg")) as (png, svg):
        figure.savefig(png, format="png", dpi=_DPI)
        figure.savefig(svg, format="svg", metadata={"Date": None})
