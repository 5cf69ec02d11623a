"""The generator's inner loops on CPUs, compiled.

Every function here has a twin in torch beside its caller, which runs on all other devices and says what is
computed; the tests hold the two together. A point costs a few nanoseconds here and a few passes over memory
there. Kernels release the interpreter's lock, and the number of threads is torch's.

Legend: B batch, C channel, P points, N objects, G cells of a sample's search grid.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from anystar.geometry.threads import run_chunks
from anystar.runtime.compiled import kernel

__all__ = ["FAR", "bend", "is_compiled", "largest", "owners", "place", "read", "search_cells"]

_ONE, _ZERO = np.float32(1), np.float32(0)
_CHUNK = 2**14
FAR = 1000.0
"""Depth, but for its sign, of what no object can reach."""


def is_compiled(tensor: Tensor) -> bool:
    """Return whether work on ``tensor`` is done here."""
    return tensor.device.type == "cpu"


def _each(work: Any, num_points: int) -> None:
    run_chunks(work, num_points, num_threads=torch.get_num_threads(), min_chunk=_CHUNK)


def read(field: Tensor, coords: Tensor, *, zeros: bool) -> Tensor:
    """Read ``field`` ``(B, C, I, J, K)`` at ``coords`` ``(B, Z, Y, X, 3)``, see :func:`fields.sample`.

    Coordinates that a batch shares (expanded, with a stride of 0) are not copied.
    """
    b, shape = field.shape[0], coords.shape[1:4]
    shared = b > 1 and coords.stride(0) == 0
    points = (coords[:1] if shared else coords).reshape(1 if shared else b, -1, 3).contiguous().numpy()
    values, num = field.detach().contiguous().numpy(), points.shape[1]
    out = np.empty((b, field.shape[1], num), np.float32)
    for row in range(b):
        at = points[0 if shared else row]
        _each(lambda i, j, row=row, at=at: _read(values[row], at, zeros, out[row], i, j), num)
    return torch.from_numpy(out).view(b, field.shape[1], *shape)


@kernel(forceinline=True)
def _axis(at: Any, num: int, zeros: bool) -> Any:
    """Return the two nodes around a coordinate and their weights."""
    if not zeros:
        at = min(max(at, _ZERO), np.float32(num - 1))
    floor = np.floor(at)
    first = int(floor)
    right = np.float32(at - floor)
    left = _ONE - right
    second = first + 1
    if first < 0 or first >= num:
        first, left = 0, _ZERO
    if second < 0 or second >= num:
        second, right = 0, _ZERO
    return first, second, left, right


@kernel(forceinline=True)
def _at(field: Any, c: int, z: Any, y: Any, x: Any) -> Any:
    """Interpolate between the eight nodes around a point."""
    z0, z1, wz0, wz1 = z
    y0, y1, wy0, wy1 = y
    x0, x1, wx0, wx1 = x
    near = wy0 * (wx0 * field[c, z0, y0, x0] + wx1 * field[c, z0, y0, x1]) + wy1 * (
        wx0 * field[c, z0, y1, x0] + wx1 * field[c, z0, y1, x1]
    )
    far = wy0 * (wx0 * field[c, z1, y0, x0] + wx1 * field[c, z1, y0, x1]) + wy1 * (
        wx0 * field[c, z1, y1, x0] + wx1 * field[c, z1, y1, x1]
    )
    return wz0 * near + wz1 * far


@kernel()
def _read(field: Any, points: Any, zeros: bool, out: Any, start: int, stop: int) -> None:
    num_channels, nz, ny, nx = field.shape
    for p in range(start, stop):
        z = _axis(points[p, 0], nz, zeros)
        y = _axis(points[p, 1], ny, zeros)
        x = _axis(points[p, 2], nx, zeros)
        for c in range(num_channels):
            out[c, p] = _at(field, c, z, y, x)


def largest(values: Tensor, shape: Sequence[int]) -> Tensor:
    """Return which channel of ``(C, I, J, K)`` is the largest after linear upsampling to ``shape``.

    Where the nodes around a voxel have the same largest channel, it is that one; elsewhere all are tried.
    """
    nodes = values.detach().movedim(0, -1).contiguous().numpy()  # what a voxel reads lies side by side
    first = nodes.argmax(-1)
    out = torch.empty(tuple(shape), dtype=torch.int64)
    planes, filled = max(1, _CHUNK // (shape[1] * shape[2])), out.numpy()
    run_chunks(
        lambda i, j: _largest(nodes, first, filled, i, j),
        shape[0],
        num_threads=torch.get_num_threads(),
        min_chunk=planes,
    )
    return out


@kernel()
def _largest(nodes: Any, first: Any, out: Any, start: int, stop: int) -> None:
    ni, nj, nk, num_channels = nodes.shape
    _, ny, nx = out.shape
    sz = (ni - 1) / max(out.shape[0] - 1, 1)
    sy, sx = (nj - 1) / max(ny - 1, 1), (nk - 1) / max(nx - 1, 1)
    along = [_axis(np.float32(k * sx), nk, False) for k in range(nx)]
    same = np.empty(nk, np.int64)  # what the four nodes around a row agree on, -1 for nothing
    for i in range(start, stop):
        z = _axis(np.float32(i * sz), ni, False)
        for j in range(ny):
            y = _axis(np.float32(j * sy), nj, False)
            for k in range(nk):
                one = first[z[0], y[0], k]
                agreed = one == first[z[0], y[1], k] == first[z[1], y[0], k] == first[z[1], y[1], k]
                same[k] = one if agreed else -1
            for k in range(nx):
                x = along[k]
                one = same[x[0]]
                if one < 0 or one != same[x[1]]:
                    best = -np.float32(np.inf)
                    for c in range(num_channels):
                        near = x[2] * nodes[z[0], y[0], x[0], c] + x[3] * nodes[z[0], y[0], x[1], c]
                        right = x[2] * nodes[z[0], y[1], x[0], c] + x[3] * nodes[z[0], y[1], x[1], c]
                        far = x[2] * nodes[z[1], y[0], x[0], c] + x[3] * nodes[z[1], y[0], x[1], c]
                        last = x[2] * nodes[z[1], y[1], x[0], c] + x[3] * nodes[z[1], y[1], x[1], c]
                        value = z[2] * (y[2] * near + y[3] * right) + z[3] * (y[2] * far + y[3] * last)
                        if value > best:
                            best, one = value, c
                out[i, j, k] = one


def place(
    matrix_33: np.ndarray,
    offset_3: np.ndarray,
    factor_3: np.ndarray,
    shift_3: np.ndarray,
    last: int,
    mirrored: bool,
    points: Tensor,
    scaled: Tensor,
    world: Tensor,
    cell: Tensor,
    inside: Tensor,
) -> None:
    """Fill the last four for one sample of :func:`anystar.synth.deform.world_coords`."""
    flat = points.reshape(-1, 3).contiguous().numpy()
    parts = [t.view(-1, 3).numpy() for t in (scaled, world)] + [t.view(-1).numpy() for t in (cell, inside)]
    arrays = (matrix_33, offset_3, factor_3, shift_3)
    _each(lambda i, j: _place(*arrays, last, mirrored, flat, *parts, i, j), len(flat))


@kernel(forceinline=True)
def _fold(at: Any, last: Any) -> Any:
    cell = np.floor(at * np.float32((1 - 1e-6) / last))
    folded = abs(at - np.float32(2) * np.floor((cell + _ONE) * np.float32(0.5)) * np.float32(last))
    return folded, cell


@kernel()
def _place(
    matrix: Any,
    offset: Any,
    factor: Any,
    shift: Any,
    last: int,
    mirrored: bool,
    points: Any,
    scaled: Any,
    world: Any,
    cell: Any,
    inside: Any,
    start: int,
    stop: int,
) -> None:
    half, reach = np.float32(last / 2), np.float32(last / 2 + 0.5)
    for p in range(start, stop):
        z, y, x = points[p, 0], points[p, 1], points[p, 2]
        number, there = np.int64(0), True
        for a in range(3):
            at = matrix[a, 0] * z + matrix[a, 1] * y + matrix[a, 2] * x + offset[a]
            folded, outer = _fold(at, last)
            scaled[p, a] = folded
            padded = shift[a] + folded * factor[a]
            there = there and (mirrored or abs(padded - half) <= reach)
            world[p, a], inner = _fold(padded, last)
            there = there and abs(outer) <= 1 and abs(inner) <= 1
            outer, inner = min(max(outer, -_ONE), _ONE), min(max(inner, -_ONE), _ONE)
            number = number * 9 + np.int64(outer * 3 + inner + 4)
        cell[p], inside[p] = number, there


def bend(
    matrix_33: np.ndarray, displacement_3ZYX: Tensor, coords_ZYX3: Tensor, on_lattice_ZYX: Tensor
) -> None:
    """Fill the last two for one sample of :func:`anystar.synth.deform.bend_coords`."""
    shape = coords_ZYX3.shape[:3]
    moved = displacement_3ZYX.contiguous().numpy()
    parts = (coords_ZYX3.numpy(), on_lattice_ZYX.numpy())
    planes = max(1, _CHUNK // (shape[1] * shape[2]))

    def work(start: int, stop: int) -> None:
        _bend(matrix_33, moved, *parts, start, stop)

    run_chunks(work, shape[0], num_threads=torch.get_num_threads(), min_chunk=planes)


@kernel()
def _bend(matrix: Any, moved: Any, coords: Any, there: Any, start: int, stop: int) -> None:
    _, nz, ny, nx = moved.shape
    mz, my, mx = np.float32((nz - 1) / 2), np.float32((ny - 1) / 2), np.float32((nx - 1) / 2)
    half = np.float32(0.5)
    for i in range(start, stop):
        for j in range(ny):
            for k in range(nx):
                z = np.float32(i) - mz + moved[0, i, j, k]
                y = np.float32(j) - my + moved[1, i, j, k]
                x = np.float32(k) - mx + moved[2, i, j, k]
                u = matrix[0, 0] * z + matrix[0, 1] * y + matrix[0, 2] * x
                v = matrix[1, 0] * z + matrix[1, 1] * y + matrix[1, 2] * x
                w = matrix[2, 0] * z + matrix[2, 1] * y + matrix[2, 2] * x
                coords[i, j, k, 0], coords[i, j, k, 1], coords[i, j, k, 2] = u + mz, v + my, w + mx
                there[i, j, k] = abs(u) < mz + half and abs(v) < my + half and abs(w) < mx + half


def search_cells(
    centre_N3: np.ndarray, reach_N: np.ndarray, size: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return which objects can reach each cell of a grid over all of them.

    Returns
    -------
    low : float32 array, shape ``(3,)``
        The grid's first corner.
    dims : int64 array, shape ``(3,)``
        Cells of ``size`` voxels along each axis.
    first : int64 array, shape ``(G + 1,)``
        The objects of cell ``g`` are ``rows[first[g] : first[g + 1]]``, in order.
    rows : int32 array
    """
    if not len(centre_N3):
        return np.zeros(3, np.float32), np.zeros(3, np.int64), np.zeros(1, np.int64), np.zeros(0, np.int32)
    low = (centre_N3 - reach_N[:, None]).min(0).astype(np.float32)
    high = (centre_N3 + reach_N[:, None]).max(0)
    dims = np.maximum(np.ceil((high - low) / size), 1).astype(np.int64)
    relative = (centre_N3 - low) / size
    num = np.zeros(int(dims.prod()) + 1, np.int64)
    _count_cells(relative, reach_N / size, dims, num)
    first = np.concatenate([np.zeros(1, np.int64), np.cumsum(num[:-1])])
    rows = np.empty(int(first[-1]), np.int32)
    _fill_cells(relative, reach_N / size, dims, first[:-1].copy(), rows)
    return low, dims, first, rows


