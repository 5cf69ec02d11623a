"""Star distances of batches of label volumes by torch; :mod:`.numba` defines them."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from anystar.geometry.rays import Rays, golden_spiral
from anystar.geometry.star_distances.numba import PAD, march_offsets
from anystar.geometry.tensors import chunk_size
from anystar.runtime.gpu import kernel_for

__all__ = ["star_distances"]

_WINDOW = 8
"""Steps between two looks at which rays still march."""


def star_distances(labels: Tensor, points: Tensor, rays: Rays) -> Tensor:
    """Return the star distances of voxels, see :func:`anystar.geometry.star_distances.star_distances`.

    Labels are contiguous int32, shape ``(B, Z, Y, X)``; points int64, shape ``(N, 4)``, all inside. Besides
    the result at most about 1.5 GB are used on a graphics card.
    """
    march = _March(labels, rays)
    if march.kernel is not None:  # the host need not know which lie in the background
        return march(*points.unbind(1))
    out = torch.zeros((len(points), len(rays)), device=labels.device)
    objects = (labels[points.unbind(1)] > 0).nonzero()[:, 0]
    for part in objects.split(march.num_voxels):
        out[part] = march(*points[part].unbind(1))
    return out


def _trial(kernel: Callable[..., Tensor], device: torch.device) -> str:
    """Return what a march on ``device`` does wrong, or nothing."""
    rng = np.random.default_rng(0)
    coarse = torch.from_numpy(rng.integers(0, 3, (1, 4, 5, 6), np.int32)).to(device)
    labels = coarse.repeat_interleave(4, 1).repeat_interleave(4, 2).repeat_interleave(4, 3)
    march, points = _March(labels, golden_spiral(24)), (labels > 0).nonzero()
    start = march.start(*points.unbind(1))
    theirs, ours = kernel(*march.tables(start)), march.in_torch(start)
    return "" if torch.allclose(theirs, ours, atol=1e-3) else "it measures other distances"


class _March:
    """Distances of some voxels of objects: march by nearest labels, bracket the half-crossing, close in."""

    def __init__(self, labels: Tensor, rays: Rays) -> None:
        device = labels.device
        self.padded = F.pad(labels, (PAD,) * 6)
        self.flat = self.padded.view(-1)
        offsets = march_offsets(self.padded.shape[1:], rays)
        self.offsets_RK = torch.from_numpy(offsets).to(device, torch.int64)
        self.rays_3R = torch.tensor(rays.vertices.T.copy(), device=device)
        self.strides = (self.padded.shape[2] * self.padded.shape[3], self.padded.shape[3], 1)
        self.num_voxels = max(1, chunk_size(device) // len(rays))

    def __call__(self, row: Tensor, z: Tensor, y: Tensor, x: Tensor) -> Tensor:
        start = self.start(row, z, y, x)
        return self.in_torch(start) if self.kernel is None else self.kernel(*self.tables(start))

    @property
    def kernel(self) -> Callable[..., Tensor] | None:
        """What does it on this device, if not torch."""
        return kernel_for("anystar.geometry.star_distances.triton", "march", self.flat.device, _trial)

    def start(self, row: Tensor, z: Tensor, y: Tensor, x: Tensor) -> Tensor:
        """Return where voxels lie among the padded labels."""
        stride_b = math.prod(self.padded.shape[1:])
        return row * stride_b + (z + PAD) * self.strides[0] + (y + PAD) * self.strides[1] + x + PAD

    def tables(self, start: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, tuple[int, int, int]]:
        """Return what a kernel is given."""
        return self.flat, start, self.offsets_RK, self.rays_3R, self.strides

    def in_torch(self, start: Tensor) -> Tensor:
        """Return the distances ``(P, R)`` of the voxels at ``start``."""
        num_rays, num = self.rays_3R.shape[1], len(start)
        start = start[:, None].expand(-1, num_rays).reshape(-1)
        ray = torch.arange(num_rays, device=start.device).repeat(num)
        value = self.flat[start]
        near = self._steps(start, ray, value) + 0.5
        f_near = self._share(start, ray, value, near)
        far = torch.where(f_near >= 0.5, near + 1, (near - 1).clamp_min(0))
        f_far = self._share(start, ray, value, far)
        self._bracket(start, ray, value, near, f_near, far, f_far)
        out = near + (far - near) * (f_near - 0.5) / (f_near - f_far)
        f = self._share(start, ray, value, out)
        use_far = (f >= 0.5) == (f_near >= 0.5)
        end, f_end = torch.where(use_far, far, near), torch.where(use_far, f_far, f_near)
        out += (end - out) * (f - 0.5) / (f - f_end)
        return out.view(-1, num_rays)

    def _steps(self, start: Tensor, ray: Tensor, value: Tensor) -> Tensor:
        """Whole steps that each ray can take inside, float32."""
        taken = torch.zeros(len(start), device=start.device)
        rows: Tensor | slice = slice(None)
        for first in range(0, self.offsets_RK.shape[1], _WINDOW):
            alive = torch.ones_like(value, dtype=torch.bool)
            count = torch.zeros_like(value, dtype=torch.float32)
            for step in range(first, min(first + _WINDOW, self.offsets_RK.shape[1])):
                # A ray that has stopped may point anywhere until the next look.
                at = (start + self.offsets_RK[:, step][ray]).clamp_(0, len(self.flat) - 1)
                alive &= self.flat[at] == value
                count += alive
            taken[rows] += count
            marching = alive.nonzero()[:, 0]
            if len(marching) == 0:
                break
            rows = marching if isinstance(rows, slice) else rows[marching]
            start, ray, value = start[marching], ray[marching], value[marching]
        return taken

    def _share(self, start: Tensor, ray: Tensor, value: Tensor, t: Tensor) -> Tensor:
        """Trilinear share of the value at distance ``t`` along each ray."""
        at, weights = start, []
        for axis, stride in enumerate(self.strides):
            offset = t * self.rays_3R[axis][ray]
            whole = offset.floor()
            at = at + whole.to(torch.int64) * stride
            weights.append(offset - whole)
        wz, wy, wx = weights
        planes = []
        for z in (0, self.strides[0]):
            lines = []
            for y in (0, self.strides[1]):
                low, high = self.flat[at + (z + y)] == value, self.flat[at + (z + y + 1)] == value
                lines.append((1 - wx) * low + wx * high)
            planes.append(lines[0] + wy * (lines[1] - lines[0]))
        return planes[0] + wz * (planes[1] - planes[0])

    def _bracket(
        self,
        start: Tensor,
        ray: Tensor,
        value: Tensor,
        near: Tensor,
        f_near: Tensor,
        far: Tensor,
        f_far: Tensor,
    ) -> None:
        """Move the few brackets that do not hold the half-crossing until they do, in place."""
        rows = ((f_near >= 0.5) == (f_far >= 0.5)).nonzero()[:, 0]
        # Inside at both ends: outwards. Outside at both: inwards, to 0 at the latest, where the share is 1.
        move = torch.where(f_far[rows] >= 0.5, 0.5, -0.5)
        while len(rows):
            near[rows], f_near[rows] = far[rows], f_far[rows]
            t = (near[rows] + move).clamp_min(0)
            share = self._share(start[rows], ray[rows], value[rows], t)
            far[rows], f_far[rows] = t, share
            left = ((f_near[rows] >= 0.5) == (share >= 0.5)).nonzero()[:, 0]
            rows, move = rows[left], move[left]
