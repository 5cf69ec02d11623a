"""HDF5: one dataset of a file, ``file.h5:/dataset``."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from anystar.arrays import Volume
from anystar.errors import FileError
from anystar.io.address import Address
from anystar.io.axis_names import axis_letter, letters_of, unnamed_axes
from anystar.io.calibration import Calibration, calibrate, number_of, unknown_size
from anystar.io.outside import companion
from anystar.io.source import Source

__all__ = ["open_source", "refuse_loss", "write"]

with contextlib.suppress(ImportError):  # decoders for Blosc and others, if the user has them
    import hdf5plugin  # noqa: F401

_LABELS = "labels"
"""Name of the dataset that is written if the output's name has none."""
_LINKS = 16
"""Most links in a row."""


def open_source(address: Address, level: int) -> Source:
    """Open a dataset.

    The axes are those that the file names (``DIMENSION_LABELS``, or ilastik's ``axistags``); three axes
    without names are Z, Y, X. The voxel size is ``element_size_um`` (Z, Y, X), as Fiji's and ilastik's
    plugins and PlantSeg write it, or the ``resolution`` and ``unit`` in ilastik's ``axistags``.

    Raises
    ------
    FileError
        If the file holds several datasets and none was chosen.
    """
    if not h5py.is_hdf5(address.file):
        raise FileError("is not an HDF5 file, or cut off; copy or export it again")
    with contextlib.ExitStack() as opened:
        file = opened.enter_context(h5py.File(address.file, "r"))
        data = _dataset(address.file, file, address.inner, opened)
        _refuse_elsewhere(address.file, data, set())
        tags, notes = _axistags(data)
        axes, size = _axes(data, tags), _calibration(data, tags)
        close = opened.pop_all().close
    return Source(
        axes=axes,
        shape=data.shape,
        dtype=data.dtype,
        fetch=lambda index: _fetch(data, index),
        calibration=size,
        notes=notes,
        chunks=data.chunks,
        close=close,
    )


def _fetch(data: h5py.Dataset, index: Any) -> np.ndarray:
    try:
        return np.asarray(data[index])
    except OSError as error:
        if "filter" in str(error) and "required" in str(error):
            raise FileError("is compressed in a way that needs pip install hdf5plugin; do so") from error
        raise


def _dataset(path: Path, file: h5py.File, inner: str, opened: contextlib.ExitStack) -> h5py.Dataset:
    """Return the dataset of that name, or the only one of at least three axes."""
    if inner:
        found = _follow(path, file, inner, opened)
        if isinstance(found, h5py.Dataset):
            return found
    images = [name for name, data in _datasets(file).items() if data.ndim >= 3]
    if not images:
        raise FileError("holds no dataset of three axes; give a file with a volume")
    choice = ", ".join(f"{file.filename}:/{name}" for name in images[:6])
    if inner:
        raise FileError(f"has no such dataset; choose from {choice}")
    if len(images) > 1:
        raise FileError(f"holds {len(images)} datasets; choose one: {choice}")
    return file[images[0]]


def _datasets(file: h5py.File) -> dict[str, h5py.Dataset]:
    """Return all datasets of a file by their names."""
    items: dict[str, Any] = {}
    file.visititems(items.__setitem__)
    return {name: item for name, item in items.items() if isinstance(item, h5py.Dataset)}


def _follow(
    path: Path, start: h5py.Group, inner: str, opened: contextlib.ExitStack, depth: int = 0
) -> h5py.Group | h5py.Dataset | None:
    """Return what a name leads to, if anything; no link may lead to another folder."""
    if depth > _LINKS:
        raise FileError(
            f"has links at {inner} that lead in a circle; copy the dataset into a file of its own"
        )
    found: Any = start.file if inner.startswith("/") else start
    for name in filter(None, inner.split("/")):
        link = found.get(name, getlink=True) if isinstance(found, h5py.Group) else None
        if isinstance(link, h5py.SoftLink):
            found = _follow(path, found, link.path, opened, depth + 1)
        elif isinstance(link, h5py.ExternalLink):
            other = companion(path, link.filename)
            if not h5py.is_hdf5(other):
                raise FileError(f"refers to {link.filename}, which is no HDF5 file; copy that file beside it")
            found = _follow(path, opened.enter_context(h5py.File(other, "r")), link.path, opened, depth + 1)
        else:
            found = None if link is None else found[name]
        if found is None:
            return None
    return found