@kernel(forceinline=True)
def _reaches(z: int, y: int, x: int, centre: Any, reach: float) -> bool:
    """Return whether a ball touches a unit cell (a little more, for rounding)."""
    squared = 0.0
    for near, at in ((z, centre[0]), (y, centre[1]), (x, centre[2])):
        gap = max(near - at, at - near - 1.0, 0.0)
        squared += gap * gap
    return squared <= (reach * 1.00001 + 1e-4) ** 2


@kernel(forceinline=True)
def _span(at: float, reach: float, num: int) -> tuple[int, int]:
    return max(int(np.floor(at - reach - 1e-3)), 0), min(int(np.floor(at + reach + 1e-3)) + 1, num)


@kernel()
def _count_cells(centre: Any, reach: Any, dims: Any, num: Any) -> None:
    for i in range(len(centre)):
        z0, z1 = _span(centre[i, 0], reach[i], dims[0])
        y0, y1 = _span(centre[i, 1], reach[i], dims[1])
        x0, x1 = _span(centre[i, 2], reach[i], dims[2])
        for z in range(z0, z1):
            for y in range(y0, y1):
                for x in range(x0, x1):
                    if _reaches(z, y, x, centre[i], reach[i]):
                        num[(z * dims[1] + y) * dims[2] + x] += 1


