"""The voxel size that a TIFF states, in micrometres along Z, Y, X."""

from __future__ import annotations

import itertools
import math
from typing import Any, NamedTuple
from xml.etree import ElementTree

import tifffile

from anystar.io.source import Spacing, Unit
from anystar.io.units import micrometres_per

__all__ = ["Found", "tiff_spacing"]


class Found(NamedTuple):
    """What a file says about the size of a voxel."""

    spacing: Spacing | None
    """Along Z, Y, X; ``None`` if the file does not state all three."""
    unit: Unit
    """Of the spacing."""
    fault: str = ""
    """What is impossible about it."""


_NOTHING = Found(None, "um")


def tiff_spacing(tif: tifffile.TiffFile) -> Found:
    """Return the spacing and its unit.

    Lengths in a unit that is not a length (``pixel``, ``reference frame``) give ``"relative"``: their ratios
    hold. A plain TIFF's resolution has no Z and is therefore not used.
    """
    if tif.is_ome and tif.ome_metadata:
        return _ome(tif.ome_metadata)
    if tif.is_imagej:
        return _imagej(tif)
    return _NOTHING


def _imagej(tif: tifffile.TiffFile) -> Found:
    """ImageJ: pixels per unit in the resolution tags, ``spacing`` along Z, one unit for all unless said.

    ImageJ leaves ``spacing`` out when it is exactly 1, so a missing one is 1 where the file has a unit of
    length. Without either, the resolution is no more than a default (72 per inch, say) and states nothing.
    """
    metadata: dict[str, Any] = tif.imagej_metadata or {}
    unit = str(metadata.get("unit", "pixel"))
    units = (str(metadata.get("zunit", unit)), str(metadata.get("yunit", unit)), unit)
    if micrometres_per(unit) is None and "spacing" not in metadata:
        return _NOTHING
    z = abs(float(metadata.get("spacing", 1.0)))
    sizes = (z, _pixel_size(tif, "YResolution"), _pixel_size(tif, "XResolution"))
    return _convert(sizes, units)


def _pixel_size(tif: tifffile.TiffFile, tag: str) -> float:
    """Return units per pixel; ImageJ's own default is 1."""
    found = tif.pages.first.tags.get(tag)
    numerator, denominator = (1, 1) if found is None else found.value
    return denominator / numerator if numerator else math.nan


def _ome(xml: str) -> Found:
    """OME: ``PhysicalSizeZ`` and ``PhysicalSizeZUnit`` (micrometre by default), and so on."""
    pixels = ElementTree.fromstring(xml).find(".//{*}Pixels")
    if pixels is None:
        return _NOTHING
    sizes = [pixels.get(f"PhysicalSize{a}") for a in "ZYX"]
    if None in sizes:
        return _NOTHING
    if fault := _plane_fault(pixels):
        return Found(None, "um", fault)
    units = tuple(pixels.get(f"PhysicalSize{a}Unit", "um") for a in "ZYX")
    return _convert(tuple(float(s or "nan") for s in sizes), units)


def _plane_fault(pixels: ElementTree.Element) -> str:
    """Return what is wrong if the stated heights of the planes go up and down, or stand still."""
    heights: dict[tuple[str | None, str | None], list[tuple[int, float]]] = {}
    for plane in pixels.iterfind("{*}Plane"):
        if (height := plane.get("PositionZ")) is not None:
            stack = heights.setdefault((plane.get("TheC"), plane.get("TheT")), [])
            stack.append((int(plane.get("TheZ", "0")), float(height)))
    for stack in heights.values():
        ordered = [height for _, height in sorted(stack)]
        steps = [b - a for a, b in itertools.pairwise(ordered)]
        if any(steps) and not (all(s > 0 for s in steps) or all(s < 0 for s in steps)):
            return "states planes whose positions along Z go up and down"
    return ""


def _convert(sizes: tuple[float, ...], units: tuple[str, ...]) -> Found:
    """Return sizes in micrometres, or as they are and ``"relative"`` if no axis has a length for a unit."""
    z, y, x = sizes
    if not all(math.isfinite(s) and s > 0 for s in sizes):
        return Found(None, "um", f"states a voxel of {z:g} x {y:g} x {x:g} along Z, Y, X")
    factors = [micrometres_per(u) for u in units]
    if None not in factors:
        fz, fy, fx = (f or 1.0 for f in factors)
        return Found((z * fz, y * fy, x * fx), "um")
    # Pixels on one axis and micrometres on another: even the ratios are unknown.
    return Found((z, y, x), "relative") if len(set(units)) == 1 else _NOTHING
