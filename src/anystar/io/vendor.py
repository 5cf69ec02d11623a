"""Files of microscopes' makers (CZI, ND2, LIF, ...), through bioio and its readers."""

from __future__ import annotations

from typing import Any

import numpy as np

from anystar.errors import FileError
from anystar.io.address import Address
from anystar.io.axes import clean_names, refuse_number
from anystar.io.calibration import calibrate
from anystar.io.source import Index, Source

__all__ = ["HAS_SERIES", "open_source"]

HAS_SERIES = True
"""A file may hold several scenes."""

_READERS = {".czi": "bioio-czi", ".dv": "bioio-dv", ".lif": "bioio-lif", ".nd2": "bioio-nd2"}
_ANY_READER = "bioio-bioformats"
_BY_VOLUME = (".czi", ".lif")
"""Formats whose readers decode whole volumes by default."""


def open_source(address: Address, level: int, series: int | None = None) -> Source:
    """Open a file with bioio, which decodes the requested planes only.

    Raises
    ------
    FileError
        If bioio or its reader for the format is not installed, or the file holds several scenes of which none
        is chosen.
    """
    reader = _READERS.get(address.suffix, _ANY_READER)
    advice = f"pip install bioio {reader}, or export the image as OME-TIFF"
    try:
        from bioio import BioImage
    except ImportError:
        raise FileError(f"is read by bioio, which is not installed; {advice}") from None
    try:
        planes: dict[str, Any] = {"chunk_dims": ["Y", "X"]} if address.suffix in _BY_VOLUME else {}
        image = BioImage(address.file, **planes)
    except Exception as error:
        if type(error).__name__ == "UnsupportedFileFormatError":
            raise FileError(f"needs bioio's reader for {address.suffix}; {advice}") from error
        raise
    _choose_scene(image, series)
    data: Any = image.dask_data
    sizes = image.physical_pixel_sizes
    size = calibrate((sizes.Z, sizes.Y, sizes.X), ("um",) * 3)

    def fetch(index: Index) -> np.ndarray:
        # In this thread: the readers share one open file
        return np.asarray(data[index].compute(scheduler="synchronous"))

    return Source(
        axes=str(image.dims.order),
        shape=tuple(int(n) for n in data.shape),
        dtype=np.dtype(data.dtype),
        fetch=fetch,
        calibration=size,
        channel_names=clean_names(getattr(image, "channel_names", None) or ()),
        chunks=tuple(int(max(c)) for c in data.chunks),
    )


def _choose_scene(image: Any, wanted: int | None) -> None:
    """Go to the scene that is wanted, or raise if it is not clear which one is."""
    names = [str(name) for name in image.scenes]
    if wanted is None and len(names) > 1:
        listed = ", ".join(f"{i}: {name}" for i, name in enumerate(names[:6]))
        more = ", ..." if len(names) > 6 else ""
        raise FileError(
            f"holds {len(names)} scenes, {listed}{more}; choose one with series=0 to series={len(names) - 1}"
        )
    if wanted is not None:
        refuse_number(wanted, len(names), "scene", "series")
        image.set_scene(wanted)
