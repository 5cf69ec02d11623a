"""A detector that keeps the candidates of every tile: further thresholds take no run of the network."""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from anystar.blocks.checksum import write_columns
from anystar.geometry.rays import golden_spiral
from anystar.predict.candidates import Candidates
from anystar.predict.detector import TileDetector
from anystar.predict.notes import Note
from anystar.predict.tiling import Axes, Tile
from anystar.preprocess.arrays import Shape
from anystar.preprocess.resample import ResampledImage

__all__ = ["StoredDetector"]


@dataclass(frozen=True, kw_only=True)
class StoredDetector:
    """What a detector finds in the tiles of one image, each of which the network sees once.

    It may be sent to other processes that see the same folder.
    """

    detector: TileDetector
    """What runs the network."""
    folder: Path
    """Where the candidates of each tile go."""

    @property
    def device(self) -> torch.device:
        """Device that computes."""
        return self.detector.device

    @property
    def num_rays(self) -> int:
        """Rays of the polyhedra."""
        return self.detector.num_rays

    def tiles(self, shape: Shape) -> Axes:
        """Return the tiles of a resampled volume of ``shape``."""
        return self.detector.tiles(shape)

    def detect_tile(self, image: ResampledImage, tile: Tile, *, floor: float, tta: bool) -> Candidates:
        """Return the candidates of one tile, lengths in voxels of ``image``.

        The network runs if nothing was kept of the tile, or only what is above a higher floor.
        """
        name = hashlib.sha256(repr((image.prepared.settings, image.zoom, tile, tta)).encode()).hexdigest()
        path = self.folder / name[:2] / f"{name[:32]}.npz"
        found = self._stored(path)
        if found is None or found.floor > floor:
            found = self.detector.detect_tile(image, tile, floor=floor, tta=tta)
            _store(path, found)
        return replace(found.take(found.prob >= floor), floor=floor)

    def _stored(self, path: Path) -> Candidates | None:
        """Return what was stored for a tile; None if nothing was, or the file is damaged."""
        try:
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as stored:
                return Candidates(
                    points=stored["points"],
                    distances=stored["distances"],
                    prob=stored["prob"],
                    rays=golden_spiral(self.num_rays),
                    floor=float(stored["floor"]),
                    notes=tuple(Note(*note) for note in stored["notes"].tolist()),
                )
        except (FileNotFoundError, EOFError, KeyError, ValueError, zipfile.BadZipFile):
            return None


def _store(path: Path, found: Candidates) -> None:
    columns = {name: getattr(found, name) for name in ("points", "distances", "prob")}
    notes = np.array([(note.kind, note.text) for note in found.notes], str).reshape(-1, 2)
    write_columns(path, {**columns, "floor": np.asarray(found.floor), "notes": notes})
