"""A volume on the disk that is read box by box."""

from __future__ import annotations

import contextlib
import functools
import math
import operator
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from anystar.arrays import LengthUnit, Volume, check_spacing, crop_header
from anystar.box import Box
from anystar.errors import FileError, InputError
from anystar.io.address import Address
from anystar.io.axes import Pick, column_names, pick_volume, refuse_number
from anystar.io.axis_names import renamed
from anystar.io.calibration import Calibration, Spacing, Unit
from anystar.io.opening import DAMAGED, existing, named, open_source
from anystar.io.source import Source
from anystar.io.values import memory_dtype

__all__ = ["LazyImage", "open_image"]

_MOST_VOXELS = 10**15
"""More than any instrument produces."""


@dataclass(frozen=True, kw_only=True, eq=False)
class LazyImage:
    """A 3D image in a file, of which only the requested boxes are read; made by :func:`open_image`.

    It can be pickled, which sends its name, not its voxels: whoever unpickles it opens the file again.
    """

    address: Address
    """Where it lies; as text, the name to open it by."""
    source: Source
    """The array of the file, with all its axes."""
    pick: Pick
    """What takes the volume out of it."""
    channel: int | None
    """The channel that was chosen, if any."""
    time: int | None
    """The time point that was chosen, if any."""
    level: int
    """The level of the pyramid."""
    override: Spacing | None
    """The spacing that was given instead of the file's, if any; ``source`` has it already."""
    sized: bool = True
    """Whether an impossible voxel size was refused."""
    series: int | None = None
    """The image of a file of several that was chosen, if any."""
    renamed: str | None = None
    """The letters of the axes that were given instead of the file's."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of voxels along Z, Y, X."""
        return self._zyx(self.source.shape)

    @property
    def chunks(self) -> tuple[int, int, int]:
        """Voxels along Z, Y, X that are stored together: what is cheap to read at once."""
        return self._zyx(self.source.chunks or self.source.shape)

    @property
    def dtype(self) -> np.dtype:
        """Type of what :meth:`read` gives."""
        return memory_dtype(self.source.dtype)

    @property
    def spacing(self) -> Spacing | None:
        """Size of a voxel along Z, Y, X in micrometres (or pixels, see ``unit``), if known."""
        return self.source.calibration.spacing

    @property
    def unit(self) -> Unit:
        """``"um"``, or ``"relative"`` if only the ratios of the spacing mean anything."""
        return self.source.calibration.unit

    @property
    def length_unit(self) -> LengthUnit:
        """The unit that the file measures in, in which lengths are reported."""
        return self.source.calibration.length_unit

    @property
    def plane(self) -> tuple[float, float] | None:
        """Micrometres along Y and X where only the distance between planes is not known."""
        return self.source.calibration.plane

    @property
    def header(self) -> dict[str, Any]:
        """What a format needs to write labels that lie on the image (affine, units, ...)."""
        known = {} if self.plane is None else {"plane": self.plane}
        return self.source.header | known

    @property
    def axes(self) -> str:
        """The axes of the file, slowest first, ``"TCZYX"`` say."""
        return self.source.axes

    @property
    def num_channels(self) -> int:
        """How many channels the file has."""
        return self.pick.num_channels

    @property
    def channel_names(self) -> tuple[str, ...]:
        """Names of the channels, empty for one without; nothing if the file names none."""
        names = self.source.channel_names
        return names if len(names) == self.num_channels else ()

    @property
    def column_name(self) -> str:
        """What the columns of a table are named after for the chosen channel, see :func:`column_names`."""
        return column_names(self.channel_names, self.num_channels)[self.channel or 0]

    @property
    def num_times(self) -> int:
        """How many time points the file has."""
        return self.pick.num_times

    @property
    def num_levels(self) -> int:
        """How many levels its pyramid has, 1 without one."""
        return self.source.num_levels

    @property
    def notes(self) -> tuple[str, ...]:
        """What was assumed and what the user should know, a line each."""
        return (*self.source.calibration.notes, *self.source.notes, *self.source.remarks())

    def at(self, *, channel: int | str | None = None, time: int | None = None) -> LazyImage:
        """Return the same image in another channel or at another time point, of the same open file."""
        channel = self.channel if channel is None else channel
        time = self.time if time is None else time
        with named(self.address):
            pick = pick_volume(self.source.axes, self.source.shape, channel, time, self.source.channel_names)
        return replace(self, pick=pick, channel=pick.channel, time=time)

    @property
    def others(self) -> tuple[LazyImage, ...]:
        """The channels that were not chosen, of the same open file."""
        numbers = range(self.num_channels) if self.num_channels > 1 else ()
        return tuple(self.at(channel=n) for n in numbers if n != self.channel)

    def read(self, box: Sequence[slice] | None = None) -> np.ndarray:
        """Read the voxels of a box.

        Parameters
        ----------
        box : 3 slices, optional
            Along Z, Y, X, cut at the borders as NumPy does; steps are not possible. Everything by default.

        Returns
        -------
        numpy.ndarray
            C-contiguous, ``dtype``, shape of the box; NaN and infinite values as they are.

        Raises
        ------
        FileError
            If the file is damaged there.
        """
        wanted = (slice(None),) * 3 if box is None else tuple(box)
        if len(wanted) != 3 or any(not isinstance(s, slice) or s.step not in (None, 1) for s in wanted):
            raise InputError(f"box must be three slices (Z, Y, X) of step 1, got {box}")
        place = dict(zip("ZYX", wanted, strict=True))
        along = iter(self.pick.kept)
        index = tuple(
            i if isinstance(i, int) else slice(*place[next(along)].indices(n)[:2])
            for i, n in zip(self.pick.place, self.source.shape, strict=True)
        )
        with named(self.address, DAMAGED):
            data = self.source.fetch(index)
        with named(self.address):
            data = data.transpose([self.pick.kept.index(a) for a in "ZYX"])
            return np.ascontiguousarray(data, memory_dtype(data.dtype))

    def volume(self) -> Volume:
        """Read everything."""
        return self.place(self.read())

    def crop(self, box: Box | str | Sequence[slice]) -> Volume:
        """Read a part, NaN included, as a volume at its place; ``box`` as :meth:`anystar.Box.of` takes it."""
        box = Box.of(box, self.shape, spacing=self.spacing if self.unit == "um" else None)
        return self._volume(self.read(box.slices), crop_header(self, box))

    def place(self, data: np.ndarray) -> Volume:
        """Return an array of the image's shape at the image's place (labels, say)."""
        if data.shape != self.shape:
            raise InputError(f"data must have the image's shape {self.shape}, got {data.shape}")
        return self._volume(data, self.header)

    def _volume(self, data: np.ndarray, header: dict[str, Any]) -> Volume:
        size = self.source.calibration
        return Volume(
            data=data, spacing=size.spacing, unit=size.unit, length_unit=size.length_unit, header=header
        )

    def close(self) -> None:
        """Give the file back; nothing can be read afterwards."""
        self.source.close()

    def __enter__(self) -> LazyImage:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def reopen(self) -> functools.partial[LazyImage]:
        """What opens the same image again."""
        return functools.partial(
            open_image,
            str(self.address),
            channel=self.channel,
            time=self.time,
            level=self.level,
            spacing=self.override,
            sized=self.sized,
            series=self.series,
            axes=self.renamed,
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return self.reopen, ()

    def _zyx(self, lengths: tuple[int, ...]) -> tuple[int, int, int]:
        kept = [n for n, i in zip(lengths, self.pick.place, strict=True) if not isinstance(i, int)]
        z, y, x = (kept[self.pick.kept.index(a)] for a in "ZYX")
        return z, y, x


def open_image(
    path: str | Path,
    *,
    channel: int | str | None = None,
    time: int | None = None,
    level: int = 0,
    spacing: Sequence[float] | None = None,
    sized: bool = True,
    series: int | None = None,
    axes: str | None = None,
) -> LazyImage:
    """Open a 3D image without reading its voxels.

    Parameters
    ----------
    path : str or Path
        TIFF, OME-TIFF or ImageJ stack, NIfTI (``.nii``, ``.nii.gz``), NRRD, HDF5 (``file.h5:/dataset``, or
        ``file.h5`` if it holds one only), NumPy ``.npy``, OME-Zarr (``store.zarr``, ``store.zarr/group``).
    channel : int or str, optional
        Which channel of a file that has several: its number from 0, or its name.
    time : int, optional
        Which time point of a file that has several, counted from 0.
    level : int
        Level of the pyramid (OME-Zarr, OME-TIFF); 0 is the finest.
    spacing : 3 floats, optional
        Micrometres per voxel along Z, Y, X, instead of what the file says.
    sized : bool
        Whether an impossible voxel size is refused; else the image has none (labels, masks).
    series : int, optional
        Which image of a file that holds several, counted from 0.
    axes : str, optional
        Letters of the file's axes, slowest first, where its own are wrong or missing: ``"ZYX"`` for a stack
        that was saved as a time series. ``C`` stands for channel, ``T`` for time.

    Returns
    -------
    LazyImage
        Usable in a ``with`` statement.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    FileError
        If the file is damaged, is not a 3D volume (2D, or several channels or time points of which none is
        chosen), or states an impossible voxel size that ``spacing`` does not replace.

    Examples
    --------
    >>> import tempfile
    >>> from anystar.io.files import write
    >>> path = Path(tempfile.mkdtemp()) / "cells.tif"
    >>> write(path, Volume(data=np.zeros((40, 80, 80), np.uint16), spacing=(2, 0.5, 0.5)))
    >>> with open_image(path) as image:
    ...     image.shape, image.spacing, image.read((slice(0, 8), slice(8), slice(8))).shape
    ((40, 80, 80), (2.0, 0.5, 0.5), (8, 8, 8))
    """
    override = None if spacing is None else check_spacing(tuple(spacing))
    channel = channel if isinstance(channel, str) else _whole("channel", channel)
    time, number = _whole("time", time), _whole("level", level) or 0
    address = existing(path)
    image_number = _whole("series", series)
    with contextlib.ExitStack() as opened:
        source = open_source(address, number, image_number)
        opened.callback(source.close)
        with named(address):
            if axes is not None:
                source = renamed(source, axes)
            if override is not None:
                source = replace(source, calibration=Calibration(spacing=override))
            elif not sized:
                size = replace(source.calibration, fault="", notes=())
                source = replace(source, calibration=size)
            refuse_number(number, source.num_levels, "level", "level")
            memory_dtype(source.dtype)  # which refuses values that are no numbers
            pick = pick_volume(source.axes, source.shape, channel, time, source.channel_names)
            image = LazyImage(
                address=address,
                source=source,
                pick=pick,
                channel=pick.channel,
                time=time,
                level=number,
                override=override,
                sized=sized,
                series=image_number,
                renamed=axes,
            )
            _refuse_nonsense(image)
        opened.pop_all()
    return image


def _refuse_nonsense(image: LazyImage) -> None:
    """Raise if the shape or the voxel size is impossible."""
    if math.prod(image.shape) > _MOST_VOXELS:
        raise FileError(
            f"states the shape {image.shape}, more than {_MOST_VOXELS:.0e} voxels; its metadata are "
            "damaged, export it again"
        )
    if 0 in image.shape:
        raise FileError(f"is empty, its shape is {image.shape}; export it again")
    if fault := image.source.calibration.fault:
        raise FileError(f"{fault}; give the right one with spacing=(Z, Y, X)")


def _whole(name: str, value: int | None) -> int | None:
    """Return a number as it is, or raise ``TypeError`` for what is none."""
    try:
        if isinstance(value, bool):
            raise TypeError
        return None if value is None else operator.index(value)
    except TypeError:
        kinds = "a whole number or a name" if name == "channel" else "a whole number"
        raise TypeError(f"{name} must be {kinds}, got {value!r}") from None
