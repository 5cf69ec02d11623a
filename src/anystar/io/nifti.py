"""NIfTI: XYZ in millimetres with an affine in the file, ZYX in micrometres here, and exactly back."""

from __future__ import annotations

import contextlib
import gzip
import math
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from anystar.arrays import Volume
from anystar.errors import FileError
from anystar.io.address import Address
from anystar.io.calibration import calibrate
from anystar.io.nifti_forms import placement_of
from anystar.io.source import Index, Source
from anystar.io.units import micrometres_per
from anystar.io.unpack import copy_part, cut_off, refuse_impossible_size, unpack
from anystar.io.world import world_of

__all__ = ["open_source", "write"]

_UNITS = {1: "m", 2: "mm", 3: "um"}
"""Unit of space by its code, the lowest three bits of ``xyzt_units``; 0 is "unknown"."""


def open_source(address: Address, level: int) -> Source:
    """Open a NIfTI file; the header travels in ``Volume.header["nifti"]``.

    Integers stay integers unless the header scales them; then they are float32. A file that does not name its
    unit gives relative spacing. A compressed file is unpacked to a nameless temporary file when its voxels
    are first read, because no part of it can be read without what lies before.

    Raises
    ------
    FileError
        For less than three axes or more than five (X, Y, Z, time, channel), for colours, or if it is cut off.
    """
    with _quiet():
        image: Any = nib.load(address.file, mmap=False)
        stated = _stated_sizes(address.file, type(image.header))
    header: Any = image.header
    shape = _check_shape(image.shape)
    if header.get_data_dtype().names is not None:
        raise FileError("is a colour (RGB) volume; save the channel to segment as a grey volume")
    proxy: Any = image.dataobj  # which knows the scale; the header of a loaded image no longer does
    stored, scaled = np.dtype(proxy.dtype), (proxy.slope, proxy.inter) != (1.0, 0.0)
    size = proxy.offset + math.prod(shape) * stored.itemsize
    packed = address.suffix.endswith(".gz")
    if packed:
        refuse_impossible_size(size, address.file.stat().st_size)
    elif address.file.stat().st_size < size:
        raise cut_off(f"{size} bytes")

    @cache
    def voxels() -> np.memmap:
        if not packed:
            return np.memmap(address.file, stored, "r", proxy.offset, shape, "F")
        with gzip.open(address.file) as file:
            return unpack(file, stored, shape, offset=proxy.offset, exact=False)

    def fetch(index: Index) -> np.ndarray:
        data = copy_part(voxels(), index)
        if scaled:
            data = data.astype(np.float32) * np.float32(proxy.slope) + np.float32(proxy.inter)
        return data

    place, unit = placement_of(header, stated), _UNITS.get(int(header["xyzt_units"]) & 7, "")
    axes, sizes = _axes(shape, place.sizes)
    size = calibrate(sizes, [unit] * 3, placed=place.placed)
    size = replace(size, notes=(*place.notes, *size.notes))
    if place.fault:
        size = replace(size, spacing=None, fault=place.fault)
    return Source(
        axes=axes,
        shape=shape,
        dtype=np.dtype(np.float32) if scaled else stored,
        fetch=fetch,
        calibration=size,
        header={}
        if axes.startswith("Q")
        else {
            "nifti": header.copy(),
            "affine": np.array(image.affine),
            "world": np.diag([(micrometres_per(unit) or 1e3) / 1e3] * 3 + [1]) @ place.affine,
            "oriented": bool(header["sform_code"] or header["qform_code"]),
        },
        close=voxels.cache_clear,
    )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep what nibabel repairs off the terminal."""
    logger = nib.imageglobals.logger
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


def _stated_sizes(path: Path, kind: Any) -> np.ndarray:
    """Return ``pixdim`` along X, Y, Z as it stands in a file: where it is 0, nibabel says 1."""
    with gzip.open(path) if path.name.lower().endswith(".gz") else open(path, "rb") as file:
        found = kind.from_fileobj(file, check=False)
    return np.array(found["pixdim"][1:4], float)


def _axes(
    shape: tuple[int, ...], sizes: tuple[float | None, float | None, float | None]
) -> tuple[str, tuple[float | None, float | None, float | None]]:
    """Return a letter per axis, fastest first, and the voxel size along Z, Y, X.

    An array that was saved with an axis of length 1 in front (a batch, a channel) has X, Y, Z behind it. A Z
    of length 1 beside a longer time is no axis of space.
    """
    z, y, x = sizes
    if len(shape) > 3 and shape[0] == 1 and min(shape[1:4]) > 1:
        return "QXYZC"[: len(shape)], (None, z, y)
    if len(shape) > 3 and shape[2] == 1:
        return "XYQTC"[: len(shape)], (z, y, x)
    return "XYZTC"[: len(shape)], (z, y, x)


def _check_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the lengths of those axes among X, Y, Z, time, channel that the file has."""
    long = sum(n > 1 for n in shape)
    if len(shape) < 3 or long < 3:
        raise FileError(f"is a 2D image of shape {shape} (X, Y, Z); give a 3D volume")
    if any(n > 1 for n in shape[5:]):
        raise FileError(f"has the shape {shape}; save the volume to segment as a file of its own")
    return shape[:5]


def write(address: Address, volume: Volume, *, labels: bool) -> None:
    """Write a volume; one that came from NIfTI keeps its affine, forms, units and the rest of its header."""
    data = np.asarray(volume.data).T
    old = volume.header.get("nifti")
    if old is None:
        kind = nib.Nifti1Image if max(data.shape) < 2**15 else nib.Nifti2Image
        affine, known = world_of(volume)
        image: Any = kind(data, affine, dtype=data.dtype)
        image.header.set_xyzt_units(xyz="mm" if known else "unknown")
    else:
        header = old.copy()
        header.set_data_dtype(data.dtype)
        kind = nib.Nifti2Image if isinstance(header, nib.Nifti2Header) else nib.Nifti1Image
        image = kind(data, volume.header["affine"], header)
        image.header["cal_min"] = image.header["cal_max"] = 0  # a display window for the old values
    nib.save(image, address.file)
