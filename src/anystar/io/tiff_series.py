"""Which of the images in a TIFF file are the volume."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tifffile

from anystar.errors import FileError
from anystar.io.axes import refuse_number
from anystar.io.ome_xml import OmeImage

__all__ = ["Choice", "choose_series"]

_Series = Sequence[tifffile.TiffPageSeries]
_LISTED = 6
"""Most images that a message lists."""


class Choice(NamedTuple):
    """The volume in a file of several images."""

    numbers: tuple[int, ...]
    """Of the images that make it up, from 0."""
    axis: str
    """Along which they lie: ``Z``, ``T``, or empty for one image."""
    notes: tuple[str, ...] = ()
    """What was assumed."""


def choose_series(
    series: _Series, wanted: int | None, path: Path, images: tuple[OmeImage, ...] = ()
) -> Choice:
    """Return which images of a file are the volume.

    Programs that write page by page store a stack as a list of equal images: equal 2D images are the planes
    of one stack, equal volumes are time points. A volume beside images of other kinds (a thumbnail, a label
    page) is the volume.

    ``wanted`` is the number of the image to take, if it is given; ``images`` is what OME-XML says of each.

    Raises
    ------
    FileError
        If that leaves several, or none.
    """
    if wanted is not None:
        refuse_number(wanted, len(series), "image", "series")
        return Choice((wanted,), "")
    if len(series) == 1:
        return Choice((0,), "")
    images = images if len(images) == len(series) else ()
    here = [i for i, image in enumerate(images) if path.name in image.files]
    if len(here) == 1 and all(image.files for image in images):
        return Choice((here[0],), "")  # one file per field of view
    groups = _equal(series, images)
    volumes = [g for g in groups if _is_volume(series[g[0]])]
    stacks = [
        g for g in groups if not _is_volume(series[g[0]]) and "T" not in series[g[0]].axes and len(g) > 1
    ]
    found = volumes or stacks
    if (
        len(found) != 1
        or len(set(np.diff(found[0]))) > 1  # one of another kind in between: a damaged plane, perhaps
        or (len(found[0]) > 1 and volumes and "T" in series[found[0][0]].axes)
    ):
        raise FileError(
            f"holds {len(series)} images, {_listed(series, images)}; choose one with series=0 to "
            f"series={len(series) - 1}"
        )
    numbers = found[0]
    notes = []
    if len(numbers) > 1:
        shape = " x ".join(str(n) for n in series[numbers[0]].shape)
        what = "time points" if volumes else "the planes of one stack"
        notes.append(f"the file holds {len(numbers)} images of {shape}, taken as {what}")
    if rest := [i for i in range(len(series)) if i not in numbers]:
        others = _listed([series[i] for i in rest], (), rest)
        notes.append(f"the file also holds {others}, left out; to choose it give series=")
    return Choice(tuple(numbers), "" if len(numbers) == 1 else "T" if volumes else "Z", tuple(notes))


def _equal(series: _Series, images: tuple[OmeImage, ...]) -> list[list[int]]:
    """Return the numbers of images in groups of one shape and type, at one position of the stage."""
    groups: dict[object, list[int]] = {}
    for number, one in enumerate(series):
        place = images[number].place if images else ()
        groups.setdefault((one.axes, one.shape, str(one.dtype), place), []).append(number)
    return list(groups.values())


def _is_volume(series: tifffile.TiffPageSeries) -> bool:
    lengths = dict(zip(series.axes, series.shape, strict=True))
    return any(lengths.get(axis, 1) > 1 for axis in "ZQI") and {"Y", "X"} <= set(lengths)


def _listed(series: _Series, images: tuple[OmeImage, ...], numbers: Sequence[int] | None = None) -> str:
    """Return the numbers and shapes of images as text."""
    parts = []
    for place, one in enumerate(series[:_LISTED]):
        name = images[place].name if images else one.name
        named = f" {name!r}" if name and not name.startswith("series") else ""
        shape = " x ".join(str(n) for n in one.shape)
        parts.append(f"{numbers[place] if numbers else place}: {one.axes} {shape}{named}")
    return ", ".join(parts) + (", ..." if len(series) > _LISTED else "")
