"""A box of a volume, segmented with its surroundings."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from anystar.arrays import OnGrid, Volume, VoxelSize
from anystar.box import Box
from anystar.predict.instances import crop_instances
from anystar.predict.notes import Note
from anystar.predict.options import diameter_in_edges
from anystar.predict.result import Result

__all__ = ["HALO", "Croppable", "segment_in_box"]

HALO = 2.0
"""Diameters of the objects that are read around a box: as much as a tile reads around its own voxels."""
_UNKNOWN = 16.0
"""Diameter in shortest edges that counts until one is known."""


class Croppable(OnGrid, Protocol):
    """An image, in memory or not, of which a part can be taken: :class:`Volume` and ``LazyImage``."""

    def crop(self, box: Box | str | Sequence[slice]) -> Volume:
        """Return a part at its place."""


def segment_in_box(
    segment: Callable[[Volume, float | None], Result],
    image: Croppable,
    box: Box,
    *,
    voxel_size: VoxelSize | None,
    diameter: float | None = None,
) -> Result:
    """Segment a box of an image; only the box and its surroundings are read.

    Objects that reach into the box are found as in the whole image, and cut at its faces. If the diameter is
    not given and is larger than first assumed, more surroundings are read and segmented once more.

    ``segment`` is called with a part of the image and the diameter, if it is known. Diameters are in the unit
    of the voxel size, which is that of the image.
    """
    known = diameter_in_edges(diameter, voxel_size, image.shape)
    aspect = (1.0, 1.0, 1.0) if voxel_size is None else voxel_size.aspect
    read = box.grown(_halo(known or _UNKNOWN, aspect), image.shape)
    part = image.crop(read)
    result = segment(part, diameter)
    found = result.diameter_vox
    if found is not None and known is None:
        needed = box.grown(_halo(found, result.voxel_size.aspect), image.shape)
        if any(n < r for n, r in zip(needed.start, read.start, strict=True)) or any(
            n > r for n, r in zip(needed.stop, read.stop, strict=True)
        ):
            read, part = needed, image.crop(needed)
            lengths = result.voxel_size
            sized = replace(part, spacing=lengths.spacing, unit=lengths.unit)
            result = segment(sized, found * min(lengths.spacing))
    inside = box.relative_to(read)
    labels, objects = crop_instances(result.labels, result.objects, inside)
    more = read.shape != box.shape
    text = f"only the box {box} is segmented" + (f", of which {read} was read" if more else "")
    return replace(
        result,
        labels=labels,
        objects=objects,
        image=part,
        box=box,
        inside=inside,
        notes=(*result.notes, Note("box", text)),
    )


def _halo(diameter: float, aspect: Sequence[float]) -> list[int]:
    """Return the voxels to read around a box along Z, Y, X; the diameter is in shortest edges."""
    return [math.ceil(HALO * diameter / edge) for edge in aspect]
