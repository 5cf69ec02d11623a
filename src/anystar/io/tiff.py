"""TIFF: ImageJ hyperstacks, OME-TIFF and plain stacks."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tifffile

from anystar.arrays import Volume
from anystar.io.axes import pick_volume
from anystar.io.errors import FileError
from anystar.io.tiff_spacing import tiff_spacing

__all__ = ["read", "write"]

_IMAGEJ_TYPES = ("uint8", "uint16", "float32")
_OME_TYPES = ("int8", "int16", "int32", "uint8", "uint16", "uint32", "float32", "float64")


def read(path: Path, channel: int | None) -> Volume:
    """Read one volume.

    Raises
    ------
    FileError
        If the axes that the file names do not make a volume, if it holds several images, or if it is cut off.
    """
    with _damage_is_an_error():
        try:
            tif = tifffile.TiffFile(path)
        except tifffile.TiffFileError as error:
            raise FileError(f"is not a TIFF file ({error}); copy or export it again") from error
        with tif:
            if len(tif.series) != 1:
                shapes = ", ".join(str(s.shape) for s in tif.series[:4])
                raise FileError(
                    f"holds {len(tif.series)} images {shapes}; save the one to segment on its own"
                )
            series = tif.series[0]
            _refuse_cut_off(tif, series)
            kept, index = pick_volume(series.axes, series.shape, channel)
            data = _load(tif, series, index)
            data = data.transpose([kept.index(a) for a in "ZYX"])
            spacing, unit = tiff_spacing(tif)
    return Volume(data=data, spacing=spacing, unit=unit)


def _load(
    tif: tifffile.TiffFile, series: tifffile.TiffPageSeries, index: tuple[int | slice, ...]
) -> np.ndarray:
    """Read only the pages of the wanted channel where each plane is a page; otherwise all, then choose."""
    planes = series.shape[: len(series.shape) - len(series.keyframe.shape)]
    if index.count(slice(None)) < len(index) and len(series.pages) == int(np.prod(planes)):
        pages = np.arange(len(series.pages)).reshape(planes)[index[: len(planes)]]
        rest = index[len(planes) :]
        data = tif.asarray(key=pages.ravel().tolist(), series=0)
        return data.reshape(pages.shape + series.keyframe.shape)[(slice(None),) * pages.ndim + rest]
    return series.asarray()[index]


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


def write(path: Path, volume: Volume) -> None:
    """Write an ImageJ hyperstack, or OME-TIFF where the name says so or ImageJ's form cannot hold the data.

    ImageJ's form has no 32-bit integers and ends at 4 GB; Fiji opens OME-TIFF through Bio-Formats.
    """
    data, spacing = volume.data, volume.spacing
    unit = "um" if volume.unit == "um" else "pixel"
    big = data.nbytes > 2**32 - 2**20
    if (
        not path.name.lower().endswith((".ome.tif", ".ome.tiff"))
        and data.dtype.name in _IMAGEJ_TYPES
        and not big
    ):
        place = {} if spacing is None else {"spacing": spacing[0], "unit": unit}
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
