"""Entries in a file that is only appended to: a header as JSON and arrays, checked by a checksum.

An entry that was cut off, as by a crash, and all that follows count as not written.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from anystar.correction.packed import Packed

__all__ = ["Entry", "encode", "read_entries"]

_MAGIC = b"ASE1"
_FRONT = struct.Struct("<4sIQI")
"""Magic number, bytes of the header, bytes of the arrays, checksum of both."""


class Entry(NamedTuple):
    """One entry, and where the next begins."""

    header: dict[str, Any]
    arrays: dict[str, Packed]
    end: int


def encode(header: Mapping[str, Any], arrays: Mapping[str, Packed]) -> bytes:
    """Return the bytes of an entry."""
    parts = {n: {"dtype": a.dtype, "shape": a.shape, "bytes": len(a.data)} for n, a in arrays.items()}
    front = json.dumps({**header, "arrays": parts}).encode()
    body = b"".join(a.data for a in arrays.values())
    return _FRONT.pack(_MAGIC, len(front), len(body), zlib.crc32(body, zlib.crc32(front))) + front + body


def read_entries(path: Path) -> Iterator[Entry]:
    """Yield the whole entries of a file, in their order."""
    size = path.stat().st_size
    with open(path, "rb") as file:
        while len(fixed := file.read(_FRONT.size)) == _FRONT.size:
            magic, length, total, check = _FRONT.unpack(fixed)
            if magic != _MAGIC or file.tell() + length + total > size:
                return
            front, body = file.read(length), file.read(total)
            if zlib.crc32(body, zlib.crc32(front)) != check:
                return
            header = json.loads(front)
            arrays, place = {}, 0
            for name, part in header.pop("arrays").items():
                data = body[place : place + part["bytes"]]
                arrays[name] = Packed(data=data, dtype=part["dtype"], shape=tuple(part["shape"]))
                place += part["bytes"]
            yield Entry(header, arrays, file.tell())
