"""Read and write a volume in the format that the file's name says."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from anystar.arrays import Volume, check_spacing
from anystar.atomic import staged
from anystar.io.errors import FileError
from anystar.io.values import compact, settle

__all__ = ["SUFFIXES", "file_stem", "file_suffix", "list_volumes", "read", "write"]

# The format's module is loaded when it is needed: each brings a library along.
_FORMATS = {
    ".ome.tif": "tiff",
    ".ome.tiff": "tiff",
    ".tif": "tiff",
    ".tiff": "tiff",
    ".nii": "nifti",
    ".nii.gz": "nifti",
    ".npy": "npy",
}
SUFFIXES = tuple(_FORMATS)
"""Name endings that can be read and written."""


def file_suffix(path: str | Path) -> str:
    """Return the known ending of a file's name in lower case, or ``""``.

    Examples
    --------
    >>> file_suffix("brain.NII.gz"), file_suffix("a.ome.tif"), file_suffix("photo.png")
    ('.nii.gz', '.ome.tif', '')
    """
    name = Path(path).name.lower()
    return next((s for s in sorted(SUFFIXES, key=len, reverse=True) if name.endswith(s)), "")


def file_stem(path: str | Path) -> str:
    """Return a file's name without its known ending.

    Examples
    --------
    >>> file_stem("in/brain.nii.gz")
    'brain'
    """
    name = Path(path).name
    return name[: len(name) - len(file_suffix(path))]


def list_volumes(folder: str | Path) -> list[Path]:
    """Return the files of a folder that :func:`read` knows by their name, sorted; hidden ones are left out.

    Raises
    ------
    FileError
        If there are none.
    """
    folder = Path(folder)
    found = [p for p in folder.iterdir() if file_suffix(p) and not p.name.startswith(".") and p.is_file()]
    if not found:
        raise FileError(f"{folder} holds no images; expected files that end in {', '.join(SUFFIXES)}")
    return sorted(found)


def read(path: str | Path, *, channel: int | None = None, spacing: Sequence[float] | None = None) -> Volume:
    """Read a 3D volume.

    Parameters
    ----------
    path : str or Path
        TIFF, OME-TIFF or ImageJ stack, NIfTI (``.nii``, ``.nii.gz``) or NumPy ``.npy``.
    channel : int, optional
        Which channel of a multi-channel file, counted from 0.
    spacing : 3 floats, optional
        Micrometres per voxel along Z, Y, X, instead of what the file says.

    Returns
    -------
    Volume
        ``data`` as ZYX in the file's own type (a scaled NIfTI as float32), spacing in micrometres.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    FileError
        If the file is damaged, is not a 3D volume (2D, colour, several channels, a time series), or has NaN
        or infinite values.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "cells.tif"
    >>> write(path, Volume(data=np.zeros((4, 8, 8), np.uint16), spacing=(2, 0.5, 0.5)))
    >>> volume = read(path)
    >>> volume.shape, volume.spacing, volume.unit
    ((4, 8, 8), (2.0, 0.5, 0.5), 'um')
    """
    path = Path(path).expanduser()
    override = None if spacing is None else check_spacing(tuple(spacing))
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist; check the name")
    if path.is_dir():
        raise FileError(f"{path} is a folder; give a file")
    module = _format_of(path)
    try:
        volume = module.read(path, channel)
        volume = replace(volume, data=settle(volume.data))
    except FileError as error:
        raise FileError(f"{path} {error}") from error
    except (MemoryError, PermissionError):
        raise
    except Exception as error:  # a damaged file makes a parser raise whatever it likes
        why = " ".join(str(error).split()) or type(error).__name__
        raise FileError(
            f"{path} cannot be read ({why:.200}); it is damaged, copy or export it again"
        ) from error
    if 0 in volume.shape:
        raise FileError(f"{path} is empty, its shape is {volume.shape}; export it again")
    return volume if override is None else replace(volume, spacing=override, unit="um")


def write(path: str | Path, data: Volume | np.ndarray, *, like: Volume | None = None) -> None:
    """Write a volume, or labels that belong to one; the file appears whole or not at all.

    Integers of 32 or 64 bits are stored in the smallest type that holds them; nothing is ever wrapped.

    Parameters
    ----------
    path : str or Path
        Its ending says the format (see :data:`SUFFIXES`).
    data : Volume or numpy.ndarray
        An array ``(Z, Y, X)`` needs ``like``.
    like : Volume, optional
        The image that an array belongs to: its spacing, affine, units and header are carried over.

    Raises
    ------
    FileError
        If the name's ending is unknown or the format cannot hold the values.
    """
    path = Path(path).expanduser()
    module = _format_of(path)
    if isinstance(data, Volume):
        volume = data
    elif like is None:
        raise ValueError("an array needs like=, the Volume that it belongs to")
    else:
        volume = like.with_data(data)
    volume = volume.with_data(compact(volume.data))
    with staged(path) as (temporary,):
        try:
            module.write(temporary, volume)
        except FileError as error:
            raise FileError(f"{path} {error}") from error


def _format_of(path: Path) -> Any:
    suffix = file_suffix(path)
    if not suffix:
        raise FileError(f"{path} has no known ending; use one of {', '.join(SUFFIXES)}")
    return importlib.import_module(f"anystar.io.{_FORMATS[suffix]}")
