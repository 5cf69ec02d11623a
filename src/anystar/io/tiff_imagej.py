"""What the metadata of ImageJ in a TIFF say: size of a voxel, names of the channels, where the stack lies."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import tifffile

from anystar.io.axes import clean_names
from anystar.io.calibration import Calibration, calibrate, number_of, unknown_size
from anystar.io.units import micrometres_per

__all__ = ["channel_names", "first_voxel", "further_pages", "tiff_spacing"]

_PREFIX = re.compile(r"^(?:[cztCZT]:\d+(?:/\d+)?\s*)+(?:-\s*)?")
"""What Bio-Formats puts in front of a plane's label: ``c:1/3 z:5/20 - ``."""


def tiff_spacing(tif: tifffile.TiffFile) -> Calibration:
    """Return what a file without OME-XML states about the size of its voxels.

    Lengths in a unit that is not a length (``pixel``) give ``"relative"``: their ratios hold. The resolution
    of a plain TIFF has no distance between planes and is not used.
    """
    if tif.is_imagej:
        return _described(tif, _imagej(tif))
    if tif.is_shaped:
        return _described(tif, (tif.shaped_metadata or ({},))[0])
    return Calibration()


def _described(tif: tifffile.TiffFile, metadata: Mapping[str, Any]) -> Calibration:
    """ImageJ: pixels per unit in the resolution tags, ``spacing`` along Z, one unit for all by default.

    ImageJ leaves ``spacing`` out when it is exactly 1, so a missing one is 1 where the file has a unit of
    length. Without either, the resolution is no more than a default (72 per inch, say) and states nothing.
    tifffile writes the same fields if ``imagej=True`` was forgotten.
    """
    unit = str(metadata.get("unit", "pixel"))
    units = (str(metadata.get("zunit", unit)), str(metadata.get("yunit", unit)), unit)
    stated, alone = metadata.get("spacing"), _is_plane(metadata)
    if micrometres_per(unit) is None and stated is None:
        return Calibration()
    z = number_of(1 if stated is None else stated)
    if z is None:
        return Calibration(
            notes=(unknown_size(f"the file states spacing={stated!s:.20}, which is no number"),)
        )
    sizes = (
        None if alone and stated is None else abs(z),
        _pixel_size(tif, "YResolution"),
        _pixel_size(tif, "XResolution"),
    )
    if micrometres_per(unit) is None:  # ImageJ counts in pixels; how the unit is called does not matter
        units = ("", "", "")
    return calibrate(sizes, units, implied=stated is None and not alone)


def _is_plane(metadata: Mapping[str, Any]) -> bool:
    """Return whether one plane is described, of which no distance to others can be stated."""
    counts = [number_of(metadata.get(key, 1)) for key in ("images", "slices")]
    return all(count == 1 for count in counts) and len(metadata.get("shape", ())) <= 2


def _pixel_size(tif: tifffile.TiffFile, tag: str) -> float:
    """Return units per pixel; ImageJ's own default is 1."""
    found = tif.pages.first.tags.get(tag)
    numerator, denominator = (1, 1) if found is None else found.value
    return denominator / numerator if numerator else math.nan


def _imagej(tif: tifffile.TiffFile) -> Mapping[str, Any]:
    return (tif.imagej_metadata or {}) if tif.is_imagej else {}


def channel_names(tif: tifffile.TiffFile) -> tuple[str, ...]:
    """Return what the labels of all planes of a channel have in common, channels being the fastest axis.

    Empty for a channel without; nothing if none has a name.
    """
    labels, count = _imagej(tif).get("Labels"), _imagej(tif).get("channels", 1)
    if not isinstance(labels, list) or not isinstance(count, int) or count < 2 or len(labels) < count:
        return ()
    plain = [_PREFIX.sub("", str(label)).strip() for label in labels]
    of_channel = [{label for label in plain[channel::count] if label} for channel in range(count)]
    return clean_names([names.pop() if len(names) == 1 else "" for names in of_channel])


def further_pages(tif: tifffile.TiffFile) -> tuple[str, ...]:
    """Return a note if a program that does not know ImageJ appended pages to a stack of ImageJ."""
    stated = _imagej(tif).get("images", 1) if tif.is_imagej else None
    if not isinstance(stated, int) or len(tif.pages) <= stated:
        return ()
    what = f"the file holds {len(tif.pages)} pages, of which ImageJ's metadata state {stated}"
    return (f"{what}; others are left out",)


def first_voxel(tif: tifffile.TiffFile) -> dict[str, Any]:
    """Return where ImageJ says that the first voxel lies along Z, Y, X, in voxels, if not at 0."""
    origins = [number_of(_imagej(tif).get(f"{axis}origin", 0)) for axis in "zyx"]
    first = tuple(-o for o in origins if o is not None and math.isfinite(o))
    return {"first": first} if len(first) == 3 and any(first) else {}
