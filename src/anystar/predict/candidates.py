"""From a prepared volume to candidate polyhedra, sparse from the start."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from anystar.nn.model import NetworkConfig, StarNet
from anystar.predict.flips import FLIPS, predict_flipped
from anystar.predict.tiles import Axes, Tile, cheapest, halves, product, tile_axes
from anystar.preprocess.resample import ResampledImage

__all__ = ["Candidates", "find_candidates", "plan_tiles", "tile_candidates"]

_HALO = 32
_MARGIN = 4
_POINTS = 525_000
"""Points of the network's grid whose features are made at once: up to 1.3 GB of them."""
_REACH = 4
"""Points around a tile's own whose finest features it takes to predict them."""
_WAY_DOWN = 0.3
"""Of the network's work, what is done for all that a tile sees."""

_SMALLER = "the device's memory did not suffice; the network saw smaller tiles, which takes longer"

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
    notes: tuple[str, ...] = ()
    """Remarks for the user, a line each."""

    def __len__(self) -> int:
        return len(self.prob)

    @classmethod
    def none(cls, num_rays: int, floor: float) -> Candidates:
        """Return an empty set."""
        empty = np.zeros((0, 3 + num_rays), np.float32)
        return cls(points=empty[:, :3], prob=empty[:, 0], distances=empty[:, 3:], floor=floor)

    @classmethod
    def joined(cls, parts: Sequence[Candidates]) -> Candidates:
        """Return the candidates of at least one part together."""
        points, prob, distances = (
            np.concatenate(column)
            for column in zip(*((p.points, p.prob, p.distances) for p in parts), strict=True)
        )
        notes = tuple(dict.fromkeys(note for part in parts for note in part.notes))
        return cls(points=points, prob=prob, distances=distances, floor=parts[0].floor, notes=notes)

    def scaled(self, factor: float) -> Candidates:
        """Return the same bodies on a lattice whose voxels are ``1 / factor`` times as long."""
        points, distances = (self.points + 0.5) * factor - 0.5, self.distances * factor
        return replace(self, points=points, distances=distances)

    def take(self, rows: np.ndarray) -> Candidates:
        """Return the rows of a mask or of indices."""
        points, prob, distances = self.points[rows], self.prob[rows], self.distances[rows]
        return replace(self, points=points, prob=prob, distances=distances)


def plan_tiles(config: NetworkConfig, shape: tuple[int, int, int]) -> Axes:
    """Return the tiles of a volume of ``shape`` on the network's lattice: always the same for a shape.

    They reach a little beyond the volume, so that objects at its border are not seen as cut by it: on
    ``benchmarks/models`` that is worth 0.02 in accuracy at IoU 0.5 and 0.04 in its mean over thresholds.
    """
    grid, divisor = config.grid, config.divisor
    margin = -(-_MARGIN // grid) * grid
    z, y, x = (-(-(n + 2 * margin) // divisor) * divisor for n in shape)
    core = cheapest(
        (z, y, x), halo=_HALO, reach=_REACH * grid, divisor=divisor, most=_POINTS * grid**3, share=_WAY_DOWN
    )
    return tile_axes((z, y, x), core=core, halo=_HALO, divisor=divisor, margin=margin, inside=shape)


def find_candidates(
    network: StarNet,
    view: ResampledImage,
    *,
    floor: float,
    bfloat16: bool,
    tta: bool = False,
    progress: ProgressCallback | None = None,
) -> Candidates:
    """Run the network over ``view`` in tiles and keep the grid points of at least ``floor`` probability.

    Parameters
    ----------
    network : StarNet
        In evaluation mode, on the view's device.
    view : ResampledImage
        Normalised, objects of the size that the network knows.
    floor : float
        Least probability of a candidate.
    bfloat16 : bool
        Compute in bfloat16 where the device is faster at it.
    tta : bool
        Average over mirror images.
    progress : callable, optional
        Called as ``progress(tiles done, tiles in all, "network")``.

    Returns
    -------
    Candidates
        In voxels of ``view``.
    """
    plan = list(product(plan_tiles(network.config, view.shape)))
    parts = []
    for done, tile in enumerate(plan):
        if progress is not None:
            progress(done, len(plan), "network")
        parts.append(tile_candidates(network, view, tile, floor=floor, bfloat16=bfloat16, tta=tta))
    if progress is not None:
        progress(len(plan), len(plan), "network")
    return Candidates.joined(parts)


def tile_candidates(
    network: StarNet, view: ResampledImage, tile: Tile, *, floor: float, bfloat16: bool, tta: bool = False
) -> Candidates:
    """Return the candidates of one of the tiles of :func:`plan_tiles`; none where the image is constant.

    If the device's memory does not suffice, half a tile is seen at a time, or a quarter, and so on; a note
    says so. That changes nothing as far as the halo covers the network's field of view.
    """
    try:
        return _tile_candidates(network, view, tile, floor, bfloat16, tta)
    except torch.OutOfMemoryError:
        parts = halves(tile, halo=_HALO, divisor=network.config.divisor)
        if not parts:
            raise
    if view.device.type == "cuda":
        torch.cuda.empty_cache()
    found = Candidates.joined(
        [tile_candidates(network, view, part, floor=floor, bfloat16=bfloat16, tta=tta) for part in parts]
    )
    return replace(found, notes=(_SMALLER,))


@torch.inference_mode()
def _tile_candidates(
    network: StarNet, view: ResampledImage, tile: Tile, floor: float, bfloat16: bool, tta: bool
) -> Candidates:
    grid = network.config.grid
    seen = view.read(tile.read)
    if seen is None:
        return Candidates.none(network.config.num_rays, floor)
    seen = seen.contiguous(memory_format=torch.channels_last_3d)
    z, y, x = (
        slice((own.start - read.start) // grid, -(-(own.stop - read.start) // grid))
        for read, own in zip(tile.read, tile.core, strict=True)
    )
    core = (z, y, x)
    with torch.autocast(seen.device.type, torch.bfloat16, enabled=bfloat16):
        prediction = predict_flipped(network, seen, FLIPS, core) if tta else network(seen, core)
    prob = prediction.logits[0, 0].float().sigmoid()
    at = (prob >= floor).nonzero()
    distances = prediction.distances[0][:, at[:, 0], at[:, 1], at[:, 2]]
    points = at.float() * grid + torch.tensor([own.start for own in tile.core], device=at.device)
    chosen = prob[at[:, 0], at[:, 1], at[:, 2]]
    found = Candidates(
        points=points.cpu().numpy(),
        prob=chosen.cpu().numpy(),
        distances=distances.T.float().clamp_min(0.1).cpu().numpy(),
        floor=floor,
    )
    data = view.holds_data(found.points)
    return found if data.all() else found.take(data)
