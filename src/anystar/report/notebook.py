"""How values are displayed in a notebook: self-contained HTML."""

from __future__ import annotations

import base64
import html

import imagecodecs
import numpy as np

from anystar import display
from anystar.predict.result import Result
from anystar.report.overview import Panel, panels, render

__all__ = ["result_html", "size_histogram"]

_LARGEST = 1 << 29
"""Voxels up to which a volume is drawn: more would keep the user waiting."""
_QUALITY = 80
"""Of the lossy compression of views, 0 to 100."""
_BINS = 24
_WIDTH, _HEIGHT = 300, 110
"""Pixels of the histogram without its labels."""


def result_html(result: Result) -> str:
    """Return a segmentation as HTML: facts, remarks, the overview image, and the sizes of the objects.

    Everything is inside of the text, and all text is escaped.
    """
    parts = [display.as_html(f"Result: {len(result.objects)} objects", result.facts)]
    if result.notes:
        notes = "".join(f"<li>{html.escape(str(note))}</li>" for note in result.notes)
        parts.append(f"<ul>{notes}</ul>")
    if result.image is not None and result.labels.size <= _LARGEST:
        views = panels(result.displayed(), result.labels, result.voxel_size.spacing)
        figures = "".join(map(_figure, views))
        parts.append(f"<div style='display: flex; flex-wrap: wrap; gap: 8px'>{figures}</div>")
    if len(result.objects):
        parts.append(size_histogram(result))
    return f"<div>{''.join(parts)}</div>"


def _figure(panel: Panel) -> str:
    pixels = (np.clip(render(panel, outlined=True), 0, 1) * 255).round().astype(np.uint8)
    encoded = base64.b64encode(imagecodecs.webp_encode(pixels, level=_QUALITY)).decode("ascii")
    title = html.escape(panel.title)
    return (
        f"<figure style='margin: 0'><img alt='{title}' style='height: 220px' "
        f"src='data:image/webp;base64,{encoded}'><figcaption>{title}</figcaption></figure>"
    )


def size_histogram(result: Result) -> str:
    """Return a histogram of the objects' diameters, of balls of their volumes, as SVG."""
    spacing, unit = result.voxel_size.spacing, result.voxel_size.unit
    diameters = np.cbrt(6 / np.pi * result.objects.volume_vox * np.prod(spacing))
    low, high = float(diameters.min()), float(diameters.max())
    if not high > low:
        low, high = 0.9 * low, 1.1 * high
    counts, _ = np.histogram(diameters, np.linspace(low, high, _BINS + 1))
    step = _WIDTH / _BINS
    bars = "".join(
        f"<rect x='{i * step:.1f}' y='{_HEIGHT * (1 - n / counts.max()) + 14:.1f}' width='{step - 1:.1f}' "
        f"height='{_HEIGHT * n / counts.max():.1f}'/>"
        for i, n in enumerate(counts.tolist())
        if n
    )
    name = f"diameter of a ball of the same volume ({'µm' if unit == 'um' else 'voxels of the finest axis'})"
    words = (
        (0, 10, "start", f"{counts.max()} objects"),
        (0, _HEIGHT + 28, "start", f"{low:.3g}"),
        (_WIDTH, _HEIGHT + 28, "end", f"{high:.3g}"),
        (_WIDTH / 2, _HEIGHT + 42, "middle", name),
    )
    labels = "".join(
        f"<text x='{x}' y='{y}' text-anchor='{anchor}'>{html.escape(text)}</text>"
        for x, y, anchor, text in words
    )
    return (
        f"<svg role='img' aria-label='{html.escape(name)}' width='{_WIDTH + 4}' height='{_HEIGHT + 46}' "
        "style='font: 11px sans-serif; fill: currentColor; margin-top: 8px'>"
        f"<g fill='#4c78a8'>{bars}</g>"
        f"<path d='M0 {_HEIGHT + 14.5}H{_WIDTH}' stroke='currentColor'/>{labels}</svg>"
    )
