"""The image that the network sees: prepared and resampled, one box at a time.

Nothing is ever held as a whole, so the image may be larger than memory. Each box is computed with the same
rows of the same matrices, so a volume in blocks is resampled exactly as one at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from anystar.box import triple
from anystar.errors import InputError
from anystar.preprocess.arrays import Box, Shape, Vec
from anystar.preprocess.settings import PreparedImage

__all__ = ["ResampledImage", "resampled_shape"]

SLAB_VOXELS = 1 << 25
"""Voxels of the image that are read at once."""


def resampled_shape(shape: Shape, zoom: Vec) -> Shape:
    """Return the shape after resampling by ``zoom``: rounded, at least 1 voxel per axis."""
    return triple(max(1, round(num * factor)) for num, factor in zip(shape, zoom, strict=True))


@dataclass(frozen=True, kw_only=True, eq=False)
class ResampledImage:
    """A prepared image on the grid of the network.

    Examples
    --------
    >>> from anystar.preprocess import Preprocessing
    >>> prepared = Preprocessing().apply(np.eye(8)[None].repeat(8, 0))
    >>> half = ResampledImage(prepared=prepared, zoom=(0.5, 0.5, 0.5), device=torch.device("cpu"))
    >>> half.shape, half.read((slice(0, 2), slice(0, 4), slice(2, 4))).shape
    ((4, 4, 4), torch.Size([1, 1, 2, 4, 2]))
    """

    prepared: PreparedImage
    zoom: Vec
    """Voxels of the grid per voxel of the image, along Z, Y, X."""
    device: torch.device
    """Where boxes are computed."""

    @property
    def shape(self) -> Shape:
        """Voxels of the grid along Z, Y, X."""
        return resampled_shape(self.prepared.shape, self.zoom)

    def source(self, box: Box) -> Box:
        """Return the box of the image, margins included, from which a box of the grid is computed."""
        return triple(
            slice(first + rows.first, first + rows.last)
            for first, rows in zip(self.prepared.settings.origin, self._rows(box), strict=True)
        )

    def holds_data(self, points: np.ndarray) -> np.ndarray:
        """Return at which points ``(N, 3)``, in voxels of the grid, there are data and no margin."""
        return self.prepared.holds_data((points + 0.5) / np.array(self.zoom) - 0.5)

    def read(self, box: Box) -> Tensor | None:
        """Return a box as a tensor ``(1, 1, Z, Y, X)``, or ``None`` if all of it is constant.

        Beyond the ends of the grid the last voxels are repeated: the network pads its input there.
        """
        z, y, x = self._rows(box)
        depth = max(1, SLAB_VOXELS // ((y.last - y.first) * (x.last - x.first)))
        whole: Tensor | None = None
        lowest, highest = np.inf, -np.inf
        # Slabs of planes, each reduced along the other axes before the next is read
        for start in range(z.first, z.last, depth):
            stop = min(start + depth, z.last)
            part = self.prepared.read((slice(start, stop), slice(y.first, y.last), slice(x.first, x.last)))
            lowest, highest = np.minimum(lowest, part.min()), np.maximum(highest, part.max())
            slab = torch.from_numpy(part).to(self.device)
            slab = y.apply(x.apply(slab, 2), 1)
            share = z.apply(slab, 0, slice(start - z.first, stop - z.first))
            whole = share if whole is None else whole.add_(share)
        assert whole is not None
        if not np.isfinite(lowest):
            raise InputError("image has NaN or infinite voxels, though none in its subsample; replace them")
        if lowest == highest:
            return None
        low, high = self.prepared.settings.smoothed_limits
        if (low, high) != (0, 1):
            whole = whole.sub(low).div_(high - low).clamp_(0, 1)
        return whole[None, None]

    def _rows(self, box: Box) -> tuple[_Rows, _Rows, _Rows]:
        axes = zip(self.prepared.shape, self.zoom, box, self.shape, self.prepared.settings.sigma, strict=True)
        return triple(_rows(*axis) for axis in axes)


@dataclass(frozen=True)
class _Rows:
    """The rows of the resampling matrix of one axis for a box, restricted to their nonzero columns."""

    first: int
    last: int
    """Voxels of the image, half-open."""
    matrix: np.ndarray | None
    """(voxels of the box, ``last - first``) float32; ``None`` for a plain copy."""

    def apply(self, part: Tensor, axis: int, columns: slice = slice(None)) -> Tensor:
        """Multiply one axis, which ``part`` has some columns of."""
        if self.matrix is None and part.shape[axis] == self.last - self.first:
            return part
        matrix = np.eye(self.last - self.first, dtype=np.float32) if self.matrix is None else self.matrix
        weights = torch.from_numpy(np.ascontiguousarray(matrix[:, columns])).to(part.device)
        return torch.movedim(torch.movedim(part, axis, -1) @ weights.T, -1, axis).contiguous()


def _rows(num: int, factor: float, part: slice, size: int, sigma: float) -> _Rows:
    """Interpolate linearly between voxel centres, with a wider kernel in reduction to avoid aliasing.

    Smoothing is part of the same kernel: the sum of it over all shifts, weighted by a Gaussian.
    Coordinate ``i`` of the image becomes ``(i + 0.5) * factor - 0.5``.
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
