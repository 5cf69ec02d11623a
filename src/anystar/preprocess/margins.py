"""Constant margins, as rotation, registration, stitching, deskewing and masking leave them: they are no data.

Planes of one value at the faces of a volume are cropped. Other constant regions at its border are filled from
the nearest data. To the network, both then look like what lies beyond the border of any volume.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from anystar.box import triple
from anystar.preprocess.arrays import ArrayLike, Box, ImageView, Shape, box_shape, corners, whole_box
from anystar.preprocess.constant_region import ConstantRegion, Face, as_value, find_region, is_value
from anystar.preprocess.subsample import Subsample, take_subsample

__all__ = ["CroppedImage", "FilledImage", "Margins"]

_SMALLEST = 4
"""Fewest voxels along an axis that cropping leaves."""
_COMMON = 0.5
"""Planes are not cropped if at least this share of the plane next to them has their value: it is a natural
background, on which objects fade."""
_FRAMED = 0.85
"""The same where one value, not the darkest, lies on all six faces, as around a mask that is padded with the
value of its objects. A background reaches nearly 1 there."""
_SLAB, STRIP_BYTES = 32, 1 << 26
"""Planes that are checked together, and bytes that are read at once."""


@dataclass(frozen=True, kw_only=True)
class Margins:
    """The preprocessing step that leaves constant margins out."""

    shape: Shape
    """Shape of the volume."""
    start: Shape
    """First voxel inside the constant planes at its faces."""
    stop: Shape
    """The voxel after the last one."""
    missing: bool = False
    """Whether any of the margins are NaN or infinite."""
    region: ConstantRegion | None = None
    """Where there are no data inside those planes; in voxels of the cropped volume."""

    @classmethod
    def fit(cls, image: ArrayLike, subsample: Subsample) -> Margins | None:
        """Return the constant margins of an image, ``None`` if it has none."""
        if subsample.voxels.shape == tuple(image.shape):  # all of it has been read
            image = subsample.voxels
        box, layers = _within_constant_planes(image)
        values = {face: found[-1][0] for face, found in layers.items()}
        cropped = box != whole_box(image.shape)
        inner = take_subsample(crop(image, box)) if cropped else subsample
        region = find_region(inner, values)
        if region is None:
            common = _FRAMED if _is_frame(values, subsample) else _COMMON
            box, layers = _keep_natural(image, box, layers, common)
            if box == whole_box(image.shape):
                return None
        start, stop = (triple(corner.tolist()) for corner in corners(box))
        missing = any(value is None for found in layers.values() for value, _ in found) or (
            region is not None and region.value is None
        )
        return cls(shape=triple(image.shape), start=start, stop=stop, missing=missing, region=region)

    @property
    def box(self) -> Box:
        """Return the box that is left when constant planes are cropped."""
        return triple(slice(a, b) for a, b in zip(self.start, self.stop, strict=True))

    def apply(self, image: ArrayLike) -> ArrayLike:
        """Return the cropped image, with the region that has no data filled as it is read."""
        image = crop(image, self.box)
        return image if self.region is None else FilledImage(image, self.region)

    def update(self, subsample: Subsample, image: ArrayLike) -> Subsample:
        """Return the subsample of the image after this step, with what is data in it."""
        known = None if self.region is None else ~self.region.nodes
        return take_subsample(image, known)

    def note(self, origin: Shape) -> str:
        """Return the remark for the user."""
        ends = zip("ZYX", self.start, self.stop, self.shape, strict=True)
        planes = [f"{name} {a}, {num - b}" for name, a, b, num in ends if a or b < num]
        parts = [f"planes at the start and the end: {'; '.join(planes)}"] if planes else []
        if self.region is not None:
            share = max(1, round(100 * self.region.share))
            parts.append(f"{share}% of the {'rest' if planes else 'volume'}, beside the data")
        return f"constant margins hold no data and are left out ({'; and '.join(parts)})"

    def clear(self, labels: np.ndarray, box: Box | None = None) -> np.ndarray:
        """Set the labels of a box of the volume, or of all of it, to 0 in the margins, in place."""
        places = [np.arange(part.start, part.stop) for part in box or whole_box(self.shape)]
        inside = [
            (index >= a) & (index < b) for index, a, b in zip(places, self.start, self.stop, strict=True)
        ]
        for axis, kept in enumerate(inside):
            np.moveaxis(labels, axis, 0)[~kept] = 0
        if self.region is not None:
            inner = [index[kept] - a for index, kept, a in zip(places, inside, self.start, strict=True)]
            data = np.ix_(*inside)
            labels[data] = np.where(self.region.covers(inner), 0, labels[data])
        return labels


@dataclass(frozen=True)
class CroppedImage(ImageView):
    """A box of an image that is read as it is indexed."""

    box: Box

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels along Z, Y, X."""
        return box_shape(self.box)

    def __getitem__(self, box: Any, /) -> np.ndarray:
        """Return the part of three slices, of any positive step."""
        parts = []
        for part, outer in zip(box, self.box, strict=True):
            start, stop, step = part.indices(outer.stop - outer.start)
            parts.append(slice(outer.start + start, outer.start + stop, step))
        return np.asarray(self.image[tuple(parts)])


