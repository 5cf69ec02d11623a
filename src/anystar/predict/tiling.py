"""Overlapping tiles of a volume: each voxel is predicted once, in a tile that holds its surroundings."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from anystar.box import triple
from anystar.preprocess.arrays import Box, Shape, box_shape

__all__ = [
    "Axes",
    "Tile",
    "TileConfig",
    "choose_tile_shape",
    "iter_tiles",
    "plan_tiles",
    "split_tile",
    "tile_axes",
]

Axes = tuple[list[tuple[slice, slice]], list[tuple[slice, slice]], list[tuple[slice, slice]]]
"""The tiles' intervals along Z, Y and X: what each tile reads, and what it owns."""


@dataclass(frozen=True, kw_only=True)
class Tile:
    """One tile, in voxels of the volume."""

    read: Box
    """What the network reads."""
    core: Box
    """What this tile owns: every voxel has one owner."""


@dataclass(frozen=True, kw_only=True)
class TileConfig:
    """How large tiles are; lengths in voxels of the network's input but where noted."""

    halo: int = 32
    """Voxels that a tile reads around those that it owns, rounded up to whole cells of the network."""
    margin: int = 4
    """Voxels that are predicted beyond the volume, so that its border does not look like a cut through
    objects. On ``benchmarks/models`` that adds 0.02 to AP at IoU 0.5, and 0.04 to its mean over
    thresholds."""
    max_points: int = 525_000
    """Most grid points whose features are computed at once: they take up to 1.3 GB."""
    reach: int = 4
    """Halo of the decoder, in grid points."""
    encoder_share: float = 0.3
    """Share of the cost spent in the encoder, which runs over tile and halo."""


def plan_tiles(shape: Shape, *, grid: int, divisor: int, config: TileConfig) -> Axes:
    """Return the tiles of a volume of the network's input: always the same for a shape.

    The network's output has points ``grid`` voxels apart, and its coarsest cell spans ``divisor`` voxels.
    """
    margin = -(-config.margin // grid) * grid
    padded = triple(-(-(n + 2 * margin) // divisor) * divisor for n in shape)
    core = choose_tile_shape(padded, grid=grid, divisor=divisor, config=config)
    return tile_axes(padded, core=core, halo=config.halo, divisor=divisor, margin=margin, inside=shape)


def tile_axes(
    shape: Shape,
    *,
    core: Shape,
    halo: int,
    divisor: int,
    margin: int = 0,
    inside: Shape | None = None,
) -> Axes:
    """Return the tiles' intervals along each axis; the tiles are all combinations of these.

    Parameters
    ----------
    shape : three ints
        Shape of the volume, each a multiple of ``divisor``.
    core : three ints
        Most voxels that a tile owns along each axis; rounded down to a multiple of ``divisor``.
    halo : int
        Voxels that a tile reads around its core; rounded up to a multiple of ``divisor``, so that pooling
        falls on the same voxels in every tile.
    divisor : int
        Voxels that the coarsest cell of the network spans.
    margin : int
        Voxels of ``shape`` before the volume proper.
    inside : three ints, optional
        Shape of the volume proper. Tiles are in its voxels; they may read beyond it, but own nothing there.

    Examples
    --------
    >>> axes = tile_axes((96, 16, 16), core=(32, 32, 32), halo=8, divisor=8)
    >>> [t.core[0] for t in iter_tiles(axes)]
    [slice(0, 32, None), slice(32, 64, None), slice(64, 96, None)]
    """
    around = -(-halo // divisor) * divisor
    axes = []
    for num, own, most in zip(shape, inside or shape, core, strict=True):
        step = max(divisor, most // divisor * divisor)
        parts = []
        for start in range(0, num, step):
            stop = min(start + step, num)
            read = slice(max(0, start - around) - margin, min(num, stop + around) - margin)
            owned = slice(max(0, start - margin), min(own, stop - margin))
            if owned.start < owned.stop:
                parts.append((read, owned))
        axes.append(parts)
    return triple(axes)


def choose_tile_shape(shape: Shape, *, grid: int, divisor: int, config: TileConfig) -> Shape:
    """Return the shape of the tiles' cores at which the network has the least work.

    The shape of the volume is a multiple of ``divisor``; the other arguments are those of :func:`plan_tiles`.

    Examples
    --------
    A tile covers the whole of a thin volume along Z, and is wider for that:

    >>> network = {"grid": 2, "divisor": 16, "config": TileConfig(max_points=80**3)}
    >>> choose_tile_shape((128, 128, 128), **network), choose_tile_shape((32, 1024, 1024), **network)
    ((128, 128, 128), (32, 208, 512))
    """
    halo, reach, share = config.halo, config.reach * grid, config.encoder_share
    options = [
        np.unique([-(-num // (parts * divisor)) * divisor for parts in range(1, num // divisor + 1)])
        for num in shape
    ]
    cost = [
        [np.array([num + 2 * around * (-(-num // core) - 1) for core in cores]) for around in (halo, reach)]
        for num, cores in zip(shape, options, strict=True)
    ]
    computed = [np.minimum(num, cores + 2 * reach) for num, cores in zip(shape, options, strict=True)]
    encoder, decoder = (_outer([along[stage] for along in cost]) for stage in (0, 1))
    work = share * encoder + (1 - share) * decoder
    work[_outer(computed) > config.max_points * grid**3] = np.inf
    if np.isinf(work).all():
        return divisor, divisor, divisor
    best = np.unravel_index(work.argmin(), work.shape)
    return triple(int(cores[at]) for cores, at in zip(options, best, strict=True))


def _outer(axes: list[np.ndarray]) -> np.ndarray:
    """Return the products of all combinations of a number of each axis."""
    z, y, x = (axis.astype(np.float64) for axis in axes)
    return z[:, None, None] * y[:, None] * x


def iter_tiles(axes: Axes) -> Iterator[Tile]:
    """Yield the tiles of all combinations, Z slowest."""
    for z, y, x in itertools.product(*axes):
        yield Tile(read=(z[0], y[0], x[0]), core=(z[1], y[1], x[1]))


def split_tile(tile: Tile, *, halo: int, divisor: int) -> list[Tile]:
    """Cut a tile across its longest axis; return no tiles if that is too short.

    Arguments are those of :func:`tile_axes`.

    Examples
    --------
    >>> whole = Tile(read=(slice(0, 96),) * 3, core=(slice(32, 64), slice(32, 64), slice(40, 64)))
    >>> [(t.core[0], t.read[0]) for t in split_tile(whole, halo=20, divisor=8)]
    [(slice(32, 48, None), slice(8, 72, None)), (slice(48, 64, None), slice(24, 88, None))]
    """
    axis = int(np.argmax(box_shape(tile.core)))
    core, read = tile.core[axis], tile.read[axis]
    half = (core.start + core.stop) / 2 - read.start
    middle = read.start + math.ceil(half / divisor) * divisor  # where pooling falls on the same voxels
    if middle >= core.stop:
        return []
    around = -(-halo // divisor) * divisor
    parts = []
    for own in (slice(core.start, middle), slice(middle, core.stop)):
        before = (own.start - around - read.start) // divisor * divisor
        after = -(-(own.stop + around - read.start) // divisor) * divisor
        part = slice(read.start + max(0, before), min(read.stop, read.start + after))
        reads, cores = list(tile.read), list(tile.core)
        reads[axis], cores[axis] = part, own
        parts.append(Tile(read=triple(reads), core=triple(cores)))
    return parts
