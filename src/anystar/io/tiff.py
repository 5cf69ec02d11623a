"""TIFF: ImageJ hyperstacks, OME-TIFF and plain stacks."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

import numpy as np
import tifffile

from anystar.arrays import Volume
from anystar.errors import FileError
from anystar.io.address import Address
from anystar.io.calibration import Calibration, Spacing
from anystar.io.colours import label_display
from anystar.io.ome_xml import OmeImage, companion_of, parse_ome, structure
from anystar.io.outside import companion
from anystar.io.source import Index, Source, stacked
from anystar.io.tiff_imagej import channel_names, first_voxel, further_pages, tiff_spacing
from anystar.io.tiff_reader import chunks_of, damage_is_an_error, incomplete_times, reader_of
from anystar.io.tiff_series import choose_series
from anystar.io.tiff_sets import ome_of
from anystar.io.tiff_trust import refuse_loops, refuse_outside

__all__ = ["HAS_SERIES", "open_source", "write"]

HAS_SERIES = True
"""A file may hold several images."""

_IMAGEJ_TYPES = ("uint8", "uint16", "float32")
_OME_TYPES = ("int8", "int16", "int32", "uint8", "uint16", "uint32", "float32", "float64")


def open_source(address: Address, level: int, series: int | None = None) -> Source:
    """Open a TIFF file.

    Uncompressed images in one piece are mapped; of others only the planes, or tiles, that are requested are
    decoded.

    Raises
    ------
    FileError
        If it holds several images, or if it is cut off.
    """
    with contextlib.ExitStack() as opened:
        found = _open(address, opened)
        choice = choose_series(found.series, series, address.file, found.images)
        first = found.series[choice.numbers[0]]
        chosen = min(max(level, 0), len(first.levels) - 1)
        source = _of_series(found.tif, first, chosen)
        if len(choice.numbers) > 1:
            images = [found.series[number] for number in choice.numbers]

            def fetch(place: tuple[int, ...], index: Index) -> np.ndarray:
                return _of_series(found.tif, images[place[0]], chosen).fetch(index)

            source = stacked(source, choice.axis, (len(images),), fetch)
        size = _calibration(found, choice.numbers[0])
        names = _channel_names(found, choice.numbers[0])
        close = opened.pop_all().close
    return replace(
        source,
        calibration=size.scaled(_factors(first, first.levels[chosen])),
        channel_names=names,
        num_levels=len(first.levels),
        notes=(*found.notes, *choice.notes, *source.notes, *further_pages(found.tif)),
        header=first_voxel(found.tif),
        close=close,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Opened:
    """A TIFF file, and what was understood of its metadata."""

    tif: tifffile.TiffFile
    series: list[tifffile.TiffPageSeries]
    """All images."""
    images: tuple[OmeImage, ...] = ()
    """What OME-XML says of them."""
    notes: tuple[str, ...] = ()
    """What is wrong with the metadata."""


def _open(address: Address, opened: contextlib.ExitStack) -> _Opened:
    """Open a file; metadata that cannot be parsed are set aside."""
    path = address.file
    with damage_is_an_error():
        try:
            # Micro-Manager's own index would look for files beside that are not named
            tif = tifffile.TiffFile(path, is_mmstack=False)
        except tifffile.TiffFileError as error:
            raise FileError(f"is not a TIFF file ({error}); copy or export it again") from error
        opened.callback(tif.close)
        refuse_loops(tif)
        refuse_outside(address, tif)
        text = tif.pages.first.description
        images: tuple[OmeImage, ...] = ()
        notes: list[str] = []
        xml: str | None = None
        if "<OME" in text[:4096] or tif.is_ome:
            xml, images, notes = _read_ome(path, text, tif)
            tif = tifffile.TiffFile(path, is_mmstack=False, is_ome=xml is not None, omexml=xml)
            opened.callback(tif.close)
            refuse_outside(address, tif)
        try:
            series = tif.series
        except (MemoryError, OSError):
            raise
        except Exception as error:  # tifffile raises whatever the metadata make it stumble over
            why = " ".join(str(error).split()) or type(error).__name__
            notes.append(f"the file's metadata cannot be read ({why:.100}), so its voxel size is not known")
            tif = tifffile.TiffFile(path, is_mmstack=False, is_ome=False, is_imagej=False, is_shaped=False)
            opened.callback(tif.close)
            series, images = tif.series, ()
    return _Opened(tif=tif, series=series, images=images, notes=tuple(notes))


def _read_ome(
    path: Path, text: str, tif: tifffile.TiffFile
) -> tuple[str | None, tuple[OmeImage, ...], list[str]]:
    """Return the OME-XML to go by, if there is any, its images, and what is wrong with it."""
    if (named := companion_of(text)) is not None:
        other = companion(path, named)
        if not other.is_file():
            what = f"the file's metadata lie in {named}, which is missing"
            return None, (), [f"{what}, so voxel size, channels and time points are not known"]
        text = ome_of(other)
    try:
        return text, parse_ome(text), []
    except ParseError as error:
        notes = [f"the file's OME-XML cannot be parsed ({error}), so its voxel size is not known"]
    found = structure(text)
    if found is None or found[1] != len(tif.pages):
        return None, (), [*notes, "all its pages are taken as one stack"]
    return found[0], (), notes


def _of_series(tif: tifffile.TiffFile, series: tifffile.TiffPageSeries, level: int) -> Source:
    """Return one image of a file at a level of its pyramid, without incomplete time points at its end."""
    series = series.levels[level]
    with damage_is_an_error():
        missing = incomplete_times(tif, series)
        fetch = reader_of(tif, series)
    shape = list(series.shape)
    notes: tuple[str, ...] = ()
    if missing:
        time = series.axes.index("T")
        total = shape[time]
        shape[time] = max(n for n in range(total) if n not in missing) + 1
        notes = (
            f"{len(missing)} of {total} time points are incomplete and cannot be used: "
            f"{', '.join(map(str, sorted(missing)))}",
        )
        fetch = _without(fetch, time, missing)
    return Source(
        axes=series.axes,
        shape=tuple(shape),
        dtype=np.dtype(series.dtype),
        fetch=fetch,
        chunks=chunks_of(series),
        notes=notes,
    )


def _without(
    fetch: Callable[[Index], np.ndarray], axis: int, missing: dict[int, str]
) -> Callable[[Index], np.ndarray]:
    """Return what refuses to read incomplete time points."""

    def complete(index: Index) -> np.ndarray:
        at = index[axis]
        for time in (at,) if isinstance(at, int) else range(at.start, at.stop):
            if time in missing:
                raise FileError(f"{missing[time]}, so time point {time} is incomplete; choose another time=")
        return fetch(index)

    return complete


def _calibration(found: _Opened, number: int) -> Calibration:
    """Return the size of a voxel of an image."""
    if found.images:
        return found.images[number if len(found.images) == len(found.series) else 0].calibration
    if found.tif.is_ome:  # whose own words cannot be parsed
        return Calibration()
    return tiff_spacing(found.tif)


def _channel_names(found: _Opened, number: int) -> tuple[str, ...]:
    """Return the names of the channels of an image, empty for one without; nothing if none has a name."""
    if number < len(found.images):
        return found.images[number].channel_names
    return () if found.tif.is_ome else channel_names(found.tif)


def _factors(finest: tifffile.TiffPageSeries, series: tifffile.TiffPageSeries) -> list[float]:
    """Return how much longer voxels of a level of the pyramid are, which covers the same space with fewer."""
    before, now = (dict(zip(s.axes, s.shape, strict=True)) for s in (finest, series))
    return [before.get(a, 1) / max(now.get(a, 1), 1) for a in "ZYX"]


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
        if first := volume.header.get("first"):  # ImageJ: the voxel, counted from this one, that lies at 0
            place |= {f"{axis}origin": -at for axis, at in zip("zyx", first, strict=True)}
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
    metadata: dict[str, Any] = {"axes": "ZYX"}
    plane = volume.header.get("plane") if spacing is None else None
    sizes = spacing or (plane and (None, *plane)) or ()
    for axis, size in zip("ZYX"[3 - len(sizes) :], sizes, strict=True):
        if size is not None:
            metadata |= {
                f"PhysicalSize{axis}": size,
                f"PhysicalSize{axis}Unit": "µm" if unit == "um" else unit,
            }
    if first := volume.header.get("first"):
        metadata["Plane"] = _positions(
            first, spacing or (1.0, 1.0, 1.0), len(data), str(metadata.get("PhysicalSizeXUnit", "pixel"))
        )
    tifffile.imwrite(
        path, data, ome=True, bigtiff=big, photometric="minisblack", metadata=metadata, compression="zlib"
    )


def _positions(first: Sequence[float], spacing: Spacing, num_planes: int, unit: str) -> dict[str, Any]:
    """Return the positions of the planes of a stack as OME-XML states them."""
    z, y, x = (f * edge for f, edge in zip(first, spacing, strict=True))
    places = {"X": [x] * num_planes, "Y": [y] * num_planes}
    places["Z"] = [z + i * spacing[0] for i in range(num_planes)]
    return {f"Position{a}": values for a, values in places.items()} | {
        f"Position{a}Unit": [unit] * num_planes for a in places
    }
