"""NIfTI: XYZ in millimetres with an affine in the file, ZYX in micrometres here, and exactly back."""

from __future__ import annotations

import gzip
import math
from functools import cache
from typing import Any

import nibabel as nib
import numpy as np

from anystar.arrays import Volume
from anystar.errors import FileError
from anystar.io.address import Address
from anystar.io.mapped import copy_part
from anystar.io.source import Index, Source
from anystar.io.unpack import refuse_impossible_size, unpack
from anystar.io.world import world_of

__all__ = ["open_source", "write"]

# NIfTI code of the spatial unit (lowest three bits of xyzt_units) to micrometres; 0 is "unknown".
_UNITS = {1: 1e6, 2: 1e3, 3: 1.0}


def open_source(address: Address, level: int) -> Source:
    """Open a NIfTI file; the header travels in ``Volume.header["nifti"]``.

    Integers stay integers unless the header scales them; then they are float32. A file that does not name its
    unit gives relative spacing. A compressed file is unpacked, to a nameless temporary file, when its voxels
    are first asked for, because nothing of it can be read without what lies before.

    Raises
    ------
    FileError
        For less than three axes or more than five (X, Y, Z, time, channel), for colours, or if it is cut off.
    """
    image: Any = nib.load(address.file, mmap=False)
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
        raise FileError(f"ends before its {size} bytes do; it is cut off, copy or export it again")

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

    micrometres = _UNITS.get(int(header["xyzt_units"]) & 7)
    x, y, z = (float(s) * (micrometres or 1.0) for s in nib.affines.voxel_sizes(image.affine))
    fine = all(math.isfinite(s) and s > 0 for s in (z, y, x))
    return Source(
        axes="XYZTC"[: len(shape)],
        shape=shape,
        dtype=np.dtype(np.float32) if scaled else stored,
        fetch=fetch,
        spacing=(z, y, x) if fine else None,
        unit="um" if micrometres else "relative",
        fault="" if fine else f"states a voxel of {z:g} x {y:g} x {x:g} along Z, Y, X",
        header={
            "nifti": header.copy(),
            "affine": np.array(image.affine),
            "world": np.diag([(micrometres or 1e3) / 1e3] * 3 + [1]) @ image.affine,
            "oriented": bool(header["sform_code"] or header["qform_code"]),
        },
        close=voxels.cache_clear,
    )


def _check_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the lengths of X, Y, Z, time, channel, as many as there are."""
    if len(shape) < 3 or min(shape[:3]) == 1:
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
