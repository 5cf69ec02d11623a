"""What the OME-XML of a TIFF says about its images."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median
from xml.etree import ElementTree

from anystar.io.axes import clean_names
from anystar.io.calibration import Calibration, calibrate, number_of, unknown_size
from anystar.io.units import micrometres_per

__all__ = ["OmeImage", "companion_of", "parse_ome", "structure"]

_JITTER = 0.25
"""How far the distance between planes may be from what their positions say, relative."""


@dataclass(frozen=True, kw_only=True)
class OmeImage:
    """One image: a field of view with its channels and time points."""

    name: str
    """What the image is called, or empty."""
    calibration: Calibration
    """Size of a voxel."""
    channel_names: tuple[str, ...]
    """Names of the channels, empty for one without; nothing if none has a name."""
    files: frozenset[str]
    """Names of the files that its planes lie in, where it names them."""
    place: tuple[str, ...]
    """What distinguishes its field of view from that of other images: name and position of the stage."""


def parse_ome(xml: str) -> tuple[OmeImage, ...]:
    """Return the images that OME-XML describes.

    Raises
    ------
    xml.etree.ElementTree.ParseError
        If it is not well-formed.
    """
    root = ElementTree.fromstring(xml)
    return tuple(_image(image, pixels) for image, pixels in _pixels(root))


def _pixels(root: ElementTree.Element) -> Iterator[tuple[ElementTree.Element, ElementTree.Element]]:
    for image in root.iterfind("{*}Image"):
        for pixels in image.iterfind("{*}Pixels"):
            yield image, pixels


def _image(image: ElementTree.Element, pixels: ElementTree.Element) -> OmeImage:
    label = image.find("{*}StageLabel")
    first = pixels.find("{*}Plane")
    place = [label.get("Name", "")] if label is not None else []
    if first is not None:
        place += [first.get(f"Position{a}", "") for a in "XY"]
    return OmeImage(
        name=image.get("Name", ""),
        calibration=_calibration(pixels),
        channel_names=_channel_names(pixels),
        files=frozenset(
            uuid.get("FileName", "")
            for uuid in pixels.iterfind("{*}TiffData/{*}UUID")
            if uuid.get("FileName")
        ),
        place=tuple(place),
    )


def _channel_names(pixels: ElementTree.Element) -> tuple[str, ...]:
    """Return a name for each channel; one of several samples (RGB) has none of its own."""
    channels = pixels.findall("{*}Channel")
    if any(channel.get("SamplesPerPixel", "1") != "1" for channel in channels):
        return ()
    return clean_names([channel.get("Name") or channel.get("Fluor") for channel in channels])


def _calibration(pixels: ElementTree.Element) -> Calibration:
    """Return ``PhysicalSizeZ`` in ``PhysicalSizeZUnit`` (micrometre by default), and so on."""
    stated = [pixels.get(f"PhysicalSize{a}") for a in "ZYX"]
    for axis, text in zip("ZYX", stated, strict=True):
        if text is not None and number_of(text) is None:
            what = f'the file states PhysicalSize{axis}="{text:.20}", which is no number'
            return Calibration(notes=(unknown_size(what),))
    sizes = [number_of(text) for text in stated]
    units = [pixels.get(f"PhysicalSize{a}Unit") for a in "ZYX"]
    if not any(units) and all(size in (None, 1) for size in sizes):
        return calibrate([1, 1, 1] if any(sizes) else sizes, units)
    units = [u or "um" for u in units]
    step, unit, note = _step(pixels)
    if sizes[0] is None and step is not None and micrometres_per(unit):
        taken = (
            f"the file states no distance between planes; that of their positions, {step:g} {unit}, is used"
        )
        return calibrate((step, *sizes[1:]), (unit, *units[1:])).noted(taken)
    found = calibrate(sizes, units)
    if found.spacing is None:
        return found
    known, factor = sizes[0] or 0.0, (micrometres_per(unit) or 0) / (micrometres_per(units[0] or "") or 1)
    if step is not None and abs(step * (factor or 1) - known) > _JITTER * known:
        note = (
            f"the positions of the planes are {step:g} {unit or '(no unit)'} apart, but the file states "
            f"{known:g} {units[0]}, which is used; if it is wrong, give spacing=(Z, Y, X)"
        )
    return found.noted(note) if note else found


def _step(pixels: ElementTree.Element) -> tuple[float | None, str, str]:
    """Return the distance between planes by their positions, its unit, and what is wrong with them."""
    stacks: dict[tuple[str | None, str | None], dict[int, float]] = {}
    unit = ""
    for plane in pixels.iterfind("{*}Plane"):
        height, number = number_of(plane.get("PositionZ")), number_of(plane.get("TheZ", "0"))
        if height is not None and number is not None and math.isfinite(height):
            stacks.setdefault((plane.get("TheC"), plane.get("TheT")), {})[int(number)] = height
            unit = plane.get("PositionZUnit", "")
    steps = [
        (heights[b] - heights[a]) / (b - a)
        for heights in stacks.values()
        for a, b in itertools.pairwise(sorted(heights))
    ]
    if not any(steps):
        return None, unit, ""
    typical = median(steps)
    if typical and sum(abs(s - typical) > _JITTER * abs(typical) for s in steps) <= len(steps) // 4:
        return abs(typical), unit, ""
    return None, unit, "the positions of the planes along Z are irregular; the stated distance is used"


def companion_of(xml: str) -> str | None:
    """Return the name of the file that holds the metadata instead, if they are not in this one."""
    try:
        found = ElementTree.fromstring(xml).find("{*}BinaryOnly")
    except ElementTree.ParseError:
        return None
    return None if found is None else found.get("MetadataFile", "")


_ATTRIBUTES = ("DimensionOrder", "Type", "SizeX", "SizeY", "SizeZ", "SizeC", "SizeT")


def structure(xml: str) -> tuple[str, int] | None:
    """Return OME-XML of nothing but the lengths and the order of the axes, and the number of planes.

    For text that is not well-formed: which plane is which can still be read, if one image is described whose
    planes lie in this file in their order.
    """
    found = re.findall(r"<(?:\w+:)?Pixels\b[^>]*>?", xml)
    files = set(re.findall(r'FileName\s*=\s*"([^"]*)"', xml))
    if len(found) != 1 or len(files) > 1 or re.search(r'SamplesPerPixel\s*=\s*"(?!1")', xml):
        return None
    given = {name: re.search(rf'\b{name}\s*=\s*"(\w+)"', found[0]) for name in _ATTRIBUTES}
    values = {name: match[1] for name, match in given.items() if match}
    if len(values) < len(_ATTRIBUTES) or not all(values[f"Size{a}"].isdigit() for a in "XYZCT"):
        return None
    planes = int(values["SizeZ"]) * int(values["SizeC"]) * int(values["SizeT"])
    pixels = " ".join(f'{name}="{value}"' for name, value in values.items())
    text = f'<OME><Image ID="Image:0"><Pixels ID="Pixels:0" {pixels}>'
    return f'{text}<TiffData IFD="0" PlaneCount="{planes}"/></Pixels></Image></OME>', planes
