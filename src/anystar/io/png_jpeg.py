"""PNG and JPEG: one plane of a stack, grey or in colours."""

from __future__ import annotations

from pathlib import Path

import imagecodecs
import numpy as np

from anystar.errors import FileError
from anystar.io.address import Address
from anystar.io.source import Index, Source
from anystar.io.unpack import refuse_impossible_size

__all__ = ["open_source"]

_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8"
_SAMPLES = {0: 1, 2: 3, 4: 2, 6: 4}
"""Samples of a pixel by PNG's type of colour: grey, RGB, grey and alpha, RGBA; palettes become RGB."""
_FRAMES = (*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0))
"""Markers of JPEG behind which the size stands."""
_STANDALONE = (0x01, *range(0xD0, 0xD9))
"""Markers without a length."""


def open_source(address: Address, level: int) -> Source:
    """Open a plane: Y and X, and S for colours. Its resolution is that of a page, so no size is known.

    Raises
    ------
    FileError
        If it is neither PNG nor JPEG, or cut off.
    """
    content = address.file.read_bytes()
    if content.startswith(_PNG):
        shape, dtype = _png_shape(content)
        refuse_impossible_size(int(np.prod(shape)) * dtype.itemsize, len(content))
    elif content.startswith(_JPEG):
        shape, dtype = _jpeg_shape(content)
    else:
        raise FileError("is neither a PNG nor a JPEG file; export it again, as TIFF best of all")
    return Source(
        axes="YXS"[: len(shape)],
        shape=shape,
        dtype=dtype,
        fetch=lambda index: _fetch(address.file, shape, index),
    )


def _fetch(path: Path, shape: tuple[int, ...], index: Index) -> np.ndarray:
    content = path.read_bytes()
    decode = imagecodecs.png_decode if content.startswith(_PNG) else imagecodecs.jpeg_decode
    data = decode(content)
    if data.shape != shape:
        raise FileError(f"has the shape {data.shape}, where {shape} was stated; export it again")
    return data[index]


def _png_shape(content: bytes) -> tuple[tuple[int, ...], np.dtype]:
    """Return shape and type as the header states them; small or indexed values are decoded to see them."""
    if len(content) < 33 or content[12:16] != b"IHDR":
        raise FileError("is cut off; copy or export it again")
    width, height = int.from_bytes(content[16:20]), int.from_bytes(content[20:24])
    bits, kind = content[24], content[25]
    if bits not in (8, 16) or kind not in _SAMPLES:
        refuse_impossible_size(height * width // 8, len(content))
        data = imagecodecs.png_decode(content)
        return data.shape, data.dtype
    samples = _SAMPLES[kind]
    shape = (height, width) if samples == 1 else (height, width, samples)
    return shape, np.dtype(np.uint8 if bits == 8 else np.uint16)


def _jpeg_shape(content: bytes) -> tuple[tuple[int, ...], np.dtype]:
    at = 2
    while at + 9 < len(content):
        if content[at] != 0xFF:
            break
        marker = content[at + 1]
        if marker == 0xFF or marker in _STANDALONE:
            at += 1 if marker == 0xFF else 2
            continue
        if marker in _FRAMES:
            height, width = int.from_bytes(content[at + 5 : at + 7]), int.from_bytes(content[at + 7 : at + 9])
            samples = content[at + 9]
            dtype = np.dtype(np.uint8 if content[at + 4] <= 8 else np.uint16)
            return ((height, width) if samples == 1 else (height, width, samples)), dtype
        at += 2 + int.from_bytes(content[at + 2 : at + 4])
    raise FileError("is cut off, or no JPEG file; copy or export it again")
