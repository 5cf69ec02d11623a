"""Where synthetic pairs go: one file each, or one Zarr store; whole or not at all."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Protocol

import numpy as np

from anystar import io
from anystar.arrays import Volume
from anystar.runtime.atomic import staged

__all__ = ["PLACES", "Store", "open_store", "write_array"]

_FOLDERS = ("images", "labels")
_ZARR = "samples.zarr"
PLACES = (*_FOLDERS, _ZARR)
"""Folders in which stores write."""


class Store(Protocol):
    """Holds pairs by their index."""

    def prepare(self, number: int) -> None:
        """Make room for the samples 0 to ``number - 1``."""

    def has(self, index: int) -> bool:
        """Return whether both parts of a pair are there."""

    def write(self, index: int, image: np.ndarray, labels: np.ndarray) -> None:
        """Write one pair of ``(Z, Y, X)`` or, for slices, ``(Y, X)``."""


def open_store(out: Path, suffix: str, shape: tuple[int, ...]) -> Store:
    """Return the store of one format for pairs of ``shape`` (2D for slices)."""
    return _Zarr(out, shape) if suffix == "zarr" else _Files(out, suffix)


def _is_whole(path: Path) -> bool:
    """Return whether a file is there that a power cut has not emptied."""
    return path.is_file() and path.stat().st_size > 0


class _Files:
    """``images/000000.tif`` and ``labels/000000.tif``."""

    def __init__(self, out: Path, suffix: str) -> None:
        self.out, self.suffix = out, suffix

    def prepare(self, number: int) -> None:
        for folder in _FOLDERS:
            (self.out / folder).mkdir(parents=True, exist_ok=True)

    def _paths(self, index: int) -> list[Path]:
        return [self.out / folder / f"{index:06d}.{self.suffix}" for folder in _FOLDERS]

    def has(self, index: int) -> bool:
        return all(map(_is_whole, self._paths(index)))

    def write(self, index: int, image: np.ndarray, labels: np.ndarray) -> None:
        with staged(*self._paths(index)) as temporary:
            for path, data in zip(temporary, (image, labels), strict=True):
                write_array(path, data)


def write_array(path: Path, data: np.ndarray) -> None:
    """Write a volume or a slice; labels in the smallest type that holds them."""
    if data.ndim == 3:
        io.write(path, Volume(data=data))
        return
    if data.dtype.kind in "iu":
        data = data.astype(np.min_scalar_type(int(data.max(initial=0))))
    if path.name.endswith(".npy"):
        np.save(path, data)
    elif path.name.endswith(".tif"):
        import tifffile

        tifffile.imwrite(path, data, compression="zlib", metadata={"axes": "YX"})
    else:
        import nibabel as nib

        nib.save(nib.Nifti1Image(data.T[..., None], np.eye(4), dtype=data.dtype), path)


class _Zarr:
    """``samples.zarr``: arrays ``images`` and ``labels`` with a chunk a sample (Zarr format 2, zlib).

    A chunk is a file, which appears whole or not at all, so that processes need no lock and a run can be
    killed. Written by hand: it is two lines of JSON an array, and needs no further package.
    """

    def __init__(self, out: Path, shape: tuple[int, ...]) -> None:
        self.root, self.shape = out / _ZARR, tuple(shape)

    def prepare(self, number: int) -> None:
        self._put(self.root / ".zgroup", json.dumps({"zarr_format": 2}).encode())
        for name, dtype in zip(_FOLDERS, ("<f4", "<i4"), strict=True):
            path = self.root / name / ".zarray"
            before = json.loads(path.read_text())["shape"][0] if path.exists() else 0
            head = {
                "zarr_format": 2,
                "shape": [max(number, before), *self.shape],
                "chunks": [1, *self.shape],
                "dtype": dtype,
                "order": "C",
                "fill_value": 0,
                "filters": None,
                "compressor": {"id": "zlib", "level": 1},
            }
            self._put(path, json.dumps(head).encode())

    def _chunk(self, name: str, index: int) -> Path:
        return self.root / name / ".".join(map(str, (index, *[0] * len(self.shape))))

    def has(self, index: int) -> bool:
        return all(_is_whole(self._chunk(name, index)) for name in _FOLDERS)

    def write(self, index: int, image: np.ndarray, labels: np.ndarray) -> None:
        parts = (image.astype("<f4"), labels.astype("<i4"))
        for name, part in zip(_FOLDERS, parts, strict=True):
            self._put(self._chunk(name, index), zlib.compress(np.ascontiguousarray(part).tobytes(), 1))

    @staticmethod
    def _put(path: Path, content: bytes) -> None:
        with staged(path) as (temporary,):
            temporary.write_bytes(content)
