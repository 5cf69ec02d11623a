"""The paper's figures from rows of results: PNG for looking at, SVG for papers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from anystar.evaluate import Interval
from anystar.lab.corruptions import CORRUPTIONS
from anystar.lab.tables import Row
from anystar.runtime.atomic import staged

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_bars", "draw_curves", "draw_robustness", "new_figure", "save_figure"]

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


def new_figure(width: float, height: float) -> Figure:
    """Return a white figure of this size in inches, whose parts make room for each other."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained", facecolor="white")


def draw_curves(rows: Sequence[Row]) -> Figure:
    """Draw AP against the overlap threshold, a panel per data set, and bars at 0.5 below (Figure 4A)."""
    datasets, methods = _unique([r.dataset for r in rows]), _unique([r.method for r in rows])
    figure = new_figure(max(3.4 * len(datasets), 5.5), 5.6 + 0.22 * len(methods))
    axes = figure.subplots(2, len(datasets), squeeze=False, height_ratios=(3, 2))
    for (top, bottom), dataset in zip(axes.T, datasets, strict=True):
        chosen = [r for r in rows if r.dataset == dataset]
        for row in chosen:
            if row.curve:
                style = _style(methods.index(row.method))
                _curve(top, row.curve.thresholds, row.curve.ap, style, label=row.method)
        top.set_title(_caption(dataset, chosen), fontsize=10)
        top.set(xlabel="intersection over union", xlim=(0.1, 0.9), ylim=(0, 1))
        top.grid(alpha=0.3)
        _bars(bottom, chosen, methods)
    axes[0, 0].set_ylabel("AP")
    axes[1, 0].set_ylabel("AP at 0.5")
    _legend(figure, methods)
    return figure


def _caption(dataset: str, rows: Sequence[Row]) -> str:
    curve = next((r.curve for r in rows if r.curve), None)
    if curve is None:
        return f"{dataset}: not run"
    volumes = f"{curve.num_volumes} volume" + ("s" if curve.num_volumes > 1 else "")
    return f"{dataset}\n({volumes}, {curve.num_true} objects)"


def _curve(
    axes: Axes, x: Sequence[float], points: Sequence[Interval], style: Mapping[str, Any], label: str = ""
) -> None:
    """Draw points with a line, in the band of their intervals."""
    value, low, high = np.array([(p.value, p.low, p.high) for p in points]).T
    axes.fill_between(x, low, high, color=style["color"], alpha=0.15, lw=0)
    axes.plot(x, value, marker="o", markersize=3, label=label, **style)


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
    datasets, methods = _unique([r.dataset for r in rows]), _unique([r.method for r in rows])
    figure = new_figure(max(2.6 * len(datasets), 5.5), 3.4 + 0.22 * len(methods))
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
    datasets, methods = _unique([r.dataset for r in rows]), _unique([r.method for r in rows])
    kinds = _unique([r.corruption for r in rows])
    per_dataset = -(-len(kinds) // _PER_LINE)
    per_line = -(-len(kinds) // per_dataset)
    lines = len(datasets) * per_dataset
    figure = new_figure(max(2.9 * per_line, 5.5), 2.5 * lines + 0.3 + 0.15 * len(methods))
    axes = figure.subplots(lines, per_line, squeeze=False).ravel()
    for place in axes:
        place.set_visible(False)
    for d, dataset in enumerate(datasets):
        for k, kind in enumerate(kinds):
            place = axes[d * per_dataset * per_line + k]
            place.set_visible(True)
            chosen = [r for r in rows if (r.dataset, r.corruption) == (dataset, kind)]
            _against_strength(place, chosen, methods)
            place.set_title(f"{dataset}: {kind}", fontsize=9)
            place.set_xlabel(CORRUPTIONS[kind].axis, fontsize=8)
            if k % per_line == 0:
                place.set_ylabel("AP at 0.5", fontsize=8)
    _legend(figure, methods)
    return figure


def _against_strength(axes: Axes, rows: Sequence[Row], methods: Sequence[str]) -> None:
    for method in _unique([r.method for r in rows]):
        points = [(r.strength, r.curve.at(0.5)) for r in rows if r.method == method and r.curve]
        if points:
            strengths, intervals = zip(*points, strict=True)
            _curve(axes, strengths, intervals, _style(methods.index(method)))
    axes.set_ylim(0, 1)
    axes.grid(alpha=0.3)
    axes.tick_params(labelsize=8)


def save_figure(path: Path, figure: Figure) -> list[Path]:
    """Write a figure as PNG, with an SVG beside it, whole or not at all; return both paths."""
    written = [path, path.with_suffix(".svg")]
    with staged(*written) as (png, svg):
        figure.savefig(png, format="png", dpi=_DPI)
        figure.savefig(svg, format="svg", metadata={"Date": None})
    return written
