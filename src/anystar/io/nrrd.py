"""NRRD, attached (``.nrrd``) or with a header of its own (``.nhdr``)."""

from __future__ import annotations

import bz2
import gzip
import math
import os
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

import nrrd
import numpy as np

from anystar.arrays import LengthUnit, Volume
from anystar.errors import FileError
from anystar.io.address import Address
from anystar.io.calibration import Calibration, calibrate, length_unit_of
from anystar.io.nrrd_header import read_header
from anystar.io.outside import companion
from anystar.io.source import Source
from anystar.io.units import micrometres_per
from anystar.io.unpack import copy_part, cut_off, refuse_impossible_size, unpack
from anystar.io.world import world_of

__all__ = ["open_source", "write"]

_RAW, _TEXT = ("raw",), ("ascii", "text", "txt")
_GZIP, _BZIP2 = ("gzip", "gz"), ("bzip2", "bz2")
_KINDS = {"domain": "space", "space": "space", "time": "T"}
_TYPES = {
    "b": "int8, int8_t, signed char",
    "B": "uint8, uint8_t, uchar, unsigned char",
    "h": "int16, int16_t, short, short int, signed short, signed short int",
    "H": "uint16, uint16_t, ushort, unsigned short, unsigned short int",
    "i": "int32, int32_t, int, signed int",
    "I": "uint32, uint32_t, uint, unsigned int",
    "q": "int64, int64_t, longlong, long long, long long int, signed long long, signed long long int",
    "Q": "uint64, uint64_t, ulonglong, unsigned long long, unsigned long long int",
    "f": "float",
    "d": "double",
}
_DTYPES = {name: np.dtype(char) for char, names in _TYPES.items() for name in names.split(", ")}
# Signs that turn a named space into RAS, the world of NIfTI; these count in millimetres unless they say else.
_SPACES = {
    "right-anterior-superior": (1, 1, 1),
    "ras": (1, 1, 1),
    "left-anterior-superior": (-1, 1, 1),
    "las": (-1, 1, 1),
    "left-posterior-superior": (-1, -1, 1),
    "lps": (-1, -1, 1),
}


def open_source(address: Address, level: int) -> Source:
    """Open an NRRD file; what it says of its space travels in ``Volume.header["nrrd"]``,
    its affine (XYZ) in ``Volume.header["space"]``.

    Raw voxels are mapped, compressed ones unpacked to a nameless temporary file when they are first read.

    Raises
    ------
    FileError
        If the axes are no volume, the file is cut off, or its voxels lie in a file outside its folder.
    """
    with open(address.file, "rb") as file:
        header, notes = read_header(file)
        start = file.tell()
    if missing := [name for name in ("type", "dimension", "sizes", "encoding") if name not in header]:
        raise FileError(f"lacks the field {missing[0]} of its header; export it again")
    shape = tuple(int(n) for n in header["sizes"])
    if header["type"] not in _DTYPES:
        raise FileError(f"holds values of type {header['type']}; save it as grey integers or floats")
    if len(shape) != int(header["dimension"]) or min(shape) < 0:
        raise FileError(f"states {header['dimension']} axes of the sizes {shape}; export it again")
    stored = _in_order(_DTYPES[header["type"]], header)
    axes, directions = _axes(header)
    voxels = cache(_voxels(address.file, start, header, shape, stored))
    size = _calibration(header, directions)
    known: dict[str, Any] = {
        "nrrd": {key: header[key] for key in ("space", "space dimension", "space units") if key in header}
    }
    if "space origin" in header and directions is not None:
        affine = np.eye(4)  # which is moved for a part of the volume
        affine[:3, :3], affine[:3, 3] = directions.T, np.asarray(header["space origin"], float)
        known |= {"space": affine} | _world(header, affine)
    return Source(
        axes=axes,
        shape=shape,
        dtype=stored,
        fetch=lambda index: copy_part(voxels(), index),
        calibration=replace(size, notes=(*notes, *size.notes)),
        header=known,
        close=voxels.cache_clear,
    )


