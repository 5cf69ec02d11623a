"""What a recipe is: which layout, world, image and acquisition make a sample."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from anystar.config import ConfigError
from anystar.synth.augment.base import Augmentation
from anystar.synth.augment.blur import CoarseVoxels, GaussianSharpen, GaussianSmooth, PointSpread, ThickSlices
from anystar.synth.augment.cutout import Cutout
from anystar.synth.augment.kspace import GibbsRinging, KSpaceSpike
from anystar.synth.augment.levels import Posterise
from anystar.synth.augment.margin import Margin
from anystar.synth.augment.noise import FinalNoise, GaussianNoise, PhotonNoise, RicianNoise
from anystar.synth.augment.shading import (
    Attenuation,
    BiasField,
    Flicker,
    Gamma,
    HistogramShift,
    Invert,
    PeriodicGain,
)
from anystar.synth.augment.window import Window
from anystar.synth.contrast import Contrast
from anystar.synth.deform import Bend, World
from anystar.synth.layouts import Packing, SphereGrid
from anystar.synth.mixture import Mixture

__all__ = [
    "SMALLEST",
    "MicroscopeAcquisition",
    "MicroscopeFinish",
    "PaperAcquisition",
    "PaperFinish",
    "Recipe",
    "stages",
]

SMALLEST = 8
"""Voxels of the shortest axis that still holds an object."""


@dataclass(frozen=True, kw_only=True)
class PaperAcquisition:
    """Rows 5 to 13 of the reference's sequence, in its order, before the bend."""

    bias_field: BiasField = BiasField()
    gaussian_noise: GaussianNoise = GaussianNoise()
    kspace_spike: KSpaceSpike = KSpaceSpike()
    gamma: Gamma = Gamma()
    gaussian_smooth: GaussianSmooth = GaussianSmooth()
    rician_noise: RicianNoise = RicianNoise()
    gibbs_ringing: GibbsRinging = GibbsRinging()
    gaussian_sharpen: GaussianSharpen = GaussianSharpen()
    histogram_shift: HistogramShift = HistogramShift()


@dataclass(frozen=True, kw_only=True)
class PaperFinish:
    """Rows 16 and 17 of the reference's sequence, after the bend."""

    cutout: Cutout = Cutout()
    final_noise: FinalNoise = FinalNoise()


@dataclass(frozen=True, kw_only=True)
class MicroscopeAcquisition:
    """How a sample becomes an image: illumination, optics, counting, sampling, and what MRI and CT add."""

    bias_field: BiasField = BiasField(probability=0.5, coefficient=(-0.3, 0.3))
    attenuation: Attenuation = Attenuation()
    point_spread: PointSpread = PointSpread()
    flicker: Flicker = Flicker()
    periodic_gain: PeriodicGain = PeriodicGain()
    photon_noise: PhotonNoise = PhotonNoise()
    gaussian_noise: GaussianNoise = GaussianNoise(probability=0.25, deviation=(0.0, 0.1))
    thick_slices: ThickSlices = ThickSlices()
    coarse_voxels: CoarseVoxels = CoarseVoxels()
    gaussian_smooth: GaussianSmooth = GaussianSmooth(probability=0.3, sigma=(0.0, 1.0))
    gibbs_ringing: GibbsRinging = GibbsRinging(probability=0.1)
    kspace_spike: KSpaceSpike = KSpaceSpike(probability=0.03)
    gaussian_sharpen: GaussianSharpen = GaussianSharpen(probability=0.05, strength=(1.0, 10.0))
    gamma: Gamma = Gamma(probability=0.6, gamma=(0.5, 2.5), logarithmic=True)
    histogram_shift: HistogramShift = HistogramShift(probability=0.1)
    invert: Invert = Invert(probability=0.1)
    posterise: Posterise = Posterise()


@dataclass(frozen=True, kw_only=True)
class MicroscopeFinish:
    """Blank regions, and the intensity window that a whole volume's normalisation leaves a crop."""

    window: Window = Window()
    cutout: Cutout = Cutout(probability=0.05)
    margin: Margin = Margin()


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that decides what samples look like."""

    name: str
    """Name, for logs and model cards."""
    layout: SphereGrid | Packing = SphereGrid()
    """Which objects there are."""
    world: World | None = World()
    """How the image lies in their world; none if objects are laid out on the image itself."""
    image: Mixture | Contrast = Mixture()
    """What they and their surroundings look like."""
    acquisition: PaperAcquisition | MicroscopeAcquisition = PaperAcquisition()
    """Artefacts before the bend."""
    bend: Bend | None = field(default_factory=Bend)
    """Deformation of image and labels; none for recipes whose objects have their shape already."""
    finish: PaperFinish | MicroscopeFinish = PaperFinish()
    """Artefacts after the bend."""
    min_voxels: int = 20
    """Smaller instances (debris) are background; GENERATOR: the reference makes about 20 such a sample."""

    def __post_init__(self) -> None:
        if not 1 <= self.min_voxels <= 1_000_000:
            raise ConfigError(f"min_voxels must be within [1, 1000000], got {self.min_voxels}")
        if isinstance(self.layout, SphereGrid) and self.world is not None:
            largest = max(self.layout.radius_range or (self.layout.radius,))
            if 4 * largest >= self.world.size:
                raise ConfigError(
                    "layout.radius (or radius_range) must be under a quarter of world.size, "
                    f"{self.world.size} voxels, or no sphere has room; got {largest:g}"
                )

    def check_shape(self, shape: Sequence[int]) -> None:
        """Raise :class:`ConfigError` unless samples can have this shape ``(Z, Y, X)``."""
        if len(shape) != 3 or min(shape) < SMALLEST:
            raise ConfigError(
                f"shape must be three numbers, got {' '.join(map(str, shape))}; give at least {SMALLEST} "
                "voxels each, or it holds no object"
            )
        if self.world is not None:
            self.world.check_shape(shape)


def stages(sequence: Any) -> list[tuple[str, Augmentation]]:
    """Return the augmentations of a sequence (a dataclass of them) by name, in their order."""
    return [(f.name, getattr(sequence, f.name)) for f in dataclasses.fields(sequence)]
