"""How large blocks may be for a given memory."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from anystar.config import ConfigError
from anystar.predict.tiling import Axes

__all__ = ["Sizes", "available_memory", "choose_sizes", "parse_memory", "whole_volume_bytes"]

_BASE = 900 << 20
"""Python, its packages and compiled code, the image library's caches."""
_NETWORK, _AVERAGING = 1300 << 20, 900 << 20
"""What the network's features of one tile take, and what more where predictions are averaged."""
_PAINT = 20
"""Bytes per voxel of a block of the result: labels, their final type, a compressed copy; measured."""
_WHOLE = 14
"""Bytes per voxel of a volume that is segmented at once, beside the image itself."""
_MARGIN = 64
_CHUNK = 64
_MOST_TILES = 4
_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_UNITS |= {f"{k}I": 1024 ** (i + 1) for i, k in enumerate("KMGT")}


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """What fits into a given memory."""

    tiles_along: int
    """Tiles of the network along each axis in a block of the first stage."""
    hold: int
    """Bytes of the image that are kept while the network runs."""
    block: tuple[int, int, int]
    """Voxels along Z, Y, X of a block of the result."""


def parse_memory(text: str) -> int:
    """Return an amount of memory in bytes.

    Examples
    --------
    >>> parse_memory("4GB"), parse_memory("512 MiB"), parse_memory("1.5g")
    (4000000000, 536870912, 1500000000)
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?I?)B?\s*", text.upper())
    if found is None or found[2] not in _UNITS or float(found[1]) <= 0:
        raise ConfigError(f"memory must be an amount such as 4GB or 512MiB, got '{text}'")
    return int(float(found[1]) * _UNITS[found[2]])


def choose_sizes(
    memory: int,
    shape: tuple[int, int, int],
    *,
    tiles: Axes,
    itemsize: int,
    zoom: tuple[float, float, float],
    tta: bool = False,
) -> Sizes:
    """Return the largest blocks with which a process stays within ``memory`` bytes.

    Parameters
    ----------
    memory : int
        Bytes.
    shape : three ints
        Of the volume.
    tiles : Axes
        The network's, of the magnified volume.
    itemsize : int
        Bytes per voxel of the image.
    zoom : three floats
        Magnification along Z, Y, X of what the network sees.
    tta : bool
        Whether the network's predictions for several orientations are averaged.

    Raises
    ------
    ConfigError
        If not even the smallest blocks fit.
    """
    network = _NETWORK + _AVERAGING * tta
    least = _BASE + network + _PAINT * (_CHUNK + _MARGIN) ** 3
    if memory < least:
        raise ConfigError(
            f"memory must be at least {least / 1e9:.1f}GB for this model, got {memory / 1e9:.2g}GB; give more"
        )
    hold = memory - _BASE - network
    along = 1
    while along < _MOST_TILES:
        sides = [_widest(parts, along + 1) / z for parts, z in zip(tiles, zoom, strict=True)]
        if math.prod(map(min, sides, shape)) * itemsize > hold:
            break
        along += 1
    # Painting comes after the network, but what that has used may not have been given back
    chunks = int((hold / _PAINT) ** (1 / 3) - _MARGIN) // _CHUNK
    side = _CHUNK * max(1, min(8, chunks))
    return Sizes(tiles_along=along, hold=hold, block=(side, side, side))


def _widest(parts: list[tuple[slice, slice]], along: int) -> int:
    """Return the longest interval that ``along`` tiles in a row read."""
    return max(
        parts[min(first + along, len(parts)) - 1][0].stop - parts[first][0].start
        for first in range(0, len(parts), along)
    )


def whole_volume_bytes(shape: tuple[int, int, int], itemsize: int) -> int:
    """Return about how many bytes it takes to segment a volume at once."""
    return _BASE + _NETWORK + math.prod(shape) * (itemsize + _WHOLE)


def available_memory() -> int:
    """Return how many bytes this process can expect: what is free, within its control groups' limits."""
    free = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    info = Path("/proc/meminfo")
    if info.exists() and (found := re.search(r"^MemAvailable:\s+(\d+) kB", info.read_text(), re.M)):
        free = int(found[1]) << 10
    return min([free, *_limits()])


def _limits(system: Path = Path("/")) -> Iterator[int]:
    """Yield the bytes that this process's control groups may use, of version 2 or 1, from its own upwards."""
    groups = system / "proc/self/cgroup"
    for line in groups.read_text().splitlines() if groups.exists() else ():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            root, name = system / "sys/fs/cgroup", "memory.max"
        elif "memory" in controllers.split(","):
            root, name = system / "sys/fs/cgroup/memory", "memory.limit_in_bytes"
        else:
            continue
        place = root / path.lstrip("/")
        for folder in (place, *place.parents):
            if (folder / name).is_file() and (text := (folder / name).read_text().strip()).isdigit():
                yield int(text)
            if folder == root:
                break