def _refuse_elsewhere(path: Path, data: h5py.Dataset, known: set[tuple[str, str]]) -> None:
    """Raise unless all voxels lie in the file, or in files of its folder that exist.

    HDF5 itself reads what a missing file should hold as zeros.
    """
    if (data.file.filename, data.name) in known:
        return
    known.add((data.file.filename, data.name))
    for name, _, _ in data.external or ():
        if not companion(path, name, folder=Path()).is_file():  # HDF5 starts from the working folder
            raise FileError(f"keeps voxels in {name}, which does not exist; copy that file beside it")
    for source in data.virtual_sources() if data.is_virtual else ():
        own = source.file_name == "."
        other = path if own else companion(path, source.file_name)
        if not own and not h5py.is_hdf5(other):
            raise FileError(
                f"keeps voxels in {source.file_name}, which is missing or no HDF5 file; copy it beside"
            )
        with contextlib.ExitStack() as opened:
            file = data.file if own else opened.enter_context(h5py.File(other, "r"))
            part = _follow(other, file, source.dset_name, opened)
            if not isinstance(part, h5py.Dataset):
                raise FileError(
                    f"keeps voxels in {source.file_name}:/{source.dset_name}, which does not exist"
                )
            _refuse_elsewhere(path, part, known)


def _axes(data: h5py.Dataset, tags: list[dict[str, Any]]) -> str:
    """Return a letter per axis."""
    names = [dim.label for dim in data.dims]
    if not any(names) and len(tags) == data.ndim:
        names = [str(tag.get("key", "")) for tag in tags]
    return letters_of(names) or unnamed_axes(data.shape)


def _axistags(data: h5py.Dataset) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """Return what ilastik and vigra say of each axis (key, resolution, unit), and what is wrong with it."""
    if "axistags" not in data.attrs:
        return [], ()
    try:
        tags = json.loads(data.attrs["axistags"])["axes"]
        return [dict(tag) for tag in tags], ()
    except (ValueError, KeyError, TypeError) as error:
        return [], (f"the attribute axistags cannot be parsed ({error!s:.80}) and is not used",)


def _calibration(data: h5py.Dataset, axistags: list[dict[str, Any]]) -> Calibration:
    """Return the size of a voxel: ``element_size_um`` (Z, Y, X), or the resolution in ``axistags``."""
    if "element_size_um" in data.attrs:
        stated = np.asarray(data.attrs["element_size_um"]).ravel()
        values = [number_of(value) for value in stated.tolist()]
        sizes = [v for v in values if v is not None]
        if len(values) != 3 or len(sizes) != 3:
            return _unknown(f"element_size_um = {stated.tolist()!s:.60}")
        if not (np.isfinite(sizes).all() and min(sizes) > 0):
            return Calibration(fault=f"states the voxel size {stated.tolist()} in element_size_um")
        return calibrate(sizes, ["um"] * 3)
    tags = {axis_letter(tag.get("key")): tag for tag in axistags}
    stated_by = {a: tags.get(a, {}).get("resolution") for a in "ZYX"}
    for axis, value in stated_by.items():
        if value is not None and number_of(value) is None:
            return _unknown(f"the resolution {value!r:.20} along {axis} in axistags")
    # vigra writes 0 for a resolution that is not known
    resolutions = [number_of(value) or None for value in stated_by.values()]
    return calibrate(resolutions, [str(tags.get(a, {}).get("unit") or "") for a in "ZYX"])


def _unknown(stated: str) -> Calibration:
    """Return no size and a note about one that cannot be parsed."""
    return Calibration(notes=(unknown_size(f"the file states {stated}, which is no number for each axis"),))


def refuse_loss(address: Address) -> None:
    """Raise ``FileError`` if a file holds more than the dataset that would be written: it is written anew."""
    others: list[str] = []
    if h5py.is_hdf5(address.file):
        with h5py.File(address.file, "r") as file:
            others = [name for name in _datasets(file) if name != (address.inner or _LABELS)]
    if others:
        raise FileError(f"also holds {', '.join(others[:6])}, which would be lost; choose a file of its own")


def write(address: Address, volume: Volume, *, labels: bool) -> None:
    """Write one compressed dataset, named as the address says or ``labels``."""
    # In memory first: on a full disk HDF5 loses its own books, and the process crashes when it ends
    made = io.BytesIO()
    with h5py.File(made, "w") as file:
        data = file.create_dataset(
            address.inner or _LABELS, data=volume.data, chunks=True, compression="gzip", shuffle=True
        )
        for dim, name in zip(data.dims, "zyx", strict=True):
            dim.label = name
        if volume.spacing is not None and volume.unit == "um":
            data.attrs["element_size_um"] = volume.spacing
    with open(address.file, "wb") as target:
        target.write(made.getbuffer())
