"""An image that is read box by box, as an array."""

from __future__ import annotations

import hashlib
import itertools
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np

from anystar.preprocess.arrays import Box

if TYPE_CHECKING:
    from anystar.io.lazy import LazyImage

__all__ = ["HeldArray", "LazyArray", "Readable", "fingerprint"]

_SLAB_BYTES = 1 << 28
_PROBE = 16
"""Edge in voxels of the boxes that identify an image."""


class Readable(Protocol):
    """What :func:`anystar.io.open_image` gives."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """(Z, Y, X)."""

    @property
    def dtype(self) -> np.dtype:
        """Of NumPy."""

    @property
    def chunks(self) -> tuple[int, int, int]:
        """Voxels that are stored together."""

    def read(self, box: Box, /) -> np.ndarray:
        """Return the voxels of three slices of step 1."""


@dataclass(frozen=True, eq=False)
class LazyArray:
    """As much of an array as prediction needs, over an image on the disk; adds up the time of reading."""

    image: Readable
    seconds: list[float] = field(default_factory=lambda: [0.0])

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along Z, Y, X."""
        return self.image.shape

    @property
    def dtype(self) -> np.dtype:
        """Type of the voxels."""
        return self.image.dtype

    def __getitem__(self, box: Box) -> np.ndarray:
        """Return the voxels of three slices, of any positive step; slab by slab if not all are wanted."""
        z, y, x = (slice(*s.indices(n)) for s, n in zip(box, self.shape, strict=True))
        if z.step == y.step == x.step == 1:
            return self._read((z, y, x))
        parts = []
        for slab in self._slabs((z, y, x)):
            first = -(-(slab.start - z.start) // z.step) * z.step + z.start
            wanted = slice(first - slab.start, None, z.step)
            whole = self._read((slab, slice(y.start, y.stop), slice(x.start, x.stop)))
            parts.append(whole[wanted, :: y.step, :: x.step].copy())
        return np.concatenate(parts) if parts else np.empty((0, 0, 0), self.dtype)

    def _read(self, box: Box) -> np.ndarray:
        began = time.perf_counter()
        part = self.image.read(box)
        self.seconds[0] += time.perf_counter() - began
        return part

    def _slabs(self, box: Box) -> list[slice]:
        """Return the planes of a box in pieces that are cheap to read at once."""
        z, y, x = box
        plane = max(1, (y.stop - y.start) * (x.stop - x.start) * self.dtype.itemsize)
        thick = self.image.chunks[0]
        depth = max(1, _SLAB_BYTES // plane)
        depth = depth // thick * thick or depth  # whole chunks, if any fits
        cuts = [z.start, *range((z.start // depth + 1) * depth, z.stop, depth), z.stop]
        return [slice(a, b) for a, b in itertools.pairwise(cuts) if a < b]


@dataclass(frozen=True, eq=False)
class HeldArray:
    """An array of which a part is in memory; the rest is read when it is indexed."""

    whole: LazyArray
    start: tuple[int, int, int]
    part: np.ndarray

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along Z, Y, X of the whole."""
        return self.whole.shape

    @property
    def dtype(self) -> np.dtype:
        """Type of the voxels."""
        return self.whole.dtype

    def __getitem__(self, box: Box) -> np.ndarray:
        """Return the voxels of three slices of step 1."""
        here = [slice(s.start - a, s.stop - a) for s, a in zip(box, self.start, strict=True)]
        if all(s.start >= 0 and s.stop <= n for s, n in zip(here, self.part.shape, strict=True)):
            return self.part[tuple(here)]
        return self.whole[box]


def fingerprint(image: LazyImage) -> str:
    """Return a digest of nine small boxes all over an image, which differs for another image of its name."""
    digest = hashlib.sha256()
    for shares in (*itertools.product((0.25, 0.75), repeat=3), (0.5, 0.5, 0.5)):
        starts = [int(share * max(0, num - _PROBE)) for share, num in zip(shares, image.shape, strict=True)]
        box = [slice(start, start + _PROBE) for start in starts]
        digest.update(image.read(box).tobytes())
    return digest.hexdigest()[:16]
