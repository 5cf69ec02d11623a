"""Volumes over time, read one frame at a time: a file with a time axis, or a file a frame."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from anystar.errors import FileError
from anystar.io.address import file_stem, locate
from anystar.io.calibration import Spacing, Unit
from anystar.io.lazy import LazyImage, open_image
from anystar.io.planes import list_volumes

__all__ = ["Series", "open_series"]

# Seconds of NIfTI's codes of the unit of time (bits 4 to 6 of xyzt_units).
_SECONDS = {8: 1.0, 16: 1e-3, 24: 1e-6}


@dataclass(kw_only=True, eq=False)
class Series:
    """Frames of one shape in the order of time; made by :func:`open_series`.

    One that is missing, damaged or of another shape reads as None, and ``faults`` then says why.
    """

    name: str
    """What it is called."""
    first: LazyImage
    """The first frame that is there; it says the shape, the spacing and how labels are written."""
    files: tuple[Path | None, ...]
    """For a file a frame, the file of each frame, None where a number is missing; else empty."""
    how: dict[str, Any]
    """How files are opened: channel, series, axes."""
    faults: dict[int, str] = field(default_factory=dict)
    """What is wrong, by the number of the frame, of those that were read so far."""

    def __len__(self) -> int:
        return len(self.files) or self.first.num_times

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of voxels along Z, Y, X."""
        return self.first.shape

    @property
    def spacing(self) -> Spacing | None:
        """Of a voxel along Z, Y, X, if known."""
        return self.first.spacing

    @property
    def unit(self) -> Unit:
        """Of the spacing."""
        return self.first.unit

    @property
    def header(self) -> dict[str, Any]:
        """What the first frame's file says besides."""
        return self.first.header

    @property
    def seconds(self) -> float | None:
        """From one frame to the next, if the file says."""
        header: Any = self.first.header.get("nifti")
        if header is None or self.files:
            return None
        factor = _SECONDS.get(int(header["xyzt_units"]) & 56)
        step = float(header["pixdim"][4])
        return step * factor if factor and np.isfinite(step) and step > 0 else None

    def read(self, number: int) -> np.ndarray | None:
        """Return one frame ``(Z, Y, X)``, NaN and infinite values included, or None.

        Raises
        ------
        IndexError
            If the series is shorter.
        """
        if not 0 <= number < len(self):
            raise IndexError(f"number must be 0 to {len(self) - 1}, got {number}")
        try:
            if not self.files:
                return self.first.at(time=number).read()
            return self._read_file(self.files[number], number)
        except FileError as error:
            self.faults[number] = str(error)
            return None

    def _read_file(self, path: Path | None, number: int) -> np.ndarray:
        if path is None:
            raise FileError(f"{self.name} has no file for frame {number}; copy it there if it exists")
        with open_image(path, **self.how) as image:
            if image.shape != self.shape:
                raise FileError(
                    f"{path} has the shape {image.shape} but {self.first.address} {self.shape}; "
                    "give frames of one shape"
                )
            return image.read()

    def close(self) -> None:
        """Give the file back."""
        self.first.close()

    def __enter__(self) -> Series:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_series(
    paths: Sequence[str | Path],
    *,
    channel: int | str | None = None,
    spacing: Sequence[float] | None = None,
    series: int | None = None,
    axes: str | None = None,
) -> Series:
    """Open volumes over time without reading them.

    Parameters
    ----------
    paths : sequence of str or Path
        One file with a time axis (4D NIfTI, TIFF time stack, OME-Zarr), one folder of numbered files, or the
        numbered files themselves. The last number in a name counts; frame 0 is the lowest of them, the step
        is their greatest common one, and what is not there in between is a missing frame.
    channel : int or str, optional
        Which channel of a multi-channel series.
    spacing : 3 floats, optional
        Micrometres per voxel along Z, Y, X, instead of what the files say.
    series, axes
        As :func:`open_image` takes them.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    FileError
        If there is only one frame, no file can be read, or the files are not numbered.

    Examples
    --------
    >>> import tempfile
    >>> from anystar.arrays import Volume
    >>> from anystar.io import write
    >>> folder = Path(tempfile.mkdtemp())
    >>> for n in (1, 2, 4):
    ...     write(folder / f"t{n}.tif", Volume(data=np.full((4, 5, 6), n, np.uint8)))
    >>> with open_series([folder]) as series:
    ...     len(series), series.read(1).max(), series.read(2) is None
    (4, np.uint8(2), True)
    """
    files = [Path(p).expanduser() for p in paths]
    how: dict[str, Any] = {"channel": channel, "series": series, "axes": axes}
    if len(files) == 1 and files[0].is_dir() and locate(files[0]).module != "ome_zarr":
        files = list_volumes(files[0])
    if len(files) == 1:
        first = open_image(files[0], time=0, spacing=spacing, **how)
        if first.num_times == 1:
            first.close()
            raise FileError(f"{files[0]} holds one volume; give a time series, or one file per frame")
        return Series(name=str(files[0]), first=first, files=(), how=how)
    numbered = _by_number(files)
    name = str(files[0].parent)
    for path in numbered:
        if path is not None:
            try:
                first = open_image(path, spacing=spacing, **how)
            except FileError:
                continue  # reported when the frame is read
            return Series(name=name, first=first, files=tuple(numbered), how=how)
    raise FileError(f"none of the {len(files)} frames in {name} can be read; copy or export them again")


def _by_number(files: Sequence[Path]) -> list[Path | None]:
    """Return the files in the order of their numbers, None for a number between them that is missing."""
    places: dict[int, Path] = {}
    for path in files:
        digits = re.findall(r"\d+", file_stem(path))
        if not digits:
            raise FileError(f"{path} has no number; name frames like t000.tif, t001.tif")
        if (other := places.setdefault(int(digits[-1]), path)) is not path:
            raise FileError(f"{other} and {path} are both frame {int(digits[-1])}; rename one of them")
    numbers = sorted(places)
    step = math.gcd(*(b - a for a, b in pairwise(numbers))) or 1
    return [places.get(n) for n in range(numbers[0], numbers[-1] + 1, step)]
