"""Axes, units, levels and their shapes of a label image that lies on an image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from anystar.arrays import Volume
from anystar.io.lazy import LazyImage
from anystar.io.ngff import Level, Multiscale
from anystar.io.pyramid import Shape, coarser_shapes

__all__ = ["label_geometry"]


def label_geometry(shape: Shape, like: Volume | LazyImage) -> tuple[Multiscale, tuple[Shape, ...]]:
    """Return axes, units, levels and their shapes: those of an OME-Zarr image, else a pyramid of our own."""
    found = like.header.get("ngff")
    if isinstance(found, Multiscale) and "Z" in found.axes:
        first = like.header["level"]
        shapes = like.header["levels"][first:]
        levels = found.levels[first : first + len(shapes)]
        if shapes and shapes[0] == tuple(shape):
            spatial = [
                Level(
                    path=str(i),
                    scale=found.spatial(level.scale),
                    translation=found.spatial(level.translation),
                )
                for i, level in enumerate(levels)
            ]
            units = tuple(found.units[found.axes.index(a)] for a in "ZYX")
            return Multiscale(version=found.version, axes="ZYX", units=units, levels=tuple(spatial)), shapes
    unit = "micrometer" if like.spacing is not None and like.unit == "um" else ""
    units, spacing = (unit,) * 3, like.spacing or (1.0, 1.0, 1.0)
    if like.spacing is None and (plane := like.header.get("plane")):
        # NGFF requires a scale where the distance between planes is not known: 1, here without a unit
        units, spacing = ("", "micrometer", "micrometer"), (1.0, *plane)
    made = coarser_shapes(shape, spacing)
    first = like.header.get("first", (0.0, 0.0, 0.0))
    levels = tuple(_level(i, made[0], s, spacing, first) for i, s in enumerate(made))
    return Multiscale(version="0.5", axes="ZYX", units=units, levels=levels), tuple(made)


def _level(
    number: int, finest: Shape, shape: Shape, spacing: Sequence[float], first: Sequence[float]
) -> Level:
    """Return where a level lies: the centre of its first voxel is that of the voxels that it covers.

    The first voxel of the finest level lies at ``first``, in its voxels.
    """
    factors = [2 ** round(np.log2(n / m)) for n, m in zip(finest, shape, strict=True)]
    return Level(
        path=str(number),
        scale=tuple(float(s * f) for s, f in zip(spacing, factors, strict=True)),
        translation=tuple(
            float(s * (o + (f - 1) / 2)) for s, f, o in zip(spacing, factors, first, strict=True)
        ),
    )