@dataclass(frozen=True)
class FilledImage(ImageView):
    """An image whose region without data is filled as it is read."""

    region: ConstantRegion

    def __getitem__(self, box: Any, /) -> np.ndarray:
        """Return the part of three slices, of any positive step."""
        places = [np.arange(*part.indices(num)) for part, num in zip(box, self.shape, strict=True)]
        return self.region.fill(np.asarray(self.image[box]), places)


def crop(image: ArrayLike, box: Box) -> ArrayLike:
    """Return a box of an image: a view of one in memory, else read as it is indexed."""
    if box == whole_box(image.shape):
        return image
    return image[box] if isinstance(image, np.ndarray) else CroppedImage(image, box)


_Layers = dict[Face, list[tuple[float | None, int]]]
"""By face, the values of the constant planes and how many have each, outermost first."""


def _within_constant_planes(image: ArrayLike) -> tuple[Box, _Layers]:
    """Return the box inside the constant planes at the faces, and these planes.

    Of an axis along which too little is left, nothing is taken away.
    """
    whole = whole_box(image.shape)
    box, layers = list(whole), _Layers()
    found = True
    while found:
        found = False
        for face, value in _constant_corners(image, box).items():
            axis, last = face
            part = box[axis]
            count = _constant_planes(image, box, face, value)
            if count == part.stop - part.start:
                return whole, {}  # all of it is constant
            if count:
                found = True
                layers.setdefault(face, []).append((value, count))
                start, stop = (part.start, part.stop - count) if last else (part.start + count, part.stop)
                box[axis] = slice(start, stop)
    for axis, part in enumerate(box):
        if part.stop - part.start < _SMALLEST:
            box[axis] = whole[axis]
            layers = {face: found for face, found in layers.items() if face[0] != axis}
    return triple(box), layers


def _constant_corners(image: ArrayLike, box: list[slice]) -> dict[Face, float | None]:
    """Return the faces of a box whose four corners are equal, and their value."""
    ends = [(part.start, part.stop - 1) for part in box]
    corners = np.empty((2, 2, 2), object)
    for corner in np.ndindex(2, 2, 2):
        at = (both[end] for both, end in zip(ends, corner, strict=True))
        corners[corner] = as_value(np.asarray(image[tuple(slice(i, i + 1) for i in at)]))
    faces = {(axis, last): corners.take(int(last), axis) for axis in range(3) for last in (False, True)}
    return {face: four[0, 0] for face, four in faces.items() if (four == four[0, 0]).all()}


def _constant_planes(image: ArrayLike, box: list[slice], face: Face, value: float | None) -> int:
    """Return how many planes at a face of a box have nothing but a value."""
    num = box[face[0]].stop - box[face[0]].start
    for first in range(0, num, _SLAB):
        size = min(_SLAB, num - first)
        leading = _leading(image, _planes(box, face, first, size), face, value)
        if leading < size:
            return first + leading
    return num


def _leading(image: ArrayLike, slab: list[slice], face: Face, value: float | None) -> int:
    """Return how many planes of a slab, from the face on, have nothing but a value; strip by strip."""
    axis, last = face
    size = slab[axis].stop - slab[axis].start
    for strip in _strips(image, slab, axis):
        planes = np.moveaxis(np.asarray(image[tuple(_planes(strip, face, 0, size))]), axis, 0)
        same = np.asarray(is_value(planes, value).all((1, 2)))[:: -1 if last else 1]
        size = size if same.all() else int(same.argmin())
        if not size:
            break
    return size


def _strips(image: ArrayLike, box: list[slice], axis: int) -> list[list[slice]]:
    """Return the parts of a box, cut along another axis than this, that are read at once."""
    along = 1 if axis == 0 else 0
    start, stop = box[along].start, box[along].stop
    row = (
        np.prod([s.stop - s.start for k, s in enumerate(box) if k != along]) * np.dtype(image.dtype).itemsize
    )
    step = max(1, int(STRIP_BYTES // row))
    cuts = [slice(a, min(a + step, stop)) for a in range(start, stop, step)]
    return [[cut if k == along else part for k, part in enumerate(box)] for cut in cuts]


def _planes(box: list[slice], face: Face, first: int, count: int) -> list[slice]:
    """Return the planes of a box from the ``first`` on, counted from a face."""
    axis, last = face
    part = box[axis]
    start = part.stop - first - count if last else part.start + first
    return [slice(start, start + count) if k == axis else other for k, other in enumerate(box)]


def _is_frame(values: dict[Face, float | None], subsample: Subsample) -> bool:
    """Return whether one value that is not the darkest lies on all six faces."""
    frame = set(values.values())
    (value, *others) = frame or {None}
    return len(values) == 6 and not others and value is not None and value > np.nanmin(subsample.voxels)


def _keep_natural(image: ArrayLike, box: Box, layers: _Layers, common: float) -> tuple[Box, _Layers]:
    """Return the box with those innermost planes that are a natural background, and the others."""
    kept, left = list(box), _Layers()
    for face, found in layers.items():
        axis, last = face
        value, plane = found[-1][0], _planes(list(box), face, 0, 1)
        strips = [is_value(np.asarray(image[tuple(strip)]), value) for strip in _strips(image, plane, axis)]
        outer = list(found)
        if sum(int(s.sum()) for s in strips) >= common * sum(s.size for s in strips):
            while outer and outer[-1][0] == value:
                count, part = outer.pop()[1], kept[axis]
                kept[axis] = (
                    slice(part.start, part.stop + count) if last else slice(part.start - count, part.stop)
                )
        if outer:
            left[face] = outer
    return triple(kept), left
