"""Labels of a series of volumes as one OME-Zarr image with a time axis."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from anystar.arrays import Volume
from anystar.errors import InputError
from anystar.io.label_geometry import label_geometry
from anystar.io.lazy import LazyImage
from anystar.io.ngff import Level, Multiscale
from anystar.io.pyramid import most_frequent
from anystar.io.unfinished import UnfinishedLabels, free_place, known_version

__all__ = ["LabelSeries"]

_CHUNK = 64
_DTYPE = np.dtype(np.int32)


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelSeries(UnfinishedLabels):
    """A label image ``(T, Z, Y, X)`` on its way to the disk, one time point after the other.

    It is written into a hidden folder beside the target, and appears with :meth:`finish`.
    """

    num_times: int
    """Number of time points; their axis is the first of the geometry."""

    @classmethod
    def create(
        cls,
        path: str | Path,
        num_times: int,
        *,
        like: Volume | LazyImage,
        overwrite: bool = False,
    ) -> LabelSeries:
        """Begin a label image.

        Parameters
        ----------
        path : str or Path
            A store of its own, ``movie.zarr``, or a label image in the store of an image,
            ``image.zarr/labels/cells``.
        num_times : int
            Number of time points.
        like : Volume or LazyImage
            One of the volumes: shape, spacing, units and origin.
        overwrite : bool
            Whether a finished label image of the same name may be replaced (by :meth:`finish`).

        Raises
        ------
        FileError
            If the name does not end in ``.zarr`` or ``labels/NAME``, or something is there already.
        """
        target, image = free_place(path, overwrite=overwrite)
        space, shapes = label_geometry(like.shape, like)
        unit, step = _time_of(like)
        levels = tuple(
            Level(path=level.path, scale=(step, *level.scale), translation=(0.0, *level.translation))
            for level in space.levels
        )
        geometry = replace(
            space,
            version=known_version(space.version, image),
            axes=f"T{space.axes}",
            units=(unit, *space.units),
            levels=levels,
        )
        made = cls(target=target, geometry=geometry, shapes=shapes, num_times=num_times, image=image)
        made._begin()
        for level, shape in zip(levels, shapes, strict=True):
            chunks = (1, *(min(_CHUNK, n) for n in shape))
            made._new(level.path, (num_times, *shape), _DTYPE, chunks)
        return made

    def write(self, time: int, labels: np.ndarray) -> None:
        """Write the labels of a time point, ``(Z, Y, X)`` integers, on all levels; ``time`` counts from 0."""
        if labels.shape != self.shapes[0] or not 0 <= time < self.num_times:
            what = f"got {labels.shape} at time {time}"
            raise InputError(f"labels must have the shape {self.shapes[0]} of the series, {what}")
        if labels.size and labels.max() > np.iinfo(_DTYPE).max:
            raise InputError(f"labels must fit {_DTYPE}, got {labels.max()}")
        for number, level in enumerate(self.geometry.levels):
            if number:
                fine, shape = self.shapes[number - 1], self.shapes[number]
                z, y, x = (max(1, round(n / m)) for n, m in zip(fine, shape, strict=True))
                labels = most_frequent(labels, (z, y, x), shape)
            self._open(level.path, mode="r+")[time] = labels.astype(_DTYPE)


def _time_of(like: Volume | LazyImage) -> tuple[str, float]:
    """Return unit and step of the time axis of an OME-Zarr image; 1 without a unit for others."""
    found: Any = like.header.get("ngff")
    if isinstance(found, Multiscale) and "T" in found.axes:
        at = found.axes.index("T")
        return found.units[at], found.levels[like.header["level"]].scale[at]
    return "", 1.0
