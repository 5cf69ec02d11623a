"""The voxel size that a TIFF states, in micrometres along Z, Y, X."""

from __future__ import annotations

import math
from typing import Any, Literal
from xml.etree import ElementTree

import tifffile

from anystar.io.units import micrometres_per

__all__ = ["tiff_spacing"]

Unit = Literal["um", "relative"]
Spacing = tuple[tuple[float, float, float] | None, Unit]


def tiff_spacing(tif: tifffile.TiffFile) -> Spacing:
    """Return the spacing and its unit, or ``(None, "um")`` if the file does not state all three.

    Lengths in a unit that is not a length (``pixel``, ``reference frame``) give ``"relative"``: their ratios
    hold. A plain TIFF's resolution has no Z and is therefore not used.
    """
    if tif.is_ome and tif.ome_metadata:
        return _ome(tif.ome_metadata)
    if tif.is_imagej:
        return _imagej(tif)
    return None, "um"


def _imagej(tif: tifffile.TiffFile) -> Spacing:
    """ImageJ: pixels per unit in the resolution tags, ``spacing`` along Z, one unit for all unless said.

    ImageJ leaves ``spacing`` out when it is exactly 1, so a missing one is 1 where the file has a unit of
    length. Without either, the resolution is no more than a default (72 per inch, say) and states nothing.
    """
    metadata: dict[str, Any] = tif.imagej_metadata or {}
    unit = str(metadata.get("unit", "pixel"))
    units = (str(metadata.get("zunit", unit)), str(metadata.get("yunit", unit)), unit)
    if micrometres_per(unit) is None and "spacing" not in metadata:
        return None, "um"
    z = abs(float(metadata.get("spacing", 1.0)))
    sizes = (z, _pixel_size(tif, "YResolution"), _pixel_size(tif, "XResolution"))
    return _convert(sizes, units)


def _pixel_size(tif: tifffile.TiffFile, tag: str) -> float:
    """Return units per pixel; ImageJ's own default is 1."""
    found = tif.pages.first.tags.get(tag)
    numerator, denominator = (1, 1) if found is None else found.value
    return denominator / numerator if numerator else 1.0


def _ome(xml: str) -> Spacing:
    """OME: ``PhysicalSizeZ`` and ``PhysicalSizeZUnit`` (micrometre by default), and so on."""
    pixels = ElementTree.fromstring(xml).find(".//{*}Pixels")
    if pixels is None:
        return None, "um"
    sizes = tuple(float(pixels.get(f"PhysicalSize{a}", "nan")) for a in "ZYX")
    return _convert(sizes, tuple(pixels.get(f"PhysicalSize{a}Unit", "um") for a in "ZYX"))


def _convert(sizes: tuple[float, ...], units: tuple[str, ...]) -> Spacing:
    """Return sizes in micrometres, or as they are and ``"relative"`` if no axis has a length for a unit."""
    z, y, x = sizes
    if not all(math.isfinite(s) and s > 0 for s in sizes):
        return None, "um"
    factors = [micrometres_per(u) for u in units]
    if None not in factors:
        fz, fy, fx = (f or 1.0 for f in factors)
        return (z * fz, y * fy, x * fx), "um"
    # Pixels on one axis and micrometres on another: even the ratios are unknown.
    return ((z, y, x), "relative") if len(set(units)) == 1 else (None, "um")
