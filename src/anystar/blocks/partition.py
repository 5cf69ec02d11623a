"""How a volume is cut: tiles of the network into blocks, voxels of the result into blocks of chunks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from anystar.box import triple
from anystar.predict.tiling import Axes, Tile, iter_tiles
from anystar.preprocess.arrays import Box, Shape

__all__ = ["Boxes", "PassBlocks", "TileBlocks", "hull", "owner"]


@dataclass(frozen=True)
class TileBlocks:
    """The network's tiles of a volume, grouped; a sequence whose members are made when they are indexed.

    The tiles are those of the whole volume, so that nothing depends on how they are grouped.
    """

    axes: Axes
    along: int
    """Tiles along each axis that make a block, at most."""

    @property
    def _blocks(self) -> Shape:
        return triple(-(-len(parts) // self.along) for parts in self.axes)

    def __len__(self) -> int:
        return math.prod(self._blocks)

    def __getitem__(self, number: int) -> list[Tile]:
        if not 0 <= number < len(self):
            raise IndexError(number)
        place = np.unravel_index(number, self._blocks)
        own = triple(
            parts[int(at) * self.along : (int(at) + 1) * self.along]
            for at, parts in zip(place, self.axes, strict=True)
        )
        return list(iter_tiles(own))


@dataclass(frozen=True)
class PassBlocks:
    """The blocks of all passes of the network over a volume, each with the number of its pass."""

    passes: tuple[TileBlocks, ...]

    def __len__(self) -> int:
        return sum(map(len, self.passes))

    def __getitem__(self, number: int) -> tuple[int, list[Tile]]:
        left = number
        for which, blocks in enumerate(self.passes):
            if 0 <= left < len(blocks):
                return which, blocks[left]
            left -= len(blocks)
        raise IndexError(number)


def hull(parts: Sequence[Box]) -> Box:
    """Return the smallest box that holds all of ``parts``."""
    return triple(
        slice(min(s.start for s in along), max(s.stop for s in along)) for along in zip(*parts, strict=True)
    )


@dataclass(frozen=True)
class Boxes:
    """Boxes of ``size``, cut at the end, that cover ``shape``; Z slowest; made when they are indexed.

    Examples
    --------
    >>> parts = Boxes((10, 10, 5), (4, 10, 5))
    >>> len(parts), parts[2][0]
    (3, slice(8, 10, None))
    """

    shape: Shape
    size: Shape

    @property
    def counts(self) -> Shape:
        """Boxes along each axis."""
        return triple(-(-n // s) for n, s in zip(self.shape, self.size, strict=True))

    def __len__(self) -> int:
        return math.prod(self.counts)

    def __getitem__(self, number: int) -> Box:
        if not 0 <= number < len(self):
            raise IndexError(number)
        place = np.unravel_index(number, self.counts)
        return triple(
            slice(int(at) * s, min((int(at) + 1) * s, n))
            for at, s, n in zip(place, self.size, self.shape, strict=True)
        )


def owner(centres: np.ndarray, boxes: Boxes) -> np.ndarray:
    """Return which of ``boxes`` owns each body: the one that holds its centre, or is nearest to it.

    Parameters
    ----------
    centres : numpy.ndarray
        ``(N, 3)``, voxels, inside or outside of the volume.
    """
    voxel = np.clip(np.floor(centres + 0.5).astype(np.int64), 0, np.array(boxes.shape) - 1)
    place = voxel // np.array(boxes.size)
    _, ny, nx = boxes.counts
    return (place[:, 0] * ny + place[:, 1]) * nx + place[:, 2]
