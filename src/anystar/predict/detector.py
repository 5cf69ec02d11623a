"""The network over a prepared image, tile by tile: candidate polyhedra, sparse from the start.

A gamma or smoothing may show objects more clearly, but it moves their edges. So an adjusted image gives only
the probabilities of the candidates. Their distances come from the image as it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Protocol, cast

import torch
from torch import Tensor

from anystar.box import triple
from anystar.geometry.rays import Rays, golden_spiral
from anystar.nn.device import fast_bfloat16
from anystar.nn.model import Prediction, StarNet
from anystar.predict.candidates import Candidates
from anystar.predict.notes import Note
from anystar.predict.tiling import Axes, Tile, TileConfig, iter_tiles, plan_tiles, split_tile
from anystar.predict.tta import FLIPS, predict_averaged
from anystar.preprocess import PreparedImage, Preprocessing
from anystar.preprocess.arrays import ArrayLike, Box, Shape, Vec, within
from anystar.preprocess.resample import ResampledImage
from anystar.runtime.progress import Progress

__all__ = ["Detector", "TileDetector"]

_SMALLER = "the device's memory did not suffice; the network saw smaller tiles, which takes longer"

_Setting = tuple[Preprocessing, Vec, float, bool, bool]
"""Preprocessing, zoom, floor, whether predictions are averaged, and whether the plain image is measured."""


class TileDetector(Protocol):
    """Finds candidates tile by tile, in this process or another; :class:`Detector` is one."""

    @property
    def device(self) -> torch.device:
        """Device that computes."""

    @property
    def num_rays(self) -> int:
        """Rays of the polyhedra."""

    def tiles(self, shape: Shape) -> Axes:
        """Return the tiles of a resampled volume of ``shape``."""

    def detect_tile(self, image: ResampledImage, tile: Tile, *, floor: float, tta: bool) -> Candidates:
        """Return the candidates of one tile, lengths in voxels of ``image``."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Detector:
    """A network on its device.

    It remembers what it found last in a whole image: a search that ends with all of the image need not run
    the network again.
    """

    network: StarNet
    """In evaluation mode, on the device."""
    device: torch.device
    tiling: TileConfig = TileConfig()
    _last: list[tuple[ArrayLike, _Setting, Candidates]] = field(default_factory=list, init=False, repr=False)
    """The last candidates of a whole image, one set for each of two passes, and how they were found."""

    @property
    def num_rays(self) -> int:
        """Rays of the polyhedra."""
        return self.network.config.num_rays

    @property
    def rays(self) -> Rays:
        """Directions of the distances."""
        return golden_spiral(self.num_rays)

    def tiles(self, shape: Shape) -> Axes:
        """Return the tiles of a resampled volume of ``shape``."""
        config = self.network.config
        return plan_tiles(shape, grid=config.grid, divisor=config.divisor, config=self.tiling)

    def detect(
        self,
        prepared: PreparedImage,
        zoom: Vec,
        *,
        floor: float,
        tta: bool = False,
        measure: bool = True,
        remember_as: PreparedImage | None = None,
        progress: Progress | None = None,
    ) -> Candidates:
        """Return the candidates of an image that is resampled, with lengths in voxels that the network sees.

        Parameters
        ----------
        zoom : three floats
            Voxels that the network sees per voxel of the image, along Z, Y, X.
        floor : float
            Lowest probability of a candidate.
        tta : bool
            Average the predictions over mirror images.
        measure : bool
            Whether distances come from the image without gamma and smoothing, which takes twice the time.
        remember_as : PreparedImage, optional
            The image of which this is a copy of all: keep the result, and return it at once when that image
            is given with the same arguments.
        """
        setting = (prepared.settings, zoom, floor, tta, measure)
        for remembered, how, found in self._last:
            if remembered is prepared.image and how == setting:
                return found
        image = ResampledImage(prepared=prepared, zoom=zoom, device=self.device)
        tiles = list(iter_tiles(self.tiles(image.shape)))
        parts = []
        for done, tile in enumerate(tiles):
            if progress is not None:
                progress(done, len(tiles), "network")
            parts.append(self.detect_tile(image, tile, floor=floor, tta=tta, measure=measure))
        if progress is not None:
            progress(len(tiles), len(tiles), "network")
        found = Candidates.joined(parts)
        if remember_as is not None:
            self._last[:] = [*self._last[-1:], (remember_as.image, setting, found)]
        return found

    def detect_tile(
        self, image: ResampledImage, tile: Tile, *, floor: float, tta: bool = False, measure: bool = True
    ) -> Candidates:
        """Return the candidates of one tile, lengths in voxels of ``image``; none where it is constant.

        If the device's memory does not suffice, the tile is split in halves, these again, and so on; a note
        says so. That changes nothing as far as the halo covers the network's field of view.
        """
        try:
            return self._detect_tile(image, tile, floor, tta, measure)
        except torch.OutOfMemoryError:
            parts = split_tile(tile, halo=self.tiling.halo, divisor=self.network.config.divisor)
            if not parts:
                raise
        if image.device.type == "cuda":
            torch.cuda.empty_cache()
        found = Candidates.joined(
            [self.detect_tile(image, part, floor=floor, tta=tta, measure=measure) for part in parts]
        )
        return replace(found, notes=(Note("memory", _SMALLER),))

    @torch.inference_mode()
    def _detect_tile(
        self, image: ResampledImage, tile: Tile, floor: float, tta: bool, measure: bool
    ) -> Candidates:
        grid = self.network.config.grid
        read = image.read(tile.read)
        if read is None:
            return Candidates.none(self.rays, floor)
        core = triple(slice(s.start // grid, -(-s.stop // grid)) for s in within(tile.core, tile.read))
        prediction = self._predict(read, core, tta, floor=floor)
        assert prediction.points_P4 is not None
        at = prediction.points_P4[:, 1:]
        prob = prediction.logits[0, 0][at[:, 0], at[:, 1], at[:, 2]].float().sigmoid()
        if measure and image.prepared.settings.adjusted and len(at):
            plain = replace(image, prepared=image.prepared.adjusted()).read(tile.read)
            if plain is not None:
                prediction = self._predict(plain, core, tta, points_P4=prediction.points_P4)
        points = at.float() * grid + torch.tensor([own.start for own in tile.core], device=at.device)
        found = Candidates(
            points=points.cpu().numpy(),
            prob=prob.cpu().numpy(),
            distances=prediction.distances.float().clamp_min(0.1).cpu().numpy(),
            rays=self.rays,
            floor=floor,
        )
        data = image.holds_data(found.points)
        return found if data.all() else found.take(data)

    def _predict(
        self,
        read: Tensor,
        core: Box,
        tta: bool,
        *,
        floor: float | None = None,
        points_P4: Tensor | None = None,
    ) -> Prediction:
        """Return the prediction with distances at given points, or at those of at least a probability."""
        read = read.contiguous(memory_format=torch.channels_last_3d)
        with torch.autocast(read.device.type, torch.bfloat16, enabled=fast_bfloat16(self.device)):
            if not tta:
                return cast(Prediction, self.network(read, core, floor=floor, points_P4=points_P4))
            averaged = predict_averaged(self.network, read, FLIPS, core)
        if points_P4 is not None:
            return averaged.at(points_P4)
        assert floor is not None
        return averaged.above(floor)
