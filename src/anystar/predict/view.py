"""What the network sees of an image: normalised and magnified, made one box at a time.

Nothing is ever held as a whole, so the image may be larger than memory. Each box is computed from the same
rows of the same matrices whoever asks for it, so a volume in blocks is seen exactly as one taken at once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from anystar.predict.gaps import Gap
from anystar.predict.normalise import normalise
from anystar.predict.tiles import Box

__all__ = ["ArrayLike", "Scene", "View", "magnified"]

Vec = tuple[float, float, float]
_SLAB_VOXELS = 1 << 25
"""Voxels of the image that are read at once."""


class ArrayLike(Protocol):
    """An array in memory, or one that reads what is asked for: NumPy, Zarr, HDF5, ..."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(Z, Y, X)."""

    @property
    def dtype(self) -> Any:
        """Of NumPy."""

    def __getitem__(self, box: Any, /) -> Any:
        """Return the part of three slices."""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """An image with the intensities that become 0 and 1, and what becomes of those between.

    Parameters
    ----------
    image : array, shape ``(Z, Y, X)``
        In memory or read as needed.
    limits : two floats
        See :func:`anystar.predict.normalise.window`.
    gamma : float
        Power of what is between them: less than 1 shows more of what is dim.
    sigma : three floats
        Of the Gaussian that smooths it (after that), in voxels along Z, Y, X.
    window : two floats
        What of the smoothed image becomes 0 and 1: without noise its range is narrower.
    gaps : tuple of Gap
        Blank planes that ``image`` has filled in.
    """

    image: ArrayLike
    limits: tuple[float, float]
    gamma: float = 1.0
    sigma: Vec = (0.0, 0.0, 0.0)
    window: tuple[float, float] = (0.0, 1.0)
    gaps: tuple[Gap, ...] = ()

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along Z, Y, X."""
        z, y, x = self.image.shape
        return z, y, x

    def read(self, box: Box) -> np.ndarray:
        """Return a part, normalised but not smoothed; float32."""
        part = normalise(np.asarray(self.image[box]), self.limits)
        return part if self.gamma == 1 else np.power(part, np.float32(self.gamma), out=part)

    def crop(self, box: Box) -> Scene:
        """Return a part as a scene of its own, in memory."""
        return replace(self, image=np.asarray(self.image[box]))


def magnified(shape: tuple[int, int, int], zoom: Vec) -> tuple[int, int, int]:
    """Return the shape of a volume of ``shape`` on a lattice with as many voxels for one of its own."""
    z, y, x = (max(1, round(num * factor)) for num, factor in zip(shape, zoom, strict=True))
    return z, y, x


@dataclass(frozen=True, kw_only=True)
class View:
    """A scene on the lattice of the network.

    Parameters
    ----------
    scene : Scene
    zoom : three floats
        Magnification along Z, Y, X.
    device : torch.device
        Where boxes are made.

    Examples
    --------
    >>> scene = Scene(image=np.eye(8)[None].repeat(8, 0), limits=(0.0, 1.0))
    >>> half = View(scene=scene, zoom=(0.5, 0.5, 0.5), device=torch.device("cpu"))
    >>> half.shape, half.read((slice(0, 2), slice(0, 4), slice(2, 4))).shape
    ((4, 4, 4), torch.Size([1, 1, 2, 4, 2]))
    """

    scene: Scene
    zoom: Vec
    device: torch.device

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along Z, Y, X of the network's lattice."""
        return magnified(self.scene.shape, self.zoom)

    def source(self, box: Box) -> Box:
        """Return the box of the image that a box of the lattice is made of."""
        z, y, x = (slice(rows.first, rows.last) for rows in self._rows(box))
        return z, y, x

    def read(self, box: Box) -> Tensor | None:
        """Return a box as a tensor ``(1, 1, Z, Y, X)``, or ``None`` if all of it is constant.

        Beyond the lattice's ends the last voxels are repeated, which is where networks are padded to.
        """
        z, y, x = self._rows(box)
        depth = max(1, _SLAB_VOXELS // ((y.last - y.first) * (x.last - x.first)))
        whole: Tensor | None = None
        lowest, highest = np.inf, -np.inf
        # Slabs of planes, each reduced along the other axes before the next is read
        for start in range(z.first, z.last, depth):
            stop = min(start + depth, z.last)
            part = self.scene.read((slice(start, stop), slice(y.first, y.last), slice(x.first, x.last)))
            lowest, highest = min(lowest, float(part.min())), max(highest, float(part.max()))
            slab = torch.from_numpy(part).to(self.device)
            slab = y.apply(x.apply(slab, 2), 1)
            if stop - start == z.last - z.first:
                whole = z.apply(slab, 0)
            else:
                share = z.apply(slab, 0, start - z.first, stop - z.first)
                whole = share if whole is None else whole.add_(share)
        assert whole is not None
        if lowest == highest:
            return None
        low, high = self.scene.window
        if (low, high) != (0, 1):
            whole = whole.sub(low).div_(high - low).clamp_(0, 1)
        return whole[None, None]

    def _rows(self, box: Box) -> tuple[_Rows, _Rows, _Rows]:
        z, y, x = (
            _rows(num, factor, part, size, sigma)
            for num, factor, part, size, sigma in zip(
                self.scene.shape, self.zoom, box, self.shape, self.scene.sigma, strict=True
            )
        )
        return z, y, x


@dataclass(frozen=True)
class _Rows:
    """Some rows of the matrix that magnifies one axis: those of a box, over the columns that they need."""

    first: int
    last: int
    """Voxels of the image, half-open."""
    matrix: np.ndarray | None
    """(voxels of the box, ``last - first``) float32; ``None`` for a plain copy."""

    def apply(self, part: Tensor, axis: int, start: int = 0, stop: int | None = None) -> Tensor:
        """Multiply one axis by the columns ``start`` to ``stop``."""
        if self.matrix is None and start == 0 and stop is None:
            return part
        matrix = np.eye(self.last - self.first, dtype=np.float32) if self.matrix is None else self.matrix
        columns = torch.from_numpy(np.ascontiguousarray(matrix[:, start:stop])).to(part.device)
        return torch.movedim(torch.movedim(part, axis, -1) @ columns.T, -1, axis).contiguous()


def _rows(num: int, factor: float, part: slice, size: int, sigma: float) -> _Rows:
    """Interpolate linearly between voxel centres; reduction widens the kernel, so that nothing aliases.

    Smoothing is part of the same kernel: the sum of it at all shifts, weighted by a Gaussian.
    Coordinate ``i`` of the image comes to lie at ``(i + 0.5) * factor - 0.5``.
    """
    index = np.arange(part.start, part.stop).clip(0, size - 1)
    if size == num and abs(factor - 1) < 1e-3 and not sigma:
        first, last = int(index[0]), int(index[-1]) + 1
        if last - first == len(index):
            return _Rows(first, last, None)
        return _Rows(first, last, np.eye(last - first, dtype=np.float32)[index - first])
    centre = ((index + 0.5) / factor - 0.5).clip(0, num - 1)
    width = max(1.0, 1 / factor)
    reach = int(np.ceil(3 * sigma))
    first = max(0, int(centre[0] - width) - reach)
    last = min(num, int(np.ceil(centre[-1] + width)) + 1 + reach)
    apart = centre[:, None] - np.arange(first, last)
    weights = np.zeros(apart.shape)
    for shift in range(-reach, reach + 1):
        share = float(np.exp(-0.5 * (shift / sigma) ** 2)) if shift else 1.0
        weights = weights + share * np.maximum(1 - np.abs(apart - shift) / width, 0)
    return _Rows(first, last, (weights / weights.sum(1, keepdims=True)).astype(np.float32))
