"""A volume as overlapping tiles: every voxel is predicted once, with its surroundings in view."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from anystar.preprocess.arrays import Box

__all__ = ["Axes", "Cores", "Tile", "cheapest", "halves", "product", "tile_axes", "tiles"]

Cores = tuple[int, int, int]
"""Voxels that a tile owns at most, along Z, Y and X."""
Axes = tuple[list[tuple[slice, slice]], list[tuple[slice, slice]], list[tuple[slice, slice]]]
"""What is seen and what is owned, along Z, Y and X."""


@dataclass(frozen=True, kw_only=True)
class Tile:
    """One tile, in voxels of the volume."""

    read: Box
    """What the network sees."""
    core: Box
    """What this tile is responsible for."""


def tiles(shape: tuple[int, int, int], *, core: Cores, halo: int, divisor: int) -> Iterator[Tile]:
    """Cut a volume into tiles.

    Parameters
    ----------
    shape : three ints
        Shape of the volume, each a multiple of ``divisor``.
    core : three ints
        Voxels along each axis that a tile owns, at most; rounded down to a multiple of ``divisor``.
    halo : int
        Voxels that it sees around them; rounded up to a multiple of ``divisor``, so that pooling falls on the
        same voxels in every tile.
    divisor : int
        Voxels that the coarsest cell of the network spans.

    Examples
    --------
    >>> [t.core[0] for t in tiles((96, 16, 16), core=(32, 32, 32), halo=8, divisor=8)]
    [slice(0, 32, None), slice(32, 64, None), slice(64, 96, None)]
    """
    yield from product(tile_axes(shape, core=core, halo=halo, divisor=divisor))


def tile_axes(
    shape: tuple[int, int, int],
    *,
    core: Cores,
    halo: int,
    divisor: int,
    margin: int = 0,
    inside: tuple[int, int, int] | None = None,
) -> Axes:
    """Return the tiles' parts of each axis; parameters as for :func:`tiles`, which are all combinations.

    With ``margin``, ``shape`` holds a volume of shape ``inside`` after as many voxels; tiles are given in
    voxels of that, may see what is beyond it, and own nothing there.
    """
    around = -(-halo // divisor) * divisor
    axes = []
    for num, own, most in zip(shape, inside or shape, core, strict=True):
        step = max(divisor, most // divisor * divisor)
        parts = []
        for start in range(0, num, step):
            stop = min(start + step, num)
            seen = slice(max(0, start - around) - margin, min(num, stop + around) - margin)
            owned = slice(max(0, start - margin), min(own, stop - margin))
            if owned.start < owned.stop:
                parts.append((seen, owned))
        axes.append(parts)
    return axes[0], axes[1], axes[2]


def cheapest(
    shape: tuple[int, int, int], *, halo: int, reach: int, divisor: int, most: int, share: float
) -> Cores:
    """Return how large tiles should be for the least work.

    Parameters
    ----------
    shape : three ints
        Shape of the volume, each a multiple of ``divisor``.
    halo : int
        Voxels around its own that a tile sees.
    reach : int
        Voxels around its own that a tile makes fine features of.
    divisor : int
        As for :func:`tiles`.
    most : int
        Voxels that a tile may make fine features of: what memory suffices for.
    share : float
        Of the work that what is seen costs, in [0, 1]; the rest is that of the fine features.

    Examples
    --------
    Many thin slices are seen whole along Z, and so wider:

    >>> limits = {"halo": 32, "reach": 8, "divisor": 16, "most": 160**3, "share": 0.3}
    >>> cheapest((128, 128, 128), **limits), cheapest((32, 1024, 1024), **limits)
    ((128, 128, 128), (32, 208, 512))
    """
    options = [
        np.unique([-(-num // (parts * divisor)) * divisor for parts in range(1, num // divisor + 1)])
        for num in shape
    ]
    cost = [
        [np.array([num + 2 * around * (-(-num // core) - 1) for core in cores]) for around in (halo, reach)]
        for num, cores in zip(shape, options, strict=True)
    ]
    made = [np.minimum(num, cores + 2 * reach) for num, cores in zip(shape, options, strict=True)]
    work = share * _outer([seen for seen, _ in cost]) + (1 - share) * _outer([fine for _, fine in cost])
    work[_outer(made) > most] = np.inf
    if np.isinf(work).all():
        return divisor, divisor, divisor
    z, y, x = (
        int(cores[at]) for cores, at in zip(options, np.unravel_index(work.argmin(), work.shape), strict=True)
    )
    return z, y, x


def _outer(axes: list[np.ndarray]) -> np.ndarray:
    """Return the products of all combinations of a number of each axis."""
    z, y, x = (axis.astype(np.float64) for axis in axes)
    return z[:, None, None] * y[:, None] * x


def product(axes: Axes) -> Iterator[Tile]:
    """Yield the tiles of all combinations, Z slowest."""
    for z, y, x in itertools.product(*axes):
        yield Tile(read=(z[0], y[0], x[0]), core=(z[1], y[1], x[1]))


def halves(tile: Tile, *, halo: int, divisor: int) -> list[Tile]:
    """Cut a tile across its longest axis, or return nothing if that is too short; see :func:`tiles`.

    Examples
    --------
    >>> whole = Tile(read=(slice(0, 96),) * 3, core=(slice(32, 64), slice(32, 64), slice(40, 64)))
    >>> [(t.core[0], t.read[0]) for t in halves(whole, halo=20, divisor=8)]
    [(slice(32, 48, None), slice(8, 72, None)), (slice(48, 64, None), slice(24, 88, None))]
    """
    sizes = [s.stop - s.start for s in tile.core]
    axis = sizes.index(max(sizes))
    core, seen = tile.core[axis], tile.read[axis]
    half = (core.start + core.stop) / 2 - seen.start
    middle = seen.start + math.ceil(half / divisor) * divisor  # where pooling falls on the same voxels
    if middle >= core.stop:
        return []
    around = -(-halo // divisor) * divisor
    parts = []
    for own in (slice(core.start, middle), slice(middle, core.stop)):
        before = (own.start - around - seen.start) // divisor * divisor
        after = -(-(own.stop + around - seen.start) // divisor) * divisor
        read = slice(seen.start + max(0, before), min(seen.stop, seen.start + after))
        reads, cores = list(tile.read), list(tile.core)
        reads[axis], cores[axis] = read, own
        parts.append(Tile(read=(reads[0], reads[1], reads[2]), core=(cores[0], cores[1], cores[2])))
    return parts
