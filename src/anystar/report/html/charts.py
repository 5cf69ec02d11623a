"""Line charts and histograms as numbers for an inline SVG: paths, ticks, and the table behind them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from anystar.evaluate import Interval

__all__ = ["HEIGHT", "WIDTH", "Chart", "Line", "curve_chart", "histogram"]

WIDTH, HEIGHT = 420, 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 24, 12, 44
_BINS = 24


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a chart."""

    name: str
    path: str
    "Of an SVG path."
    values: tuple[str, ...]
    "Its values at the rows of the chart's table."
    style: int
    "Number of its colour and dashes; -1 is the ground truth's."
    band: str = ""
    "Of an SVG path around its intervals; empty without them."


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A chart of :data:`WIDTH` by :data:`HEIGHT`."""

    title: str
    x_label: str
    y_label: str
    lines: tuple[Line, ...]
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    rows: tuple[str, ...]
    "First column of the table of values."
    box: tuple[int, int, int, int] = (_LEFT, _TOP, WIDTH - _RIGHT, HEIGHT - _BOTTOM)
    "Left, top, right and bottom of the plot."


def curve_chart(
    title: str, x: Sequence[float], curves: Mapping[str, Sequence[Interval]], *, x_label: str, y_label: str
) -> Chart:
    """Return a chart of curves within 0 and 1, each in the band of its intervals."""
    low, high = min(x), max(x)

    def path(across: Sequence[float], up: Sequence[float]) -> str:
        return "M" + "L".join(f"{_x(a, low, high)} {_y(b, 1)}" for a, b in zip(across, up, strict=True))

    lines = [
        Line(
            name=name,
            path=path(x, [v.value for v in values]),
            values=tuple(f"{v.value:.3f} ({v.low:.3f} to {v.high:.3f})" for v in values),
            style=style,
            band=path([*x, *reversed(x)], [v.low for v in values] + [v.high for v in reversed(values)]) + "Z",
        )
        for style, (name, values) in enumerate(curves.items())
    ]
    return Chart(
        title=title,
        x_label=x_label,
        y_label=y_label,
        lines=tuple(lines),
        x_ticks=tuple((_x(v, low, high), f"{v:g}") for v in x),
        y_ticks=tuple((_y(v, 1), f"{v:g}") for v in (0, 0.25, 0.5, 0.75, 1)),
        rows=tuple(f"{v:g}" for v in x),
    )


def histogram(
    title: str,
    groups: Mapping[str, np.ndarray],
    *,
    x_label: str,
    limits: tuple[float, float] | None = None,
    ground_truth: str | None = None,
) -> Chart | None:
    """Return a histogram of several groups with common bins, or None without a finite value.

    ``limits`` are those of the horizontal axis, by default of the values; ``ground_truth`` names the group
    that is drawn as such.
    """
    values = {name: v[np.isfinite(v)] for name, v in groups.items()}
    every = np.concatenate([*values.values(), np.zeros(0)])
    if len(every) == 0:
        return None
    low, high = (float(every.min()), float(every.max())) if limits is None else limits
    if not high > low:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, _BINS + 1)
    counts = {name: np.histogram(v, edges)[0] for name, v in values.items()}
    ticks = _round_ticks(max(1, max(int(c.max()) for c in counts.values())))
    runs = [name for name in counts if name != ground_truth]
    lines = []
    for name, count in counts.items():
        heights = [0, *np.repeat(count, 2).tolist(), 0]
        corners = zip(np.repeat(edges, 2), heights, strict=True)
        path = "M" + "L".join(f"{_x(e, low, high):.1f} {_y(n, ticks[-1]):.1f}" for e, n in corners)
        style = -1 if name == ground_truth else runs.index(name)
        lines.append(Line(name=name, path=path, values=tuple(map(str, count)), style=style))
    return Chart(
        title=title,
        x_label=x_label,
        y_label="objects",
        lines=tuple(lines),
        x_ticks=tuple((_x(v, low, high), tick_text(v)) for v in _ticks_between(low, high)),
        y_ticks=tuple((_y(v, ticks[-1]), tick_text(v)) for v in ticks),
        rows=tuple(f"{_value(a)} to {_value(b)}" for a, b in itertools.pairwise(edges)),
    )


def tick_text(value: float) -> str:
    """Return a number as a tick's label, of at most six signs.

    >>> [tick_text(v) for v in (0, 0.25, 12.5, 9000, 20_800, 1_060_000, 2.5e9, 2e-5)]
    ['0', '0.25', '12.5', '9000', '20.8k', '1.06M', '2.5G', '2e-05']
    """
    for least, size, name in ((1e9, 1e9, "G"), (1e6, 1e6, "M"), (1e4, 1e3, "k")):
        if abs(value) >= least:
            return f"{value / size:.3g}{name}"
    return f"{value:.4g}"


def _value(value: float) -> str:
    """Return a number of the table of values.

    >>> _value(20812.4), _value(3.14159)
    ('20,812', '3.142')
    """
    return f"{value:,.0f}" if abs(value) >= 1e4 else f"{value:.4g}"


def _ticks_between(low: float, high: float) -> list[float]:
    """Return three to seven round numbers within a range.

    >>> _ticks_between(0.0, 1.0), _ticks_between(20_800, 106_000)
    ([0.0, 0.2, 0.4, 0.6, 0.8, 1.0], [40000.0, 60000.0, 80000.0, 100000.0])
    """
    power = 10.0 ** np.floor(np.log10((high - low) / 3))
    step = next(s * power for s in (5, 2, 1, 0.5) if (high - low) / (s * power) >= 3)
    first, last = np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9)
    return [round(float(n * step), 12) + 0.0 for n in np.arange(first, last + 1)]


def _round_ticks(top: int) -> list[int]:
    """Return ticks from 0 to at least ``top`` in whole steps."""
    power = 10 ** max(0, int(np.floor(np.log10(top / 4))) if top > 4 else 0)
    step = next(s * power for s in (1, 2, 5, 10) if s * power * 4 >= top)
    return list(range(0, step * 4 + 1, step)) if top > 3 else list(range(top + 1))


def _x(value: float, low: float, high: float) -> float:
    return round(_LEFT + (value - low) / (high - low) * (WIDTH - _LEFT - _RIGHT), 1)


def _y(value: float, high: float) -> float:
    return round(HEIGHT - _BOTTOM - value / high * (HEIGHT - _TOP - _BOTTOM), 1)
