"""Parts of a series of TIFF pages, and what of it is not there."""

from __future__ import annotations

import contextlib
import logging
import math
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
import tifffile

from anystar.errors import FileError
from anystar.io.source import Index
from anystar.io.unpack import copy_part

__all__ = ["chunks_of", "damage_is_an_error", "incomplete_times", "reader_of"]

_ADVICE = "it is cut off or incomplete, copy or export it again"
_TOLERATED = "invalid shaped series metadata"
"""tifffile's message about pages that another program appended to its own; all of them are read then."""


def reader_of(tif: tifffile.TiffFile, series: tifffile.TiffPageSeries) -> Callable[[Index], np.ndarray]:
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

        return zarr.open_array(series.aszarr(level=0), mode="r")

    def fetch(index: Index) -> np.ndarray:
        rest = index[len(planes) :]
        lengths = series.shape[len(planes) :]
        whole = all(
            isinstance(i, int) or (i.start, i.stop) == (0, n) for i, n in zip(rest, lengths, strict=True)
        )
        with damage_is_an_error():
            if not (a_page_each and whole):
                return np.asarray(pieces()[index])
            pages = np.arange(len(series.pages)).reshape(planes)[index[: len(planes)]]
            data = tif.asarray(key=pages.ravel().tolist(), series=series)
            return data.reshape(pages.shape + series.keyframe.shape)[(slice(None),) * pages.ndim + rest]

    return fetch


def chunks_of(series: tifffile.TiffPageSeries) -> tuple[int, ...] | None:
    """Return the shape of what is compressed together: a tile or a strip of one plane."""
    if series.dataoffset is not None or series.keyframe is None:
        return None
    planes = len(series.shape) - len(series.keyframe.shape)
    return (1,) * planes + tuple(series.keyframe.chunks)


def incomplete_times(tif: tifffile.TiffFile, series: tifffile.TiffPageSeries) -> dict[int, str]:
    """Return what is wrong with each time point of which a plane is missing or lies beyond the file's end.

    tifffile itself fills what is missing with zeros.

    Raises
    ------
    FileError
        If there is no complete time point, or no axis of time.
    """
    if series.dataoffset is not None:
        if series.dataoffset + series.nbytes > tif.filehandle.size:
            raise FileError(f"ends before its {series.nbytes} bytes of data do; {_ADVICE}")
        return {}
    total = len(series.pages)
    stated = (tif.imagej_metadata or {}).get("images", 1) if series.kind == "imagej" else 1
    if isinstance(stated, int) and total < stated:
        raise FileError(f"holds {total} of the {stated} planes it states; {_ADVICE}")
    wrong = dict(_wrong_pages(series))
    if not wrong:
        return {}
    lengths = dict(zip(series.axes, series.shape, strict=True))
    planes = series.shape[: len(series.shape) - len(series.keyframe.shape)]
    axis = series.axes.find("T")
    if lengths.get("T", 1) < 2 or axis >= len(planes) or math.prod(planes) != total:
        raise FileError(f"{next(iter(wrong.values()))}; {_ADVICE}")
    times: dict[int, str] = {}
    for number, message in wrong.items():
        times.setdefault(int(np.unravel_index(number, planes)[axis]), message)
    if len(times) == lengths["T"]:
        raise FileError(f"{next(iter(wrong.values()))}; {_ADVICE}")
    return times


def _wrong_pages(series: tifffile.TiffPageSeries) -> Iterator[tuple[int, str]]:
    total = len(series.pages)
    for number, page in enumerate(series.pages):
        if page is None:
            yield number, f"lacks plane {number} of {total}"
            continue
        ends = (o + n for o, n in zip(page.dataoffsets, page.databytecounts, strict=True))
        if max(ends, default=0) > page.parent.filehandle.size:
            yield number, f"ends before plane {number} of {total} does"


class _Errors(logging.Handler):
    """Collects the messages of errors and drops those of lower levels."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []

    def emit(self, entry: logging.LogRecord) -> None:
        if entry.levelno >= logging.ERROR and _TOLERATED not in entry.getMessage():
            self.messages.append(entry.getMessage())


@contextlib.contextmanager
def damage_is_an_error() -> Iterator[None]:
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
