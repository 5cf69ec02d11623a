"""Short descriptions of values for the console and for notebooks."""

from __future__ import annotations

import html
import importlib
from collections.abc import Mapping, Sequence

__all__ = ["RENDERERS", "as_html", "as_text", "length", "lengths", "rich_html", "unit_name"]

RENDERERS: dict[str, str] = {}
"""What displays a value of a class in a notebook, ``module:function``. The package fills it in, as the
functions draw with modules that the classes must not depend on."""


def rich_html(value: object) -> str | None:
    """Return the HTML of a value by the renderer of its class, None without one."""
    place = RENDERERS.get(type(value).__name__)
    if place is None:
        return None
    module, _, name = place.partition(":")
    return str(getattr(importlib.import_module(module), name)(value))


def as_text(title: str, facts: Mapping[str, str]) -> str:
    """Return a title and a few facts as lines.

    >>> print(as_text("Volume", {"shape": "4 x 8 x 8", "voxel": "unknown"}))
    Volume
      shape: 4 x 8 x 8
      voxel: unknown
    """
    return "\n".join([title, *(f"  {name}: {value}" for name, value in facts.items())])


def as_html(title: str, facts: Mapping[str, str]) -> str:
    """Return the same as an HTML table."""
    rows = "".join(
        f"<tr><th style='text-align: left'>{html.escape(name)}</th>"
        f"<td style='text-align: left'>{html.escape(value)}</td></tr>"
        for name, value in facts.items()
    )
    return f"<div><strong>{html.escape(title)}</strong><table>{rows}</table></div>"


_NAMES = {"nm": ("nm", 1e-3), "um": ("µm", 1.0), "mm": ("mm", 1e3), "m": ("m", 1e6)}
"""Units of length: how they are written, and micrometres per unit."""


def unit_name(unit: str) -> str:
    """Return how a unit of length is written.

    >>> unit_name("um"), unit_name("mm")
    ('µm', 'mm')
    """
    return _NAMES[unit][0]


def lengths(spacing: Sequence[float] | None, unit: str, length_unit: str = "um") -> str:
    """Return a voxel size, which is in micrometres or relative, in words, in the unit ``length_unit``.

    >>> lengths((2.0, 0.5, 0.5), "um"), lengths((4.0, 1.0, 1.0), "relative")
    ('2 x 0.5 x 0.5 µm (Z, Y, X)', '4 x 1 x 1 (Z, Y, X), unit unknown')
    """
    if spacing is None:
        return "unknown"
    name, factor = _NAMES[length_unit if unit == "um" else "um"]
    edges = " x ".join(f"{edge / factor:.4g}" for edge in spacing)
    return f"{edges} {name} (Z, Y, X)" if unit == "um" else f"{edges} (Z, Y, X), unit unknown"


def length(value: float, unit: str, length_unit: str = "um") -> str:
    """Return a length in micrometres in the unit ``length_unit``, or in voxels if the unit is unknown.

    Micrometres become nanometres or millimetres where these suit better.

    >>> length(4890.0, "um"), length(4.9, "um"), length(0.02, "um"), length(16.0, "relative")
    ('4.89 mm', '4.9 µm', '20 nm', '16 voxels')
    >>> length(490.0, "um", "mm"), length(4890.0, "um", "nm")
    ('0.49 mm', '4.89e+06 nm')
    """
    if unit != "um":
        return f"{value:.3g} voxels"
    if length_unit != "um":
        name, factor = _NAMES[length_unit]
        return f"{value / factor:.3g} {name}"
    scale, name = next((s, n) for s, n in ((1e3, "mm"), (1.0, "µm"), (1e-3, "nm"), (0.0, "nm")) if value >= s)
    return f"{value / (scale or 1e-3):.3g} {name}"
