"""Labels as ROIs of ImageJ: a ``.zip`` for Fiji's ROI Manager, with one ROI per object and slice."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from roifile import ROI_OPTIONS, ROI_TYPE, ImagejRoi

from anystar.arrays import Volume
from anystar.errors import InputError
from anystar.geometry.contours import Contours, trace_contours
from anystar.io.colours import imagej_colour
from anystar.io.files import HasVolume
from anystar.io.lazy import LazyImage
from anystar.objects.labels import as_labels
from anystar.runtime.atomic import staged

__all__ = ["ROI_SUFFIX", "RoiWriter", "highest_label", "planes_of", "write_rois"]

ROI_SUFFIX = ".zip"
"""Ending of the file's name."""
_LARGEST = 60_535
"""Pixels up to which ImageJ's coordinates reach."""
_SLAB_BYTES = 1 << 28
"""Bytes of labels that are read at once."""
_MOVE, _LINE, _CLOSE = 0.0, 1.0, 4.0
"""Steps of a path: to a first corner, to a further one, back to the first."""


def write_rois(
    path: str | Path,
    labels: np.ndarray | Volume | LazyImage | HasVolume,
    *,
    time: int | None = None,
    stack: bool = True,
    first: Sequence[int] = (0, 0, 0),
) -> int:
    """Write the labels of a volume as ROIs; the file appears whole or not at all.

    Filled in again, the ROIs are the labels to the pixel. Where an object has holes or separate parts in a
    slice, its ROI is a composite.

    Parameters
    ----------
    path : str or Path
        The file, ``.zip``.
    labels : numpy.ndarray, Volume, Result or LazyImage
        ``(Z, Y, X)`` whole numbers of any type, 0 is background; of a file, a few planes are read at a time.
    time : int, optional
        Time point of the image that the ROIs are for, from 0, if it has several.
    stack : bool
        Whether the image that the ROIs are for has a single channel. ImageJ counts slices of a plain stack
        in another field than those of an image with channels or time points.
    first : 3 ints
        First voxel of ``labels`` in that image.

    Returns
    -------
    int
        Number of ROIs.

    Raises
    ------
    InputError
        If the name ends otherwise, the values are no labels, or a plane is larger than 60,535 pixels, where
        ImageJ's coordinates end.

    Examples
    --------
    >>> import tempfile
    >>> labels = np.zeros((3, 8, 8), int)
    >>> labels[1:, 2:4, 2:6] = 7
    >>> write_rois(Path(tempfile.mkdtemp()) / "rois.zip", labels)
    2
    """
    if not isinstance(labels, np.ndarray | Volume | LazyImage):
        labels = labels.volume
    highest = highest_label(labels)
    z, y, x = first
    with RoiWriter(path, highest=highest, stack=stack) as writer:
        for number, plane in planes_of(labels):
            writer.add(plane, z + number, time, start=(y, x))
    return writer.count


def highest_label(labels: np.ndarray | Volume | LazyImage) -> int:
    """Return the largest label, of which the colours depend."""
    return max((int(plane.max(initial=0)) for _, plane in planes_of(labels)), default=0)


