"""TIFF: ImageJ hyperstacks, OME-TIFF and plain stacks."""

from __future__ import annotations

import contextlib
import logging
import math
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
import tifffile

from anystar.arrays import Volume
from anystar.errors import FileError
from anystar.io.address import Address
from anystar.io.colours import label_display
from anystar.io.mapped import copy_part
from anystar.io.source import Index, Source, Spacing
from anystar.io.tiff_channels import channel_names
from anystar.io.tiff_spacing import tiff_spacing
from anystar.io.tiff_trust import refuse_loops, refuse_outside

__all__ = ["open_source", "write"]

_IMAGEJ_TYPES = ("uint8", "uint16", "float32")
_OME_TYPES = ("int8", "int16", "int32", "uint8", "uint16", "uint32", "float32", "float64")


def open_source(address: Address, level: int) -> Source:
    """Open a TIFF file.

    Uncompressed images in one piece are mapped; of others only the planes, or tiles, that are asked for are
    decoded.

    Raises
    ------
    FileError
        If it holds several images, or if it is cut off.
    """
    with contextlib.ExitStack() as opened:
        with _damage_is_an_error():
            try:
                tif = opened.enter_context(tifffile.TiffFile(address.file))
            except tifffile.TiffFileError as error:
                raise FileError(f"is not a TIFF file ({error}); copy or export it again") from error
            refuse_loops(tif)
            refuse_outside(address, tif)
            if len(tif.series) != 1:
                shapes = ", ".join(str(s.shape) for s in tif.series[:4])
                raise FileError(
                    f"holds {len(tif.series)} images {shapes}; save the one to segment on its own"
                )
            levels = tif.series[0].levels
            series = levels[min(max(level, 0), len(levels) - 1)]
            _refuse_cut_off(tif, series)
            spacing, unit, fault = tiff_spacing(tif)
            names = channel_names(tif)
        opened.pop_all()
    if spacing is not None and series is not levels[0]:
        spacing = _coarser(spacing, levels[0], series)
    return Source(
        axes=series.axes,
        shape=series.shape,
        dtype=np.dtype(series.dtype),
        fetch=_reader(tif, series),
        spacing=spacing,
        unit=unit,
        fault=fault,
        channel_names=names,
        chunks=_chunks(series),
        num_levels=len(levels),
        close=tif.close,
    )


def _coarser(spacing: Spacing, finest: tifffile.TiffPageSeries, series: tifffile.TiffPageSeries) -> Spacing:
    """Return the spacing of a level of the pyramid, which covers the same space with fewer voxels."""
    z, y, x = (
        size * finest.shape[finest.axes.index(a)] / series.shape[series.axes.index(a)]
        if a in finest.axes
        else size
        for a, size in zip("ZYX", spacing, strict=True)
    )
    return z, y, x


def _chunks(series: tifffile.TiffPageSeries) -> tuple[int, ...] | None:
    """Return the shape of what is compressed together: a tile or a strip of one plane."""
    if series.dataoffset is not None or series.keyframe is None:
        return None
    planes = len(series.shape) - len(series.keyframe.shape)
    return (1,) * planes + tuple(series.keyframe.chunks)


def _reader(tif: tifffile.TiffFile, series: tifffile.TiffPageSeries) -> Callable[[Index], np.ndarray]:
    """Return what reads a part: from a map, of whole planes, or of the strips and tiles that it touches."""
    if series.dataoffset is not None:
        stored = np.dtype(tif.byteorder + np.dtype(series.dtype).char)
        mapped = np.memmap(tif.filehandle.path, stored, "r", series.dataoffset, series.shape)
        return lambda index: copy_part(mapped, index)
    planes = series.shape[: len(series.shape) - len(series.keyframe.shape)]
    a_page_each = len(series.pages) == math.prod(planes)

    @cache
    def pieces() -> Any:
        import zarr  # half a second that whole planes need not wait for

        return zarr.open_array(series.aszarr(), mode="r")

    def fetch(index: Index) -> np.ndarray:
        rest = index[len(planes) :]
        lengths = series.shape[len(planes) :]
        whole = all(
            isinstance(i, int) or (i.start, i.stop) == (0, n) for i, n in zip(rest, lengths, strict=True)
        )
        with _damage_is_an_error():
            if not (a_page_each and whole):
                return np.asarray(pieces()[index])
            pages = np.arange(len(series.pages)).reshape(planes)[index[: len(planes)]]
            data = tif.asarray(key=pages.ravel().tolist(), series=series)
            return data.reshape(pages.shape + series.keyframe.shape)[(slice(None),) * pages.ndim + rest]

    return fetch


