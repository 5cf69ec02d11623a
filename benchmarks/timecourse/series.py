"""A BOLD-like series with known curves: cotyledons in a placenta that light up one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter, shift

__all__ = ["Phantom", "make_phantom"]

FRAMES, SHAPE = 321, (64, 80, 80)
SPACING = (3000.0, 3000.0, 3000.0)
"""Micrometres: 3 mm, as fetal BOLD series have."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Phantom:
    """What the frames are made of."""

    labels: np.ndarray
    "(Z, Y, X) int32: 20 cotyledons."
    mask: np.ndarray
    "(Z, Y, X) uint8: the placenta, larger than them."
    texture: np.ndarray
    "(Z, Y, X): still anatomy, of zero mean in each region."
    level: dict[int, np.ndarray]
    "By region (0 is the rest of the placenta, -1 the surroundings): mean intensity of each frame."
    noise: float
    "Standard deviation of the noise of a voxel."
    path: np.ndarray
    "(T, 3): voxels by which a frame has moved."

    def frames(self, *, seed: int) -> Iterator[np.ndarray]:
        """Make one frame after the other, float32."""
        rng = np.random.default_rng(seed)
        region = np.where(self.labels > 0, self.labels, np.where(self.mask > 0, 0, -1))
        index = region + 1
        for t in range(len(self.path)):
            table = np.array([self.level[k][t] for k in range(-1, max(self.level) + 1)])
            frame = table[index] * (1 + 0.1 * self.texture)
            if self.path[t].any():
                frame = shift(frame, self.path[t], order=1, mode="nearest")
            yield (frame + rng.normal(0, self.noise, frame.shape)).astype(np.float32)


def make_phantom(
    *, frames: int = FRAMES, shape: tuple[int, int, int] = SHAPE, noise: float = 0.0, drift: float = 0.0
) -> Phantom:
    """Make a placenta with 20 cotyledons; oxygen comes after a third of the frames and goes after two.

    Parameters
    ----------
    frames, shape
        Of the series.
    noise : float
        Standard deviation of a voxel, where the placenta is about 100.
    drift : float
        Voxels along Y and half as many along Z by which the last third of the frames has moved, gradually.
    """
    rng = np.random.default_rng(7)
    grid = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")
    mask = (grid[0] / 0.55) ** 2 + (grid[1] / 0.75) ** 2 + (grid[2] / 0.8) ** 2 < 1
    centres = rng.permutation(np.argwhere(mask))[:400]
    kept: list[np.ndarray] = []
    reach = 0.16 * min(shape)
    for centre in centres:
        if len(kept) < 20 and all(np.linalg.norm(centre - other) > reach for other in kept):
            kept.append(centre)
    labels = np.zeros(shape, np.int32)
    places = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1)
    for number, centre in enumerate(kept, start=1):
        labels[np.linalg.norm(places - centre, axis=-1) < 0.45 * reach] = number
    labels[~mask] = 0
    texture = gaussian_filter(rng.normal(size=shape), 2) * 6
    region = np.where(labels > 0, labels, np.where(mask, 0, -1))
    for k in np.unique(region):
        texture[region == k] -= texture[region == k].mean()
    t = np.arange(frames)
    level = {-1: np.full(frames, 30.0), 0: 90 * (1 + 0.08 * _block(t, frames, lag=10, rise=20))}
    for k in range(1, len(kept) + 1):
        gain, lag, rise = rng.uniform(0.05, 0.45), rng.uniform(0, 40), rng.uniform(5, 30)
        level[k] = rng.uniform(90, 120) * (1 + gain * _block(t, frames, lag=lag, rise=rise))
    late = np.clip((t - 2 * frames / 3) / (frames / 6), 0, 1)
    path = drift * late[:, None] * np.array([0.5, 1.0, 0.0])
    return Phantom(
        labels=labels, mask=mask.astype(np.uint8), texture=texture, level=level, noise=noise, path=path
    )


def _block(t: np.ndarray, frames: int, *, lag: float, rise: float) -> np.ndarray:
    """Return an uptake to 1 that begins after a third of the frames and ends after two thirds."""
    on = 1 - np.exp(-np.maximum(t - frames / 3 - lag, 0) / rise)
    return on * np.exp(-np.maximum(t - 2 * frames / 3 - lag, 0) / (2 * rise))
