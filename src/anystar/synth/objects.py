"""Objects as functions of space: which object owns a point, and how deep inside it lies.

Nothing is rasterised on an intermediate grid: labels are evaluated at the coordinates that the geometric
stages compute. They are never resampled, and their edges are as smooth as the lattice allows.

Legend: B batch, Z Y X space, N objects, G cells of all samples' search grids, K entries of their lists.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from anystar.runtime.gpu import kernel_for
from anystar.synth.fields import sample
from anystar.synth.kernels import FAR, is_compiled, owners, search_cells
from anystar.synth.streams import put

__all__ = ["Cells", "Owner", "SyntheticObjects", "find_owners"]


@dataclass(frozen=True, kw_only=True)
class Cells:
    """A search grid per sample: the objects that can reach each cell, so that a point tests only those."""

    low_B3: Tensor
    """The grids' first corners."""
    dims_B3: Tensor
    """Their cells along each axis; beyond them there is nothing."""
    size_B: Tensor
    """Side of a cell in voxels."""
    begin_B: Tensor
    """Where each sample's cells begin among all."""
    first_G: Tensor
    """Where each cell's list begins; the next one's beginning ends it."""
    rows_K: Tensor
    """The lists: rows of objects in their own sample, ascending."""
    most: int
    """Length of the longest list."""


@dataclass(frozen=True, kw_only=True)
class SyntheticObjects:
    """The objects of a batch; rows beyond a sample's own number have a radius of -inf.

    A point ``x`` lies inside object ``i`` if ``d_i(x) + bump_i p(x) < radius_i`` with the distance
    ``d_i(x) = |metric_i (x - centre_i)|`` (paper, section 3: Perlin-corrupted distances). Of the objects it
    lies inside, the one with the smallest ``d_i - priority * radius_i`` owns it: 0 is the nearest centre, as
    in the paper; 1 keeps a small object beside a large one whole.
    """

    centre_BN3: Tensor
    radius_BN: Tensor
    bump_BN: Tensor
    metric_BN33: Tensor | None
    reach_BN: Tensor
    """No point farther from the centre than this is inside, or so close that walls would need to know it."""
    noise_B1IJK: Tensor
    """The Perlin volume p, read at ``(x - noise_origin) * noise_scale``."""
    noise_origin: float
    noise_scale_B: Tensor
    priority: float
    cells: Cells


@dataclass(frozen=True, kw_only=True)
class Owner:
    """Which object owns each point, and how far from the surface it lies, in voxels of the world."""

    index_BZYX: Tensor
    """Row of the object, -1 for none."""
    depth_BZYX: Tensor
    """Below the owner's own surface; outside all objects minus the distance to the nearest surface, if that
    is within the reach of an object (-1000 if not)."""
    wall_BZYX: Tensor | None = None
    """From where the owner ends, be it at its own surface or at a neighbour's side; 0 outside. Exact on
    the line between the centres of equal balls, elsewhere a little less. ``None`` without ``walls``."""


def find_owners(objects: SyntheticObjects, coords_BZYX3: Tensor, *, walls: bool = False) -> Owner:
    """Return the owner and the depth at every coordinate: those of testing every object at every point."""
    if is_compiled(coords_BZYX3):
        return _find_owners_compiled(objects, coords_BZYX3, walls=walls)
    search = (
        kernel_for("anystar.synth.gpu_kernels", "owners", coords_BZYX3.device, _trial) or find_owners_in_torch
    )
    owner: Owner = search(objects, coords_BZYX3, walls=walls)
    return owner


def _trial(search: Callable[..., Owner], device: torch.device) -> str:
    """Return what a search on ``device`` does wrong, or nothing."""
    rng, num = np.random.default_rng(0), 20
    centre, radius = rng.uniform(0, 16, (num, 3)), rng.uniform(1, 5, num)
    low, dims, first, rows = search_cells(centre, 1.5 * radius, 3.0)
    cells = Cells(
        low_B3=put(low[None], device),
        dims_B3=put(dims[None], device, torch.int64),
        size_B=put([3.0], device),
        begin_B=put([0], device, torch.int64),
        first_G=put(first, device, torch.int64),
        rows_K=put(rows, device, torch.int32),
        most=int(np.diff(first).max()),
    )
    objects = SyntheticObjects(
        centre_BN3=put(centre[None], device),
        radius_BN=put(radius[None], device),
        bump_BN=put(0.3 * radius[None], device),
        metric_BN33=put(rng.normal(0, 0.1, (1, num, 3, 3)) + np.eye(3), device),
        reach_BN=put(1.5 * radius[None], device),
        noise_B1IJK=put(rng.normal(0, 0.2, (1, 1, 9, 10, 11)), device),
        noise_origin=0.0,
        noise_scale_B=put([0.5], device),
        priority=1.0,
        cells=cells,
    )
    points = put(rng.uniform(-2, 18, (1, 8, 8, 8, 3)), device)
    theirs, ours = (f(objects, points, walls=True) for f in (search, find_owners_in_torch))
    assert theirs.wall_BZYX is not None
    assert ours.wall_BZYX is not None
    same = theirs.index_BZYX == ours.index_BZYX
    if same.float().mean() < 0.99:  # rounding may give a point on a surface to either side
        return "it gives points to other objects"
    close = (theirs.depth_BZYX - ours.depth_BZYX).abs() + (theirs.wall_BZYX - ours.wall_BZYX).abs() < 1e-3
    return "" if close[same].all() else "it gives other depths"


