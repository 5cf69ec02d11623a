"""The march along rays on graphics cards, compiled by Triton, which comes with torch there.

``_March`` of :mod:`.torch` says what is computed, in some hundred passes over all rays that still march. Here
a ray is done at once, and the host need not know how many are left.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

__all__ = ["march"]

_BLOCK = 128
"""Rays of a program: neighbours in direction or place, which march about as far."""


def march(
    flat: Tensor, start: Tensor, offsets_RK: Tensor, rays_3R: Tensor, strides: tuple[int, int, int]
) -> Tensor:
    """Return the distances ``(P, R)`` of the voxels at ``start`` of the padded, flattened labels.

    0 for those in the background.
    """
    num_rays, num_steps = offsets_RK.shape
    out = torch.empty((len(start), num_rays), device=flat.device)
    with torch.cuda.device_of(flat):
        _march[(triton.cdiv(out.numel(), _BLOCK),)](
            flat,
            start,
            offsets_RK,
            rays_3R,
            out,
            out.numel(),
            num_rays,
            num_steps,
            *strides[:2],
            BLOCK=_BLOCK,
        )
    return out


@triton.jit
def _share(flat, start, value, live, dz, dy, dx, t, stride_z, stride_y):
    """Return the trilinear share of the value at distance ``t`` along each ray."""
    z, y, x = t * dz, t * dy, t * dx
    fz, fy, fx = tl.floor(z), tl.floor(y), tl.floor(x)
    at = start + fz.to(tl.int64) * stride_z + fy.to(tl.int64) * stride_y + fx.to(tl.int64)
    near = _plane(flat, at, value, live, y - fy, x - fx, stride_y)
    far = _plane(flat, at + stride_z, value, live, y - fy, x - fx, stride_y)
    return near + (z - fz) * (far - near)


@triton.jit
def _plane(flat, at, value, live, wy, wx, stride_y):
    """Interpolate between four voxels of a plane."""
    upper = _line(flat, at, value, live, wx)
    lower = _line(flat, at + stride_y, value, live, wx)
    return upper + wy * (lower - upper)


@triton.jit
def _line(flat, at, value, live, wx):
    """Interpolate between two voxels."""
    low = (tl.load(flat + at, mask=live, other=-1) == value).to(tl.float32)
    high = (tl.load(flat + at + 1, mask=live, other=-1) == value).to(tl.float32)
    return (1 - wx) * low + wx * high


@triton.jit
def _march(
    flat, start, offsets, rays, out, num, num_rays, num_steps, stride_z, stride_y, BLOCK: tl.constexpr
):  # fmt: skip
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    inside = at < num
    ray = (at % num_rays).to(tl.int32)
    begin = tl.load(start + at // num_rays, mask=inside, other=0)
    value = tl.load(flat + begin, mask=inside, other=0)
    live = inside & (value > 0)
    dz, dy, dx = tl.load(rays + ray), tl.load(rays + num_rays + ray), tl.load(rays + 2 * num_rays + ray)

    marching = live
    taken = tl.full([BLOCK], 0.0, tl.float32)
    step = 0
    while (step < num_steps) & (tl.max(marching.to(tl.int32), axis=0) > 0):
        offset = tl.load(offsets + ray * num_steps + step)
        marching = marching & (tl.load(flat + begin + offset, mask=marching, other=0) == value)
        taken += marching.to(tl.float32)
        step += 1

    near = taken + 0.5
    f_near = _share(flat, begin, value, live, dz, dy, dx, near, stride_z, stride_y)
    far = tl.where(f_near >= 0.5, near + 1, tl.maximum(near - 1, 0.0))
    f_far = _share(flat, begin, value, live, dz, dy, dx, far, stride_z, stride_y)
    # Inside at both ends: outwards. Outside at both: inwards, to 0 at the latest, where the share is 1.
    move = tl.where(f_far >= 0.5, 0.5, -0.5)
    loose = live & ((f_near >= 0.5) == (f_far >= 0.5))
    while tl.max(loose.to(tl.int32), axis=0) > 0:
        t = tl.maximum(far + move, 0.0)
        f = _share(flat, begin, value, loose, dz, dy, dx, t, stride_z, stride_y)
        near, f_near = tl.where(loose, far, near), tl.where(loose, f_far, f_near)
        far, f_far = tl.where(loose, t, far), tl.where(loose, f, f_far)
        loose = loose & ((f_near >= 0.5) == (f_far >= 0.5))

    found = near + (far - near) * (f_near - 0.5) / tl.where(live, f_near - f_far, 1.0)
    f = _share(flat, begin, value, live, dz, dy, dx, found, stride_z, stride_y)
    use_far = (f >= 0.5) == (f_near >= 0.5)
    end, f_end = tl.where(use_far, far, near), tl.where(use_far, f_far, f_near)
    found += (end - found) * (f - 0.5) / tl.where(live, f - f_end, 1.0)
    tl.store(out + at, tl.where(live, found, 0.0), mask=inside)