@kernel()
def _fill_cells(centre: Any, reach: Any, dims: Any, place: Any, rows: Any) -> None:
    for i in range(len(centre)):
        z0, z1 = _span(centre[i, 0], reach[i], dims[0])
        y0, y1 = _span(centre[i, 1], reach[i], dims[1])
        x0, x1 = _span(centre[i, 2], reach[i], dims[2])
        for z in range(z0, z1):
            for y in range(y0, y1):
                for x in range(x0, x1):
                    if _reaches(z, y, x, centre[i], reach[i]):
                        cell = (z * dims[1] + y) * dims[2] + x
                        rows[place[cell]] = i
                        place[cell] += 1


def owners(objects: Sequence[Any], points: Tensor, index: Tensor, depth: Tensor, wall: Tensor) -> None:
    """Fill the last three for one sample, whose tables are ``objects``, in the order below.

    The last of the tables is the length of the longest list of a cell, or 0 to leave ``wall`` alone.
    """
    flat = points.reshape(-1, 3).contiguous().numpy()
    parts = (index.view(-1).numpy(), depth.view(-1).numpy(), wall.view(-1).numpy())
    _each(lambda i, j: _owners(*objects, flat, *parts, i, j), len(flat))


@kernel()
def _owners(
    centre: Any,
    radius: Any,
    bump: Any,
    reach: Any,
    form: Any,
    low: Any,
    dims: Any,
    size: float,
    first: Any,
    rows: Any,
    noise: Any,
    origin: float,
    scale: float,
    priority: float,
    most: int,
    points: Any,
    index: Any,
    depth: Any,
    wall: Any,
    start: int,
    stop: int,
) -> None:
    each, origin32, scale32 = np.float32(1 / size), np.float32(origin), np.float32(scale)
    weight, infinity = np.float32(priority), np.float32(np.inf)
    _, nz, ny, nx = noise.shape
    round_ = len(form) == 0
    ranks, margins = np.empty(most, np.float32), np.empty(most, np.float32)
    for p in range(start, stop):
        index[p], depth[p] = -1, -FAR
        if most:
            wall[p] = _ZERO
        z, y, x = points[p, 0], points[p, 1], points[p, 2]
        i, j = int(np.floor((z - low[0]) * each)), int(np.floor((y - low[1]) * each))
        k = int(np.floor((x - low[2]) * each))
        if i < 0 or j < 0 or k < 0 or i >= dims[0] or j >= dims[1] or k >= dims[2]:
            continue
        cell = (i * dims[1] + j) * dims[2] + k
        best, value, num, winner = infinity, _ZERO, 0, -1
        for entry in range(first[cell], first[cell + 1]):
            row = rows[entry]
            dz, dy, dx = z - centre[row, 0], y - centre[row, 1], x - centre[row, 2]
            squared = dz * dz + dy * dy + dx * dx
            if squared > reach[row] * reach[row]:
                continue
            if num == 0:
                value = _at(
                    noise,
                    0,
                    _axis((z - origin32) * scale32, nz, False),
                    _axis((y - origin32) * scale32, ny, False),
                    _axis((x - origin32) * scale32, nx, False),
                )
            if not round_:
                squared = dz * (form[row, 0] * dz + form[row, 1] * dy)
                squared += dy * (form[row, 2] * dy + form[row, 3] * dx)
                squared += dx * (form[row, 4] * dx + form[row, 5] * dz)
                squared = max(squared, _ZERO)
            distance = np.sqrt(squared)
            margin = radius[row] - distance - bump[row] * value
            rank = distance - weight * radius[row]
            if margin > 0 and rank < best:
                best, winner = rank, num
                index[p], depth[p] = row, margin
            elif winner < 0 and margin > depth[p]:
                depth[p] = margin
            if most:
                ranks[num], margins[num] = rank, margin
            num += 1
        if winner < 0 or most == 0:
            continue
        nearest = depth[p]
        for other in range(num):
            if other != winner:
                nearest = min(nearest, max((ranks[other] - best) * np.float32(0.5), -margins[other]))
        wall[p] = nearest
