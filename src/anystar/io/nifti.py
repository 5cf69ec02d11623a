"""NIfTI: XYZ in millimetres with an affine in the file, ZYX in micrometres here, and exactly back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from anystar.arrays import Volume
from anystar.io.errors import FileError

__all__ = ["read", "write"]

# NIfTI code of the spatial unit (lowest three bits of xyzt_units) to micrometres; 0 is "unknown".
_UNITS = {1: 1e6, 2: 1e3, 3: 1.0}


def read(path: Path, channel: int | None) -> Volume:
    """Read a NIfTI file; the header travels in ``Volume.header["nifti"]``.

    Integers stay integers unless the header scales them; then they are float32. A file that does not name its
    unit gives relative spacing.

    Raises
    ------
    FileError
        For more than three axes, other than several channels (5th axis) with ``channel``.
    """
    image: Any = nib.load(path, mmap=False)
    header: Any = image.header
    index = _pick_3d(image.shape, channel)
    if header.get_data_dtype().names is not None:
        raise FileError("is a colour (RGB) volume; save the channel to segment as a grey volume")
    proxy: Any = image.dataobj  # which knows the scale; the header of a loaded image no longer does
    data = proxy.get_unscaled()[index]
    if (proxy.slope, proxy.inter) != (1.0, 0.0):
        data = data.astype(np.float32) * np.float32(proxy.slope) + np.float32(proxy.inter)
    micrometres = _UNITS.get(int(header["xyzt_units"]) & 7)
    size = nib.affines.voxel_sizes(image.affine)
    if not (np.isfinite(size).all() and (size > 0).all()):
        size = np.asarray(header.get_zooms()[:3], float)
    z, y, x = (float(s) * (micrometres or 1.0) for s in size[::-1])
    return Volume(
        data=np.ascontiguousarray(data.T),
        spacing=(z, y, x) if min(z, y, x) > 0 else None,
        unit="um" if micrometres else "relative",
        header={"nifti": header.copy(), "affine": np.array(image.affine)},
    )


def _pick_3d(shape: tuple[int, ...], channel: int | None) -> tuple[int | slice, ...]:
    """Return the index that leaves X, Y, Z of the axes X, Y, Z, time, channel."""
    if len(shape) < 3 or min(shape[:3]) == 1:
        raise FileError(f"is a 2D image of shape {shape} (X, Y, Z); give a 3D volume")
    if len(shape) > 3 and shape[3] > 1:
        raise FileError(
            f"has {shape[3]} volumes along the 4th (time) axis; save the one to segment as a file of its own"
        )
    if any(n > 1 for n in shape[5:]):
        raise FileError(f"has the shape {shape}; save the volume to segment as a file of its own")
    count = shape[4] if len(shape) > 4 else 1
    if count > 1 and channel is None:
        raise FileError(f"has {count} channels; choose one with --channel 0 to --channel {count - 1}")
    if channel is not None and not 0 <= channel < count:
        has = f"channels 0 to {count - 1}" if count > 1 else "one channel, number 0"
        raise FileError(f"has {has}, not channel {channel}; choose another --channel")
    last = (0, channel or 0, *(0 for _ in shape[5:]))
    return (slice(None), slice(None), slice(None), *last[: len(shape) - 3])


def write(path: Path, volume: Volume) -> None:
    """Write a volume; one that came from NIfTI keeps its affine, forms, units and the rest of its header."""
    data = np.asarray(volume.data).T
    old = volume.header.get("nifti")
    if old is None:
        kind = nib.Nifti1Image if max(data.shape) < 2**15 else nib.Nifti2Image
        image: Any = kind(data, _affine(volume), dtype=data.dtype)
        image.header.set_xyzt_units(xyz="mm" if volume.spacing and volume.unit == "um" else "unknown")
    else:
        header = old.copy()
        header.set_data_dtype(data.dtype)
        kind = nib.Nifti2Image if isinstance(header, nib.Nifti2Header) else nib.Nifti1Image
        image = kind(data, volume.header["affine"], header)
        image.header["cal_min"] = image.header["cal_max"] = 0  # a display window for the old values
    nib.save(image, path)


def _affine(volume: Volume) -> np.ndarray:
    """Return the affine (XYZ, millimetres) of a volume that came without one: its spacing, no rotation."""
    z, y, x = volume.spacing or (1.0, 1.0, 1.0)
    scale = 1e-3 if volume.spacing and volume.unit == "um" else 1.0
    return np.diag([x * scale, y * scale, z * scale, 1.0])