def find_owners_in_torch(objects: SyntheticObjects, coords_BZYX3: Tensor, *, walls: bool = False) -> Owner:
    """Do :func:`find_owners` on any device, without waiting for it."""
    cells, b = objects.cells, len(coords_BZYX3)
    noise_coords = (coords_BZYX3 - objects.noise_origin) * objects.noise_scale_B.view(-1, 1, 1, 1, 1)
    noise = sample(objects.noise_B1IJK, noise_coords)[:, 0].flatten(1)
    points = coords_BZYX3.flatten(1, 3)
    at = ((points - cells.low_B3[:, None]) / cells.size_B[:, None, None]).floor().long()
    within = ((at >= 0) & (at < cells.dims_B3[:, None])).all(-1)
    z, y, x = torch.where(within[..., None], at, 0).unbind(-1)
    dims = cells.dims_B3
    cell = cells.begin_B[:, None] + (z * dims[:, 1:2] + y) * dims[:, 2:3] + x
    first = cells.first_G[cell]
    num = torch.where(within, cells.first_G[cell + 1] - first, 0)
    form = None if objects.metric_BN33 is None else objects.metric_BN33.mT @ objects.metric_BN33
    batch = torch.arange(b, device=points.device)[:, None]

    def candidate(entry: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return each point's ``entry``-th object, how deep inside it the point lies, and its rank."""
        row = cells.rows_K[(first + entry).clamp_max(len(cells.rows_K) - 1)].long()
        offset = points - objects.centre_BN3[batch, row]
        squared = offset.square().sum(-1)
        reached = (entry < num) & (squared <= objects.reach_BN[batch, row].square())
        if form is not None:
            squared = ((form[batch, row] @ offset[..., None])[..., 0] * offset).sum(-1).clamp_min(0)
        distance, size = squared.sqrt(), objects.radius_BN[batch, row]
        margin = size - distance - objects.bump_BN[batch, row] * noise
        rank = distance - objects.priority * size  # infinite for the row of a volume without objects
        return row, torch.where(reached, margin, -FAR), torch.where(reached, rank, FAR)

    best = torch.full_like(noise, torch.inf)
    index = torch.full(noise.shape, -1, device=noise.device)
    depth = torch.full_like(noise, -FAR)
    for entry in range(cells.most):
        row, margin, rank = candidate(entry)
        wins = (margin > 0) & (rank < best)
        best = torch.where(wins, rank, best)
        depth = torch.where(wins | ((index < 0) & (margin > depth)), margin, depth)
        index = torch.where(wins, row, index)
    shape = coords_BZYX3.shape[:4]
    owner = Owner(index_BZYX=index.view(shape), depth_BZYX=depth.view(shape))
    if not walls:
        return owner
    wall = depth.clamp_min(0)
    for entry in range(cells.most):
        row, margin, rank = candidate(entry)
        wall = torch.where(row == index, wall, torch.minimum(wall, torch.maximum((rank - best) / 2, -margin)))
    return replace(owner, wall_BZYX=wall.view(shape))


def _find_owners_compiled(objects: SyntheticObjects, coords_BZYX3: Tensor, *, walls: bool) -> Owner:
    shape, cells = coords_BZYX3.shape[:4], objects.cells
    index, depth = torch.empty(shape, dtype=torch.int64), torch.empty(shape)
    wall = torch.empty(shape if walls else (len(depth), 0))
    for row in range(len(coords_BZYX3)):
        if objects.metric_BN33 is None:
            form = torch.empty(0, 6)
        else:
            f = objects.metric_BN33[row].mT @ objects.metric_BN33[row]
            pairs = [(0, 0, 1), (0, 1, 2), (1, 1, 1), (1, 2, 2), (2, 2, 1), (0, 2, 2)]
            form = torch.stack([f[:, i, j] * times for i, j, times in pairs], dim=1)
        tables = (objects.centre_BN3, objects.radius_BN, objects.bump_BN, objects.reach_BN)
        begin, dims = int(cells.begin_B[row]), cells.dims_B3[row]
        first = cells.first_G[begin : begin + int(dims.prod()) + 1]
        owners(
            (
                *(table[row].contiguous().numpy() for table in tables),
                form.numpy(),
                cells.low_B3[row].numpy(),
                dims.numpy(),
                float(cells.size_B[row]),
                first.numpy(),
                cells.rows_K.numpy(),
                objects.noise_B1IJK[row].contiguous().numpy(),
                objects.noise_origin,
                float(objects.noise_scale_B[row]),
                objects.priority,
                max(cells.most, 1) if walls else 0,
            ),
            coords_BZYX3[row],
            index[row],
            depth[row],
            wall[row],
        )
    return Owner(index_BZYX=index, depth_BZYX=depth, wall_BZYX=wall if walls else None)