def _refuse_cut_off(tif: tifffile.TiffFile, series: tifffile.TiffPageSeries) -> None:
    """Raise if any of the image's data would lie beyond the end of the file, or a plane is missing.

    tifffile itself fills what is missing with zeros.
    """
    advice = "it is cut off or incomplete, copy or export it again"
    if series.dataoffset is not None:
        if series.dataoffset + series.nbytes > tif.filehandle.size:
            raise FileError(f"ends before its {series.nbytes} bytes of data do; {advice}")
        return
    for number, page in enumerate(series.pages):
        if page is None:
            raise FileError(f"lacks plane {number} of {len(series.pages)}; {advice}")
        ends = (o + n for o, n in zip(page.dataoffsets, page.databytecounts, strict=True))
        if max(ends, default=0) > page.parent.filehandle.size:
            raise FileError(f"ends before plane {number} of {len(series.pages)} does; {advice}")
    stated = (tif.imagej_metadata or {}).get("images", 1) if tif.is_imagej else 1
    if len(series.pages) < stated:
        raise FileError(f"holds {len(series.pages)} of the {stated} planes it states; {advice}")


class _Errors(logging.Handler):
    """Collects the messages of errors, drops those of lesser records."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.ERROR:
            self.messages.append(record.getMessage())


@contextlib.contextmanager
def _damage_is_an_error() -> Iterator[None]:
    """Raise what tifffile only logs: errors in the chain of pages, after which it reads fewer of them."""
    complaints = _Errors()  # as a handler it also keeps warnings off the user's terminal
    logger = logging.getLogger("tifffile")
    logger.addHandler(complaints)
    try:
        yield
    except Exception:
        if not complaints.messages:
            raise
    finally:
        logger.removeHandler(complaints)
    if complaints.messages:
        text = " ".join(complaints.messages[0].split())
        raise FileError(f"is damaged ({text:.160}); copy or export it again")


def write(address: Address, volume: Volume, *, labels: bool) -> None:
    """Write an ImageJ hyperstack, or OME-TIFF where the name says so or ImageJ's form cannot hold the data.

    ImageJ's form has no 32-bit integers and ends at 4 GB; Fiji opens OME-TIFF through Bio-Formats. Labels
    get a colour table and a display range, so that ImageJ shows each object in a colour of its own.
    """
    path, data, spacing = address.file, volume.data, volume.spacing
    unit = "um" if volume.unit == "um" else "pixel"
    big = data.nbytes > 2**32 - 2**20
    if (
        not path.name.lower().endswith((".ome.tif", ".ome.tiff"))
        and data.dtype.name in _IMAGEJ_TYPES
        and not big
    ):
        place = {} if spacing is None else {"spacing": spacing[0], "unit": unit}
        if labels:
            place |= label_display(int(data.max(initial=0)))
        tifffile.imwrite(
            path,
            data,
            imagej=True,
            resolution=None if spacing is None else (1 / spacing[2], 1 / spacing[1]),
            metadata={"axes": "ZYX", **place},
            compression="zlib",
        )
        return
    if data.dtype.name not in _OME_TYPES:
        raise FileError(f"cannot hold {data.dtype} values as TIFF; choose a name ending in .nii.gz or .npy")
    metadata: dict[str, str | float] = {"axes": "ZYX"}
    if spacing is not None:
        for axis, size in zip("ZYX", spacing, strict=True):
            metadata |= {
                f"PhysicalSize{axis}": size,
                f"PhysicalSize{axis}Unit": "µm" if unit == "um" else unit,
            }
    tifffile.imwrite(
        path, data, ome=True, bigtiff=big, photometric="minisblack", metadata=metadata, compression="zlib"
    )