def _voxels(
    file: Path, start: int, header: dict[str, Any], shape: tuple[int, ...], stored: np.dtype
) -> Callable[[], np.ndarray]:
    """Return what reads the voxels of a file, or of the one beside it that the header names.

    Sizes are compared first: with the file's own length, or with what a compressed one can become.
    """
    encoding = str(header["encoding"]).lower()
    if encoding not in (*_RAW, *_TEXT, *_GZIP, *_BZIP2):
        raise FileError(f"is encoded as {encoding}; save it as raw or gzip")
    named = _field(header, "data file", "")
    if re.match(r"LIST\b|.*%\d*d", named):
        raise FileError("spreads its voxels over several files; save it as one file")
    path, at = (companion(file, named), 0) if named else (file, start)
    if not path.is_file():
        raise FileError(f"keeps its voxels in {named}, which does not exist; copy that file beside it")
    at = _skip_lines(path, at, _field(header, "line skip", 0))
    skipped, size = _field(header, "byte skip", 0), math.prod(shape) * stored.itemsize
    if skipped < -1 or (skipped == -1 and encoding not in _RAW):
        raise FileError(f"states a byte skip of {skipped} for {encoding} voxels; export it again")
    have = path.stat().st_size
    if encoding in _RAW:
        at = have - size if skipped == -1 else at + skipped
        if at < start * (path == file) or have < at + size:
            raise cut_off(f"{size} bytes of voxels")
        if skipped != -1 and have > at + size:  # then nothing says where they begin
            raise FileError(
                f"holds more than the {size} bytes that its header declares; copy or export it again"
            )
        return lambda: np.memmap(path, stored, "r", at, shape, "F")
    if encoding in _GZIP:
        refuse_impossible_size(skipped + size, have)
    elif encoding in _TEXT and math.prod(shape) > have:
        raise cut_off(f"{math.prod(shape)} numbers")

    def read() -> np.ndarray:
        with open(path, "rb") as packed:
            packed.seek(at)
            if encoding in _TEXT:
                packed.seek(skipped, os.SEEK_CUR)
                return _numbers(packed, shape, stored)
            stream = (gzip if encoding in _GZIP else bz2).open(packed)
            return unpack(stream, stored, shape, offset=skipped, exact=True)

    return read


def _in_order(dtype: np.dtype, header: dict[str, Any]) -> np.dtype:
    """Return a type in the order of bytes that the header states, which one of several bytes needs."""
    stated = str(header.get("endian", "")).lower()
    text = str(header["encoding"]).lower() in _TEXT
    if stated not in ("little", "big") and (stated or (dtype.itemsize > 1 and not text)):
        what = f"endian: {stated:.20}" if stated else "no endian"
        raise FileError(f"states {what}, neither little nor big; export it again")
    return dtype.newbyteorder(">" if stated == "big" else "<")


def _field(header: dict[str, Any], name: str, default: Any) -> Any:
    """Return a field whose name is written with or without the space."""
    return header.get(name, header.get(name.replace(" ", ""), default))


def _skip_lines(path: Path, start: int, count: int) -> int:
    """Return where ``count`` lines after ``start`` end."""
    with open(path, "rb") as file:
        file.seek(start)
        if 0 <= count <= path.stat().st_size and all(file.readline() for _ in range(count)):
            return file.tell()
    raise FileError(f"states a line skip of {count}, more than it has lines; export it again")


def _numbers(file: BinaryIO, shape: tuple[int, ...], stored: np.dtype) -> np.ndarray:
    """Return voxels that are written as text."""
    values = np.array(file.read().split(), stored)
    if values.size != math.prod(shape):
        raise FileError(f"holds {values.size} numbers for its shape {shape}; copy or export it again")
    return values.reshape(shape, order="F")


