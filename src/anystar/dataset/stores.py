"""Where synthetic pairs go: one file each, or one Zarr store; whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from anystar import io
from anystar.arrays import Volume
from anystar.runtime.atomic import staged

__all__ = ["PLACES", "FileStore", "ZarrStore", "open_store", "write_array"]

_FOLDERS = ("images", "labels")
_ZARR = "samples.zarr"
PLACES = (*_FOLDERS, _ZARR)
"""Folders in which stores write."""


def open_store(out: Path, suffix: str, shape: tuple[int, ...]) -> FileStore | ZarrStore:
    """Return the store of one format for pairs of ``shape`` (2D for slices)."""
    return ZarrStore(out, shape) if suffix == "zarr" else FileStore(out, suffix)


def _is_whole(path: Path) -> bool:
    """Return whether a file is there that a power cut has not emptied."""
    return path.is_file() and path.stat().st_size > 0


class FileStore:
    """``images/000000.tif`` and ``labels/000000.tif``."""

    def __init__(self, out: Path, suffix: str) -> None:
        self.out, self.suffix = out, suffix

    def prepare(self, number: int) -> None:
        """Make the folders."""
        for folder in _FOLDERS:
            (self.out / folder).mkdir(parents=True, exist_ok=True)

    def _paths(self, index: int) -> list[Path]:
        return [self.out / folder / f"{index:06d}.{self.suffix}" for folder in _FOLDERS]

    def has(self, index: int) -> bool:
        """Return whether both files are there."""
        return all(map(_is_whole, self._paths(index)))

    def write(self, index: int, image: np.ndarray, labels: np.ndarray) -> None:
        """Write both files, or none."""
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


class ZarrStore:
    """``samples.zarr``: arrays ``images`` and ``labels`` with a chunk per sample (Zarr format 2, zlib).

    A chunk is a file, which appears whole or not at all: processes need no lock, and a run can be killed.
    """

    def __init__(self, out: Path, shape: tuple[int, ...]) -> None:
        self.root, self.shape = out / _ZARR, tuple(shape)

    def prepare(self, number: int) -> None:
        """Make the arrays, or make them longer."""
        import zarr
        from numcodecs import Zlib

        group = zarr.open_group(self.root, mode="a", zarr_format=2)
        for name, dtype in zip(_FOLDERS, ("<f4", "<i4"), strict=True):
            if name in group:
                array = self._open(name)
                array.resize((max(number, array.shape[0]), *self.shape))
                continue
            group.create_array(
                name,
                shape=(number, *self.shape),
                chunks=(1, *self.shape),
                dtype=dtype,
                compressors=Zlib(1),
                fill_value=0,
            )

    def _open(self, name: str) -> Any:
        import zarr

        # Samples without objects are stored too: a missing chunk means a missing sample.
        with zarr.config.set({"array.write_empty_chunks": True}):
            return zarr.open_array(self.root / name, mode="r+")

    def has(self, index: int) -> bool:
        """Return whether both chunks are there."""
        key = (index, *[0] * len(self.shape))
        return all(
            _is_whole(self.root / name / self._open(name).metadata.encode_chunk_key(key)) for name in _FOLDERS
        )

    def write(self, index: int, image: np.ndarray, labels: np.ndarray) -> None:
        """Write both chunks."""
        for name, part in zip(_FOLDERS, (image, labels), strict=True):
            self._open(name)[index] = part
