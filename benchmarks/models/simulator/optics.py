"""From the signal to a stored volume: blur, sampling in depth, photons, electronics."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

_HALO_SHARE, _HALO_WIDTH = 0.15, 3.0
_FULL_SCALE, _OFFSET = 1000.0, 100.0


@dataclass(frozen=True, kw_only=True)
class Optics:
    """How a volume is recorded; lengths in voxels of the finest axis."""

    lateral: float = 0.8
    "Standard deviation of the point spread in the plane."
    axial: float = 1.6
    "And along the first axis."
    step: int = 1
    "Every how many planes one is stored: the ratio of the spacings."
    stored: tuple[int, int] | None = None
    "Of those, the first that is kept and how many are; all by default."
    photons: float = 60.0
    "Expected at full scale, a voxel."
    read_noise: float = 0.01
    "Standard deviation of the electronics, as a share of full scale."
    lateral_um: float = 0.25
    "Spacing in the plane."

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Micrometres per stored voxel, ZYX."""
        return self.step * self.lateral_um, self.lateral_um, self.lateral_um

    @property
    def planes(self) -> slice:
        """Which planes of the cubic lattice are stored."""
        if self.stored is None:
            return slice(self.step // 2, None, self.step)
        first, num = self.stored
        start = self.step // 2 + first * self.step
        return slice(start, start + num * self.step, self.step)


def record(optics: Optics, signal: np.ndarray, *, rng: np.random.Generator) -> np.ndarray:
    """Return the recorded volume, uint16, on the stored planes."""
    width = np.array([max(optics.axial, 0.35 * optics.step), optics.lateral, optics.lateral])
    core = ndimage.gaussian_filter(signal, width, mode="nearest")[optics.planes]
    halo = ndimage.gaussian_filter(signal, _HALO_WIDTH * width, mode="nearest")[optics.planes]
    seen = (1 - _HALO_SHARE) * core + _HALO_SHARE * halo
    counted = rng.poisson(optics.photons * seen) / optics.photons
    noisy = counted + optics.read_noise * rng.normal(size=seen.shape)
    return np.clip(np.round(_OFFSET + _FULL_SCALE * noisy), 0, 65535).astype(np.uint16)
