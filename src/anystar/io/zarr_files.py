"""The files of a Zarr store, checked before they are decoded."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

from zarr.abc.store import ByteRequest
from zarr.core.buffer import Buffer, BufferPrototype
from zarr.storage import LocalStore

from anystar.errors import FileError

__all__ = ["CheckedFiles"]

_METADATA = ("zarr.json", ".zarray", ".zattrs", ".zgroup", ".zmetadata")
_BLOSC_HEADER = 16
_MOST_METADATA = 1 << 26
"""Bytes: a store of a million arrays lists them in half of that."""


class CheckedFiles(LocalStore):
    """A store on the disk whose pipes are not waited for, and whose Blosc chunks must be whole.

    Blosc does not look at the length of what it gets: it reads on behind the end of a chunk that is cut off.
    """

    blosc = False
    """Whether files that are read whole are chunks of Blosc."""

    def expect(self, array: Any) -> None:
        """Note how the chunks of an array are compressed."""
        metadata = array.metadata
        codecs = [getattr(metadata, "compressor", None), *(getattr(metadata, "codecs", None) or ())]
        names = [type(codec).__name__ for codec in codecs]
        self.blosc = array.shards is None and any("Blosc" in name for name in names)

    async def get(
        self,
        key: str,
        prototype: BufferPrototype | None = None,
        byte_range: ByteRequest | None = None,
    ) -> Buffer | None:
        """Return the bytes of a file, or None if there is none."""
        path = self.root / key
        _refuse_no_file(path)
        if path.name in _METADATA and path.is_file() and path.stat().st_size > _MOST_METADATA:
            raise FileError(f"has metadata of more than {_MOST_METADATA >> 20} MiB, {key}; export it again")
        value = await super().get(key, prototype, byte_range)
        if self.blosc and value is not None and byte_range is None and path.name not in _METADATA:
            _refuse_cut_off(path, value)
        return value


def _refuse_no_file(path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except OSError:
        return
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise FileError(f"contains {path.name}, a pipe or a device, not a file; copy the store again")


def _refuse_cut_off(path: Path, value: Any) -> None:
    """Raise if a chunk of Blosc has another length than its header states."""
    stated = int.from_bytes(value.as_numpy_array()[12:_BLOSC_HEADER].tobytes(), "little")
    if len(value) < _BLOSC_HEADER or len(value) != stated:
        raise ValueError(f"{path.name} has {len(value)} of its {stated} bytes")
