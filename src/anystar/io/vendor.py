"""Files of microscopes' makers (CZI, ND2, LIF, ...), through bioio and its readers."""

from __future__ import annotations

from typing import Any

import numpy as np

from anystar.errors import FileError
from anystar.io.address import Address
from anystar.io.axes import clean_names
from anystar.io.source import Index, Source

__all__ = ["open_source"]

_READERS = {".czi": "bioio-czi", ".dv": "bioio-dv", ".lif": "bioio-lif", ".nd2": "bioio-nd2"}
_ANY_READER = "bioio-bioformats"
_BY_VOLUME = (".czi", ".lif")
"""Whose readers decode whole volumes unless told otherwise."""


def open_source(address: Address, level: int) -> Source:
    """Open a file as bioio sees it; it decodes the planes that are asked for.

    Raises
    ------
    FileError
        If bioio or its reader for the format is not installed, or the file holds several scenes.
    """
    reader = _READERS.get(address.suffix, _ANY_READER)
    advice = f"pip install bioio {reader}, or export the image as OME-TIFF"
    try:
        from bioio import BioImage
    except ImportError:
        raise FileError(f"is read by bioio, which is not installed; {advice}") from None
    try:
        planes = {"chunk_dims": ["Y", "X"]} if address.suffix in _BY_VOLUME else {}
        image = BioImage(address.file, **planes)
    except Exception as error:
        if type(error).__name__ == "UnsupportedFileFormatError":
            raise FileError(f"needs bioio's reader for {address.suffix}; {advice}") from error
        raise
    if len(image.scenes) > 1:
        raise FileError(f"holds {len(image.scenes)} scenes; export the one to segment as OME-TIFF")
    data: Any = image.dask_data
    sizes = image.physical_pixel_sizes
    spacing, fault = _spacing(sizes.Z, sizes.Y, sizes.X)

    def fetch(index: Index) -> np.ndarray:
        # In this thread: the readers share one open file
        return np.asarray(data[index].compute(scheduler="synchronous"))

    return Source(
        axes=str(image.dims.order),
        shape=tuple(int(n) for n in data.shape),
        dtype=np.dtype(data.dtype),
        fetch=fetch,
        spacing=spacing,
        fault=fault,
        channel_names=clean_names(getattr(image, "channel_names", None) or ()),
        chunks=tuple(int(max(c)) for c in data.chunks),
    )


def _spacing(*sizes: float | None) -> tuple[tuple[float, float, float] | None, str]:
    """Return the voxel size in micrometres, which bioio's readers convert to, and what is wrong with it."""
    known = [float(s) for s in sizes if s is not None]
    if len(known) < 3:
        return None, ""
    if not (np.isfinite(known).all() and min(known) > 0):
        return None, f"states a voxel of {' x '.join(f'{s:g}' for s in known)} along Z, Y, X"
    return (known[0], known[1], known[2]), ""
