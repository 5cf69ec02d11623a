"""An image that is read box by box, as an array."""

from __future__ import annotations

import hashlib
import itertools
import time
from dataclasses import dataclass, field

import numpy as np

from anystar.io.lazy import LazyImage
from anystar.preprocess.arrays import Box

__all__ = ["LazyArray", "fingerprint"]

_SLAB_BYTES = 1 << 28
_PROBE = 16
"""Edge in voxels of the boxes that identify an image."""


@dataclass(frozen=True, eq=False)
class LazyArray:
    """As much of an array as prediction needs, over an image on the disk; adds up the time of reading."""

    image: LazyImage
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


def fingerprint(image: LazyImage) -> str:
    """Return a digest of nine small boxes all over an image, which differs for another image of its name."""
    digest = hashlib.sha256()
    for shares in (*itertools.product((0.25, 0.75), repeat=3), (0.5, 0.5, 0.5)):
        starts = [int(share * max(0, num - _PROBE)) for share, num in zip(shares, image.shape, strict=True)]
        box = [slice(start, start + _PROBE) for start in starts]
        digest.update(image.read(box).tobytes())
    return digest.hexdigest()[:16]
