"""A layer's volume as the library reads files: box by box."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from anystar.arrays import VoxelSize
from anystar.box import triple
from anystar.napari.layers import LayerVolume

if TYPE_CHECKING:
    from anystar.io import LazyImage

__all__ = ["lazy_image"]


def lazy_image(source: LayerVolume, size: VoxelSize | None) -> LazyImage:
    """Return the volume of a layer with a voxel size, of which only the requested boxes are read."""
    from anystar.io.address import Address
    from anystar.io.axes import pick_volume
    from anystar.io.calibration import Calibration
    from anystar.io.lazy import LazyImage
    from anystar.io.source import Source

    def fetch(index: tuple[Any, ...]) -> np.ndarray:
        return source.read(triple(index))

    chunks = getattr(source.data, "chunksize", None) or getattr(source.data, "chunks", None)
    made = Source(
        axes="ZYX",
        shape=source.shape,
        dtype=source.dtype,
        fetch=fetch,
        calibration=Calibration() if size is None else Calibration(spacing=size.spacing, unit=size.unit),
        chunks=None if chunks is None else tuple(int(chunks[axis]) for axis in source.place.axes),
    )
    number = " ".join(map(str, source.place.index))
    return LazyImage(
        address=Address(Path(f"{source.name} {number}"), "", "", ""),
        source=made,
        pick=pick_volume("ZYX", source.shape, None),
        channel=None,
        time=None,
        level=0,
        override=None,
    )