class RoiWriter:
    """Writes ROIs plane by plane, used in a ``with`` statement; the file appears at its end.

    Parameters
    ----------
    path : str or Path
        The file, ``.zip``.
    highest : int
        Largest label, of which the colours depend: those that ImageJ displays the labels in.
    stack : bool
        See :func:`write_rois`.
    """

    def __init__(self, path: str | Path, *, highest: int, stack: bool = True) -> None:
        if Path(path).suffix.lower() != ROI_SUFFIX:
            raise InputError(f"rois must end in {ROI_SUFFIX}, got {path}; change the name")
        self.count = 0
        """ROIs that were written."""
        self._highest, self._stack = highest, stack
        self._staged = staged(Path(path))

    def __enter__(self) -> RoiWriter:
        (temporary,) = self._staged.__enter__()
        self._zip = zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._zip.close()
        self._staged.__exit__(kind, error, trace)

    def add(
        self, labels: np.ndarray, z: int, time: int | None = None, *, start: tuple[int, int] = (0, 0)
    ) -> None:
        """Write the ROIs of a plane of labels, ``(Y, X)``, whose first pixel lies at ``start`` (row, column).

        Planes and time points are counted from 0.
        """
        ends = [first + num for first, num in zip(start, labels.shape, strict=True)]
        if max(ends) > _LARGEST:
            raise InputError(f"rois reach up to {_LARGEST} pixels along Y and X, got {ends}; crop the labels")
        contours = trace_contours(labels)
        contours.points[:] += np.array(start[::-1], np.int32)
        for label, roi in _rois(contours):
            roi.name = f"{label}-z{z + 1}" if time is None else f"{label}-z{z + 1}-t{time + 1}"
            roi.props = f"label: {label}\n"
            if self._stack and time is None:
                roi.position = z + 1
            else:
                roi.z_position, roi.t_position = z + 1, 0 if time is None else time + 1
            roi.stroke_color = bytes([255, *imagej_colour(label, self._highest)])
            entry = zipfile.ZipInfo(f"{roi.name}.roi")
            entry.compress_type = zipfile.ZIP_DEFLATED
            self._zip.writestr(entry, roi.tobytes())
            self.count += 1


def planes_of(labels: np.ndarray | Volume | LazyImage) -> Iterator[tuple[int, np.ndarray]]:
    """Yield the planes that hold labels, with their number; of a file, some are read at a time."""
    array = labels.data if isinstance(labels, Volume) else labels
    read: Callable[[Any], np.ndarray] = array.read if isinstance(array, LazyImage) else array.__getitem__
    z, y, x = array.shape
    depth = max(1, _SLAB_BYTES // max(1, y * x * np.dtype(array.dtype).itemsize))
    for start in range(0, z, depth):
        slab = as_labels(read((slice(start, min(start + depth, z)), slice(0, y), slice(0, x))))
        for i, plane in enumerate(slab, start):
            if plane.any():
                yield i, plane


def _rois(contours: Contours) -> Iterator[tuple[int, ImagejRoi]]:
    """Yield an ROI per label: a traced polygon, or a composite of several outlines."""
    ends = [*np.flatnonzero(np.diff(contours.label)) + 1, len(contours)]
    start = 0
    for stop in ends if len(contours) else ():
        outlines = [contours.outline(i) for i in range(start, stop)]
        yield int(contours.label[start]), _polygon(outlines[0]) if len(outlines) == 1 else _path(outlines)
        start = stop


def _polygon(corners: np.ndarray) -> ImagejRoi:
    """Return one outline as ImageJ's wand makes it: integer corners of pixels."""
    return ImagejRoi(
        roitype=ROI_TYPE.TRACED,
        options=ROI_OPTIONS.NONE,
        n_coordinates=len(corners),
        integer_coordinates=corners - corners.min(axis=0),
        **_bounds(corners),
    )


def _path(outlines: list[np.ndarray]) -> ImagejRoi:
    """Return several outlines as one composite; where an even number of them overlap is a hole."""
    parts: list[np.ndarray] = []
    for corners in outlines:
        steps = np.full((len(corners), 3), _LINE, np.float32)
        steps[0, 0], steps[:, 1:] = _MOVE, corners
        parts += [steps.ravel(), np.array([_CLOSE], np.float32)]
    path, bounds = np.concatenate(parts), _bounds(np.concatenate(outlines))
    return ImagejRoi(roitype=ROI_TYPE.RECT, shape_roi_size=len(path), multi_coordinates=path, **bounds)


def _bounds(corners: np.ndarray) -> dict[str, Any]:
    (left, top), (right, bottom) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    return {"left": left, "top": top, "right": right, "bottom": bottom}
