"""A folder of 2D images as one volume: a file for each plane, channel and time point."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from anystar.errors import FileError
from anystar.io.address import Address, image_files, locate
from anystar.io.opening import format_of
from anystar.io.plane_names import Grid, grid_of
from anystar.io.source import Index, Source, stacked
from anystar.io.tiff_sets import without_repeats

__all__ = ["list_volumes", "open_source"]

_LOOKED_AT = 16
"""Most files that are opened to see what a folder holds; as a volume, all are."""


def list_volumes(folder: str | Path) -> list[Path]:
    """Return the images of a folder that :func:`anystar.read` knows by their names, sorted.

    Hidden files are left out. Files of one OME-TIFF data set count once. A folder of 2D images is one volume:
    then the folder itself is returned.

    Raises
    ------
    FileError
        If there are none.
    """
    folder = Path(folder)
    files = without_repeats(image_files(folder))
    return [folder] if _are_planes(files) else files


def _are_planes(files: Sequence[Path]) -> bool:
    """Return whether several files are 2D images; of many, some are looked at."""
    few = {round(n) for n in np.linspace(0, len(files) - 1, _LOOKED_AT)}
    if len(files) < 2:
        return False
    found = [_is_plane(files[n]) for n in sorted(few)]
    return False not in found and 2 * found.count(True) > len(found)


def _is_plane(path: Path) -> bool | None:
    """Return whether a file is a 2D image, None if it cannot be opened."""
    if locate(path).module not in ("tiff", "npy", "png_jpeg"):
        return False
    try:
        with contextlib.closing(_open(path)) as source:
            with_length = {a for a, n in zip(source.axes, source.shape, strict=True) if n > 1}
    except (FileError, OSError):
        return None
    return with_length <= set("YXCS") and {"Y", "X"} <= set(source.axes)


def _open(path: Path) -> Source:
    address = locate(path)
    try:
        return format_of(address).open_source(address, 0)
    except FileError as error:
        raise FileError(f"holds {path.name}, which {error}") from error
    except (OSError, MemoryError):
        raise
    except Exception as error:  # a damaged file makes a parser raise whatever it likes
        raise FileError(
            f"holds {path.name}, which cannot be opened ({error!s:.100}); copy it again"
        ) from error


def open_source(address: Address, level: int) -> Source:
    """Open the stack of 2D images in a folder, or the only volume in it.

    Raises
    ------
    FileError
        If the folder holds several volumes, or 2D images whose names do not count up or whose shapes differ.
    """
    folder = address.file
    try:
        files = list_volumes(folder)
    except FileError:
        raise FileError("is a folder without images; give a file, or a folder of 2D images") from None
    if files != [folder]:
        if len(files) == 1:
            chosen = locate(files[0])
            return format_of(chosen).open_source(chosen, level)
        raise FileError(f"is a folder of {len(files)} images; give one of them, {files[0].name} for example")
    paths = without_repeats(image_files(folder))
    grid = grid_of(paths)
    first = _open(grid.files[min(grid.files)])
    first.close()
    for path in paths:
        other = _open(path)
        other.close()
        if (other.axes, other.shape, other.dtype) != (first.axes, first.shape, first.dtype):
            raise FileError(
                f"holds 2D images that differ: {path.name} has the shape {other.shape} and type "
                f"{other.dtype}, the first {first.shape} and {first.dtype}; put other images elsewhere"
            )
    return _stack(grid, first)


def _stack(grid: Grid, first: Source) -> Source:
    """Return the planes as one array with the axes that their names count in front."""
    names = [grid.files[place].name for place in sorted(grid.files)]
    notes = [f"the folder's {len(names)} planes, {names[0]} to {names[-1]}, are taken as one volume"]
    shape = list(grid.shape)
    if grid.incomplete:
        time = grid.axes.index("T")
        shape[time] = max(t for t in range(shape[time]) if t not in grid.incomplete) + 1
        listed = ", ".join(map(str, grid.incomplete))
        notes.append(f"time points of which files are missing cannot be used: {listed}")
    plane = Source(
        axes=first.axes,
        shape=first.shape,
        dtype=first.dtype,
        fetch=first.fetch,
        calibration=first.calibration,
        chunks=first.chunks,
        channel_names=grid.channels,
        notes=tuple(notes),
    )
    return stacked(plane, grid.axes, tuple(shape), lambda place, index: _read(grid, place, index))


def _read(grid: Grid, place: tuple[int, ...], index: Index) -> np.ndarray:
    path = grid.files.get(place)
    if path is None:
        at = ", ".join(f"{a} {n}" for a, n in zip(grid.axes, place, strict=True))
        raise FileError(f"has no file for {at}; choose another time=")
    with contextlib.closing(_open(path)) as source:
        return source.fetch(index)
