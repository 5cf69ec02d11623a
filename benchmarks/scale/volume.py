"""A volume as large as wanted, written box by box, and a network that knows what is in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import zarr

from anystar.geometry.polyhedra import Polyhedra
from anystar.geometry.rasterise import rasterise
from anystar.geometry.rays import golden_spiral
from anystar.predict.candidates import Candidates
from anystar.predict.tiling import TileConfig, plan_tiles
from anystar.train.config import small_config

RAYS = golden_spiral(96)
PITCH = 37.0
"""Voxels between objects: about 20,000 of them in a gigavoxel, an eighth of its volume."""
RADIUS = (9.0, 14.0)


def ground_truth(size: int, cell: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return centre and distances of the object of one cell of a grid; the same for whoever asks."""
    rng = np.random.default_rng([7, *cell])
    centre = (np.array(cell) + 0.5) * PITCH + rng.uniform(-5, 5, 3)
    waves = RAYS.vertices @ rng.normal(0, 1.5, (3, 4)) + rng.uniform(0, 6, 4)
    return centre, (rng.uniform(*RADIUS) * (1 + 0.15 * np.sin(waves).mean(1))).astype(np.float32)


def cells(size: int, low: np.ndarray, high: np.ndarray) -> list[tuple[int, int, int]]:
    """Return the cells whose objects may have their centre in a box."""
    step, most = PITCH, int(size // PITCH)
    first = np.floor((np.asarray(low) - 5) / step - 0.5).clip(0).astype(int)
    last = np.ceil((np.asarray(high) + 5) / step + 0.5).clip(0, most).astype(int)
    ranges = [range(a, b) for a, b in zip(first, last, strict=True)]
    return [(z, y, x) for z in ranges[0] for y in ranges[1] for x in ranges[2]]


def write_volume(path: Path, size: int, *, box: int = 256) -> int:
    """Write a uint16 OME-Zarr of noisy bright bodies on a noisy ground; return how many bodies."""
    group = zarr.open_group(path, mode="w", zarr_format=2)
    array = group.create_array("0", shape=(size,) * 3, chunks=(64,) * 3, dtype="uint16")
    axes = [{"name": a, "type": "space", "unit": "micrometer"} for a in "zyx"]
    scale = [{"type": "scale", "scale": [1.0, 1.0, 1.0]}]
    group.attrs["multiscales"] = [
        {"version": "0.4", "axes": axes, "datasets": [{"path": "0", "coordinateTransformations": scale}]}
    ]
    for corner in np.ndindex(*(-(-size // box),) * 3):
        start = np.array(corner) * box
        shape = np.minimum(box, size - start)
        bodies = [ground_truth(size, c) for c in cells(size, start - 20, start + shape + 20)]
        points, distances = (np.array(column) for column in zip(*bodies, strict=True))
        z, y, x = (int(n) for n in shape)
        labels = rasterise(Polyhedra(points, distances, RAYS), (z, y, x), start=tuple(int(s) for s in start))
        noise = np.random.default_rng([8, *corner]).integers(0, 64, (z, y, x), np.uint16)
        noise += (labels > 0) * np.uint16(400) + np.uint16(100)
        array[tuple(slice(s, s + n) for s, n in zip(start, shape, strict=True))] = noise
    return int(size // PITCH) ** 3


@dataclass(frozen=True)
class Truthful:
    """A stub of a network: about as many candidates per object as a real one gives, from the ground truth."""

    size: int
    num_rays: int = 96
    each: int = 50

    device = torch.device("cpu")

    def tiles(self, shape):
        """Cut as the default model does."""
        network = small_config().network
        return plan_tiles(shape, grid=network.grid, divisor=network.divisor, config=TileConfig())

    def detect_tile(self, image, tile, *, floor, tta):
        """Read and prepare the tile as for a network, and return the candidates whose points it owns."""
        image.read(tile.read)
        low, high = (np.array([getattr(s, end) for s in tile.core]) for end in ("start", "stop"))
        points, prob, distances = [], [], []
        for cell in cells(self.size, low - 6, high + 6):
            centre, body = ground_truth(self.size, cell)
            rng = np.random.default_rng([9, *cell])
            shift = rng.normal(0, 1.5, (self.each, 3))
            at = np.unique(np.rint((centre + shift) / 2) * 2, axis=0)
            away = np.linalg.norm(at - centre, axis=1)
            own = ((at >= low) & (at < high)).all(1)
            wobble = rng.uniform(0.95, 1.05, (len(at), 1)).astype(np.float32)
            points.append(at[own])
            prob.append((0.95 * np.exp(-((away / 8) ** 2)))[own])
            distances.append((body[None] * wobble)[own])
        if not points:
            return Candidates.none(RAYS, floor)
        return Candidates(
            points=np.concatenate(points).astype(np.float32),
            prob=np.concatenate(prob).astype(np.float32),
            distances=np.concatenate(distances),
            rays=RAYS,
            floor=floor,
        )