def _axes(header: dict[str, Any]) -> tuple[str, np.ndarray | None]:
    """Return a letter an axis, fastest first, and the directions of the spatial ones (a row each)."""
    count = int(header["dimension"])
    directions = header.get("space directions")
    rows = None if directions is None else [None if d is None else np.asarray(d, float) for d in directions]
    kinds = [_KINDS.get(str(k).lower(), "C") for k in header.get("kinds", ())]
    if rows is not None and len(rows) == count:
        spatial = [row is not None and not np.isnan(row).all() for row in rows]
    elif kinds:
        spatial = [kind == "space" for kind in kinds]
    else:
        spatial = [count == 3] * count
    if sum(spatial) != 3:
        raise FileError(f"has {count} axes of which {sum(spatial)} are spatial; save it as one 3D volume")
    names = iter("XYZ")
    others = [kind if kind != "space" else "C" for kind in kinds] or ["C"] * count
    axes = "".join(next(names) if inside else other for inside, other in zip(spatial, others, strict=True))
    kept = None if rows is None else [r for r, inside in zip(rows, spatial, strict=True) if inside]
    return axes, None if kept is None else np.array(kept)


def _calibration(header: dict[str, Any], directions: np.ndarray | None) -> Calibration:
    """Return the size of a voxel along Z, Y, X; each axis may have a unit of its own."""
    own: LengthUnit | None = None
    if directions is not None:
        units = _space_units(header, directions)
        factors = [micrometres_per(u) for u in units]
        if len(units) == 3 and None not in factors:  # units of the world, which oblique axes mix
            own = length_unit_of(units)
            directions, units = directions * np.array(factors, float), ["um"] * 3
        sizes = np.linalg.norm(directions, axis=1)[::-1].tolist()
        units = [units[i] for i in np.abs(directions).argmax(axis=1)[::-1]] if len(units) == 3 else []
    elif "spacings" in header:
        stated = np.asarray(header["spacings"], float)
        spatial = ~np.isnan(stated)
        sizes = stated[spatial][::-1].tolist()
        units = [str(u) for u in header.get("units", ())]
        if len(units) == len(stated):  # a unit for every axis, also those that are none of space
            units = [u for u, inside in zip(units, spatial, strict=True) if inside]
        units = units[::-1]
    else:
        return Calibration()
    if not sizes:
        return Calibration()
    if len(sizes) != 3:
        return Calibration(fault=f"states a voxel of {' x '.join(f'{s:g}' for s in sizes)} along Z, Y, X")
    found = calibrate(sizes, units if len(units) == 3 else [""] * 3)
    return found if own is None else replace(found, length_unit=own)


def _space_units(header: dict[str, Any], directions: np.ndarray) -> list[str]:
    """Return the unit of each axis of the world, as far as it is known.

    An anatomical space counts in millimetres, as in ITK and Slicer, unless it is all that ITK writes for an
    array of which nothing is known: directions of an identity from the origin.
    """
    units = [str(u) for u in header.get("space units", ())]
    if units or str(header.get("space", "")).lower() not in _SPACES:
        return units
    origin = np.nan_to_num(np.asarray(header.get("space origin", 0.0), float))
    return ["mm"] * 3 if origin.any() or not np.array_equal(directions, np.eye(3)) else []


def _world(header: dict[str, Any], affine: np.ndarray) -> dict[str, Any]:
    """Return the affine (XYZ to RAS, millimetres) if the space has a name that says where RAS is."""
    signs = _SPACES.get(str(header.get("space", "")).lower())
    if signs is None:
        return {}
    units = [str(u) for u in header.get("space units", ())]
    scales = [(micrometres_per(u) or 1e3) / 1e3 for u in units] if len(units) == 3 else [1.0] * 3
    turned = np.diag([*(s * scale for s, scale in zip(signs, scales, strict=True)), 1.0])
    return {"world": turned @ affine, "oriented": True}


def write(address: Address, volume: Volume, *, labels: bool) -> None:
    """Write a volume; one that came from NRRD keeps its space, directions, origin and units."""
    if (space := volume.header.get("space")) is not None:
        known = volume.header["nrrd"] | {"space directions": space[:3, :3].T, "space origin": space[:3, 3]}
    else:
        affine, metric = world_of(volume)
        lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine if "world" in volume.header else affine
        known = {"space": "left-posterior-superior"} if metric else {"space dimension": 3}
        known |= {"space directions": lps[:3, :3].T, "space origin": lps[:3, 3]}
        if metric:
            known["space units"] = ["mm", "mm", "mm"]
    header = {"encoding": "gzip", "kinds": ["domain"] * 3, **known}
    nrrd.write(str(address.file), np.ascontiguousarray(volume.data).T, header, index_order="F")
