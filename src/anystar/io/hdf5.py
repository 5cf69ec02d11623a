"""HDF5: one dataset of a file, ``file.h5:/dataset``."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import h5py
import numpy as np

from anystar.arrays import Volume
from anystar.errors import FileError
from anystar.io.address import Address
from anystar.io.source import Source

__all__ = ["open_source", "refuse_loss", "write"]

with contextlib.suppress(ImportError):  # decoders for Blosc and others, if the user has them
    import hdf5plugin  # noqa: F401

_LABELS = "labels"
"""Name of the dataset that is written if the output's name has none."""


def open_source(address: Address, level: int) -> Source:
    """Open a dataset.

    The axes are those that the file names (``DIMENSION_LABELS``, or ilastik's ``axistags``); three axes
    without names are Z, Y, X. The voxel size is ``element_size_um`` (Z, Y, X), as Fiji's and ilastik's
    plugins and PlantSeg write it.

    Raises
    ------
    FileError
        If the file holds several datasets and none was chosen, or the axes have no names.
    """
    if not h5py.is_hdf5(address.file):
        raise FileError("is not an HDF5 file, or cut off; copy or export it again")
    file = h5py.File(address.file, "r")
    try:
        data = _dataset(file, address.inner)
        spacing, fault = _spacing(data)
        return Source(
            axes=_axes(data),
            shape=data.shape,
            dtype=data.dtype,
            fetch=lambda index: _fetch(data, index),
            spacing=spacing,
            fault=fault,
            chunks=data.chunks,
            close=file.close,
        )
    except BaseException:
        file.close()
        raise


def _fetch(data: h5py.Dataset, index: Any) -> np.ndarray:
    try:
        return np.asarray(data[index])
    except OSError as error:
        if "filter" in str(error) and "required" in str(error):
            raise FileError("is compressed in a way that needs pip install hdf5plugin; do so") from error
        raise


def _dataset(file: h5py.File, inner: str) -> h5py.Dataset:
    """Return the dataset of that name, or the only one of at least three axes."""
    if inner:
        found = file.get(inner)
        if isinstance(found, h5py.Dataset):
            return found
    images: list[str] = []

    def collect(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and item.ndim >= 3:
            images.append(name)

    file.visititems(collect)
    if not images:
        raise FileError("holds no dataset of three axes; give a file with a volume")
    choice = ", ".join(f"{file.filename}:/{name}" for name in images[:6])
    if inner:
        raise FileError(f"has no such dataset; choose from {choice}")
    if len(images) > 1:
        raise FileError(f"holds {len(images)} datasets; choose one: {choice}")
    return file[images[0]]


def _axes(data: h5py.Dataset) -> str:
    """Return a letter an axis."""
    names = "".join(dim.label[:1] for dim in data.dims).upper()
    if not names and "axistags" in data.attrs:
        names = "".join(axis["key"] for axis in json.loads(data.attrs["axistags"])["axes"]).upper()
    if len(names) == data.ndim:
        return names
    if data.ndim == 3:
        return "ZYX"
    raise FileError(
        f"has shape {data.shape} and no names of axes; save one array of shape (Z, Y, X), "
        "or name the axes in DIMENSION_LABELS"
    )


def _spacing(data: h5py.Dataset) -> tuple[tuple[float, float, float] | None, str]:
    """Return the size of a voxel (Z, Y, X) in micrometres, and what is wrong with it."""
    if "element_size_um" not in data.attrs:
        return None, ""
    values = np.asarray(data.attrs["element_size_um"], float).ravel()
    if values.shape != (3,) or not (np.isfinite(values).all() and (values > 0).all()):
        return None, f"states the voxel size {values.tolist()} in element_size_um"
    z, y, x = values.tolist()
    return (z, y, x), ""


def refuse_loss(address: Address) -> None:
    """Raise ``FileError`` if a file holds more than the dataset that would be written: it is written anew."""
    others: list[str] = []

    def collect(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and name != (address.inner or _LABELS):
            others.append(name)

    if h5py.is_hdf5(address.file):
        with h5py.File(address.file, "r") as file:
            file.visititems(collect)
    if others:
        raise FileError(f"also holds {', '.join(others[:6])}, which would be lost; choose a file of its own")


def write(address: Address, volume: Volume) -> None:
    """Write one compressed dataset, named as the address says or ``labels``."""
    with h5py.File(address.file, "w") as file:
        data = file.create_dataset(
            address.inner or _LABELS, data=volume.data, chunks=True, compression="gzip", shuffle=True
        )
        for dim, name in zip(data.dims, "zyx", strict=True):
            dim.label = name
        if volume.spacing is not None and volume.unit == "um":
            data.attrs["element_size_um"] = volume.spacing
