"""Names of the channels of a TIFF: from OME-XML, or from the labels that ImageJ gives the planes."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

import tifffile

from anystar.io.axes import clean_names

__all__ = ["channel_names"]

_PLACE = re.compile(r"^(?:[cztCZT]:\d+(?:/\d+)?\s*)+(?:-\s*)?")
"""What Bio-Formats puts in front of a plane's label: ``c:1/3 z:5/20 - ``."""


def channel_names(tif: tifffile.TiffFile, image: int = 0) -> tuple[str, ...]:
    """Return the names of the channels, empty for one without; nothing if none has a name.

    Parameters
    ----------
    tif : tifffile.TiffFile
        Open.
    image : int
        Number of the image in the OME-XML.
    """
    if tif.is_ome and tif.ome_metadata:
        return clean_names(_ome(tif.ome_metadata, image))
    if tif.is_imagej:
        return clean_names(_imagej(tif.imagej_metadata or {}))
    return ()


def _ome(xml: str, image: int) -> list[str]:
    """Return a name for each channel; one of several samples (RGB) has none of its own."""
    try:
        found = ElementTree.fromstring(xml).findall(".//{*}Image/{*}Pixels")
    except ElementTree.ParseError:
        return []
    channels = found[image].findall("{*}Channel") if image < len(found) else []
    if any(channel.get("SamplesPerPixel", "1") != "1" for channel in channels):
        return []
    return [channel.get("Name") or channel.get("Fluor") or "" for channel in channels]


def _imagej(metadata: dict[str, Any]) -> list[str]:
    """Return what the labels of all planes of a channel have in common, channels being the fastest axis."""
    labels, count = metadata.get("Labels"), metadata.get("channels", 1)
    if not isinstance(labels, list) or not isinstance(count, int) or count < 2 or len(labels) < count:
        return []
    plain = [_PLACE.sub("", str(label)).strip() for label in labels]
    of_channel = [{label for label in plain[channel::count] if label} for channel in range(count)]
    return [names.pop() if len(names) == 1 else "" for names in of_channel]
