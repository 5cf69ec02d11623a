"""Read and write a whole volume in the format that the file's name says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from anystar.arrays import Volume
from anystar.box import Box
from anystar.errors import FileError, InputError
from anystar.io.address import SUFFIXES, locate
from anystar.io.lazy import LazyImage, open_image
from anystar.io.opening import format_of, named, stated_axes
from anystar.io.values import compact
from anystar.objects.labels import as_labels, resembles_image
from anystar.runtime.atomic import staged

__all__ = ["read", "read_labels", "refuse_loss", "shared_axes", "write", "write_part"]


def read(
    path: str | Path,
    *,
    channel: int | str | None = None,
    time: int | None = None,
    level: int = 0,
    spacing: Sequence[float] | None = None,
    sized: bool = True,
    series: int | None = None,
    axes: str | None = None,
) -> Volume:
    """Read a 3D volume as a whole: :func:`open_image` and everything of it.

    Parameters
    ----------
    path, channel, time, level, spacing, sized, series, axes
        As :func:`open_image` takes them.

    Returns
    -------
    Volume
        ``data`` as ZYX in the file's own type (a scaled NIfTI as float32), NaN and infinite values as they
        are; spacing in micrometres.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    FileError
        If the file is damaged, or is not a 3D volume (2D, or several channels or time points of which none
        is chosen).

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "cells.tif"
    >>> write(path, Volume(data=np.zeros((4, 8, 8), np.uint16), spacing=(2, 0.5, 0.5)))
    >>> volume = read(path)
    >>> volume.shape, volume.spacing, volume.unit
    ((4, 8, 8), (2.0, 0.5, 0.5), 'um')
    """
    with open_image(
        path,
        channel=channel,
        time=time,
        level=level,
        spacing=spacing,
        sized=sized,
        series=series,
        axes=axes,
    ) as image:
        return image.volume()


def read_labels(
    path: str | Path,
    *,
    channel: int | str | None = None,
    time: int | None = None,
    spacing: Sequence[float] | None = None,
    series: int | None = None,
    axes: str | None = None,
    ignore_label: int | None = None,
) -> Volume:
    """Read a label image of any tool: whole numbers of any type, floating-point ones included.

    Parameters
    ----------
    path, channel, time, spacing, series, axes
        As :func:`read` takes them. An impossible voxel size in the file counts as unknown.
    ignore_label : int, optional
        A negative label that is allowed.

    Returns
    -------
    Volume
        ``data`` as integers, 0 is background.

    Raises
    ------
    FileError
        If the file cannot be read, has labels that are not whole or negative, or holds an image.
    """
    volume = read(path, channel=channel, time=time, spacing=spacing, sized=False, series=series, axes=axes)
    if resembles_image(volume.data):
        raise FileError(
            f"{path} holds intensities, not labels (neighbouring voxels mostly differ); "
            "give a label image, or check whether image and labels are swapped"
        )
    try:
        return volume.with_data(as_labels(volume.data, ignore_label=ignore_label))
    except InputError as error:
        raise FileError(f"{path} {error}") from None


def shared_axes(path: str | Path, image: str | Path, axes: str | None) -> str | None:
    """Return the axes of a label image or mask, if its image was given other ``axes`` than its file states.

    They are the same if both files have one format and state the same axes; else those that it states hold.
    """
    if axes is None or locate(path).module != locate(image).module:
        return None
    return axes if stated_axes(path) == stated_axes(image) else None


def refuse_loss(path: str | Path) -> None:
    """Raise ``FileError`` if writing a volume under a name would lose what else its file holds (HDF5)."""
    address = locate(path)
    if address.module == "hdf5" and address.file.exists():
        with named(address._replace(inner="")):
            format_of(address).refuse_loss(address)


class HasVolume(Protocol):
    """A value with labels at a place, :class:`anystar.Result` for example."""

    @property
    def volume(self) -> Volume:
        """The labels."""


def write(
    path: str | Path, data: Volume | HasVolume | np.ndarray, *, like: Volume | LazyImage | None = None
) -> None:
    """Write a volume, or labels that belong to one; the file appears whole or not at all.

    Integers of 32 or 64 bits are stored in the smallest type that holds them; nothing is ever wrapped.

    Parameters
    ----------
    path : str or Path
        Its ending says the format (see :data:`SUFFIXES`).
    data : Volume, Result or numpy.ndarray
        A result stands for its labels, at the place of its image. An array ``(Z, Y, X)`` needs ``like``.
    like : Volume or LazyImage, optional
        The image that an array belongs to: its spacing, affine, units and header are carried over.

    Raises
    ------
    FileError
        If the name's ending is unknown, the format cannot hold the values, or the file holds other data.
    """
    address = locate(path)
    module = format_of(address)
    if address.suffix not in SUFFIXES:
        raise FileError(f"{address.file} cannot be written; use one of {', '.join(SUFFIXES)}")
    refuse_loss(path)
    if isinstance(data, Volume):
        volume = data
    elif not isinstance(data, np.ndarray):
        if not isinstance(getattr(data, "volume", None), Volume):
            raise InputError(f"data must be a Volume, a result or an array, got {type(data).__name__}")
        volume = data.volume
    elif like is None:
        raise InputError("an array needs a place; give like=volume, the Volume that it belongs to")
    else:
        volume = like.place(data) if isinstance(like, LazyImage) else like.with_data(data)
    labels = volume.data.dtype.kind in "ui" and (like is not None or volume.data.dtype.itemsize >= 4)
    volume = volume.with_data(compact(volume.data))
    if address.module == "ome_zarr":  # a folder, which takes care of itself
        module.write(address, volume, labels=labels)
        return
    with staged(address.file) as (temporary,), named(address._replace(inner="")):
        module.write(address._replace(file=temporary), volume, labels=labels)


def write_part(path: str | Path, labels: np.ndarray, box: Box, *, like: Volume | LazyImage) -> None:
    """Write the labels of a part of an image on the whole grid of the image, 0 elsewhere.

    OME-Zarr stores the part only.

    Parameters
    ----------
    path : str or Path
        Its ending says the format.
    labels : numpy.ndarray
        ``(Z, Y, X)`` integers, of the shape of the box.
    box : Box
        The part.
    like : Volume or LazyImage
        The image.
    """
    if locate(path).module != "ome_zarr":
        write(path, box.embed(compact(labels), like.shape), like=like)
        return
    from anystar.io.label_store import LabelStore  # brings zarr along

    part = compact(labels)
    store = LabelStore.create(path, like.shape, part.dtype, like=like, overwrite=True)
    with store.filled():
        store.write(box.start, part)
