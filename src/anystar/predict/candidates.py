"""From a prepared volume to candidate polyhedra, sparse from the start."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from anystar.nn.model import StarNet
from anystar.predict.tiles import Tile, tiles
from anystar.separable import resample_matrix

__all__ = ["Candidates", "find_candidates", "resample"]

_HALO = 32
_TILE_VOXELS = {1: 96**3, 2: 192**3}
"""Voxels that the network sees at once, by grid: about 1.5 GB of features."""

ProgressCallback = Callable[[int, int, str], None]


@dataclass(frozen=True, kw_only=True)
class Candidates:
    """Polyhedra that may be objects.

    Lengths are in voxels of the finest axis of the input, as if all axes were that fine: the space in which
    bodies have their shape, whatever the input's anisotropy and the scale that the network saw.
    """

    points: np.ndarray
    """Centres, float32, shape ``(N, 3)``."""
    prob: np.ndarray
    """Object probability, float32, shape ``(N,)``."""
    distances: np.ndarray
    """Star distances, float32, shape ``(N, R)``."""
    floor: float
    """Candidates of a lower probability were not kept."""

    def __len__(self) -> int:
        return len(self.prob)

    @classmethod
    def none(cls, num_rays: int, floor: float) -> Candidates:
        """Return an empty set."""
        empty = np.zeros((0, 3 + num_rays), np.float32)
        return cls(points=empty[:, :3], prob=empty[:, 0], distances=empty[:, 3:], floor=floor)

    def scaled(self, factor: float) -> Candidates:
        """Return the same bodies on a lattice whose voxels are ``1 / factor`` times as long."""
        points, distances = (self.points + 0.5) * factor - 0.5, self.distances * factor
        return replace(self, points=points, distances=distances)


def resample(image: np.ndarray, zoom: tuple[float, float, float], device: torch.device) -> Tensor:
    """Return ``image`` magnified by ``zoom`` as a tensor ``(1, 1, Z, Y, X)`` on ``device``."""
    volume = torch.from_numpy(np.ascontiguousarray(image, dtype=np.float32)).to(device)[None, None]
    for axis, (num, factor) in enumerate(zip(image.shape, zoom, strict=True)):
        if round(num * factor) == num and abs(factor - 1) < 1e-3:
            continue
        matrix = resample_matrix(num, factor, device)[0]
        volume = torch.movedim(torch.movedim(volume, 2 + axis, -1) @ matrix.T, -1, 2 + axis)
    return volume.contiguous()


@torch.inference_mode()
def find_candidates(
    network: StarNet,
    volume: Tensor,
    *,
    floor: float,
    bfloat16: bool,
    progress: ProgressCallback | None = None,
) -> Candidates:
    """Run the network over ``volume`` in tiles and keep the grid points of at least ``floor`` probability.

    Parameters
    ----------
    network : StarNet
        In evaluation mode, on the volume's device.
    volume : tensor, shape ``(1, 1, Z, Y, X)``
        Normalised, objects of the size that the network knows.
    floor : float
        Least probability of a candidate.
    bfloat16 : bool
        Compute in bfloat16 where the device is faster at it.
    progress : callable, optional
        Called as ``progress(tiles done, tiles in all, "network")``.

    Returns
    -------
    Candidates
        In voxels of ``volume``.
    """
    config = network.config
    z, y, x = volume.shape[2:]
    pad = [-n % config.divisor for n in (z, y, x)]
    padded = torch.nn.functional.pad(volume, (0, pad[2], 0, pad[1], 0, pad[0]), mode="replicate")
    core = round(_TILE_VOXELS[config.grid] ** (1 / 3)) - 2 * _HALO
    shape = (z + pad[0], y + pad[1], x + pad[2])
    plan = list(tiles(shape, core=core, halo=_HALO, divisor=config.divisor))
    parts = []
    for done, tile in enumerate(plan):
        if progress is not None:
            progress(done, len(plan), "network")
        parts.append(_tile_candidates(network, padded, tile, (z, y, x), floor, bfloat16))
    if progress is not None:
        progress(len(plan), len(plan), "network")
    points, prob, distances = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Candidates(points=points, prob=prob, distances=distances, floor=floor)


def _tile_candidates(
    network: StarNet, padded: Tensor, tile: Tile, shape: tuple[int, int, int], floor: float, bfloat16: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    grid = network.config.grid
    seen = padded[(slice(None), slice(None), *tile.read)].contiguous(memory_format=torch.channels_last_3d)
    with torch.autocast(seen.device.type, torch.bfloat16, enabled=bfloat16):
        prediction = network(seen)
    core, offset = [], []
    for read, own, num in zip(tile.read, tile.core, shape, strict=True):
        start, stop = own.start, min(own.stop, num)
        core.append(slice((start - read.start) // grid, -(-(stop - read.start) // grid)))
        offset.append(start)
    prob = prediction.logits[0, 0][tuple(core)].float().sigmoid()
    at = (prob >= floor).nonzero()
    distances = prediction.distances[0][(slice(None), *core)][:, at[:, 0], at[:, 1], at[:, 2]]
    points = at.float() * grid + torch.tensor(offset, device=at.device)
    chosen = prob[at[:, 0], at[:, 1], at[:, 2]]
    return points.cpu().numpy(), chosen.cpu().numpy(), distances.T.float().clamp_min(0.1).cpu().numpy()
