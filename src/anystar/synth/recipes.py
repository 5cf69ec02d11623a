"""Recipes: which layout, world, image and acquisition make a sample.

The four ``as-`` recipes are the paper's; ``wide``, ``mild``, ``broad`` and ``grainy`` are ours.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from anystar.config import ConfigError, nearest, override, read_toml
from anystar.synth.augment.base import Augmentation
from anystar.synth.augment.blur import CoarseVoxels, GaussianSharpen, GaussianSmooth, PointSpread, ThickSlices
from anystar.synth.augment.cutout import Cutout
from anystar.synth.augment.kspace import GibbsRinging, KSpaceSpike
from anystar.synth.augment.noise import FinalNoise, GaussianNoise, PhotonNoise, RicianNoise
from anystar.synth.augment.shading import Attenuation, BiasField, Flicker, Gamma, HistogramShift, Invert
from anystar.synth.augment.window import Window
from anystar.synth.contrast import Contrast
from anystar.synth.layouts import Packing, SphereGrid
from anystar.synth.mixture import BackgroundKind, Mixture
from anystar.synth.space import Bend, World

__all__ = ["Recipe", "get_recipe", "load_recipe", "recipe_names", "stages"]

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


@dataclass(frozen=True, kw_only=True)
class MicroscopeFinish:
    """Blank regions, and the intensity window that a whole volume's normalisation leaves a crop."""

    window: Window = Window()
    cutout: Cutout = Cutout(probability=0.05)


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


def stages(
    sequence: PaperAcquisition | PaperFinish | MicroscopeAcquisition | MicroscopeFinish,
) -> list[tuple[str, Augmentation]]:
    """Return the augmentations of a sequence by name, in their order."""
    return [(f.name, getattr(sequence, f.name)) for f in dataclasses.fields(sequence)]


def _paper(name: str, *backgrounds: BackgroundKind) -> Recipe:
    return Recipe(name=name, image=Mixture(backgrounds=backgrounds))


def _mild() -> Recipe:
    """``wide`` without its hardest tails: what a network can learn from a few ten thousand samples."""
    return Recipe(
        name="mild",
        layout=Packing(
            diameter=(7.0, 32.0), gap=(0.85, 1.8), bump=(0.0, 1.2), second=0.25, few=0.0, tissue=0.0
        ),
        world=None,
        image=Contrast(
            either=0.05,
            variation=(0.0, 0.35),
            chromatin=(0.0, 0.4),
            rim=0.15,
            straddle=0.0,
            fade=0.0,
            shading=0.35,
            shading_gain=(0.1, 0.5),
            haze=0.25,
            halo=0.0,
            haze_gain=(0.1, 0.5),
            regions=0.05,
            fibres=0.12,
            membranes=0.08,
            specks=0.12,
            distractor_gain=(0.3, 1.0),
            floor=(0.0, 0.2),
            mottle=0.0,
        ),
        acquisition=MicroscopeAcquisition(
            bias_field=BiasField(probability=0.4, coefficient=(-0.2, 0.2)),
            attenuation=Attenuation(probability=0.1, decay=(0.2, 1.0)),
            point_spread=PointSpread(probability=0.6, sigma=(0.3, 1.2), axial=(1.0, 2.5)),
            flicker=Flicker(probability=0.0),
            photon_noise=PhotonNoise(photons=(20.0, 1000.0)),
            gaussian_noise=GaussianNoise(deviation=(0.0, 0.06)),
            thick_slices=ThickSlices(probability=0.3, step=(1.5, 5.0)),
            coarse_voxels=CoarseVoxels(probability=0.0),
            gaussian_smooth=GaussianSmooth(probability=0.2, sigma=(0.0, 1.0)),
            gibbs_ringing=GibbsRinging(probability=0.05),
            kspace_spike=KSpaceSpike(probability=0.01),
            gaussian_sharpen=GaussianSharpen(probability=0.03, strength=(1.0, 8.0)),
            gamma=Gamma(probability=0.5, gamma=(0.6, 1.8), logarithmic=True),
            histogram_shift=HistogramShift(probability=0.05),
            invert=Invert(probability=0.1),
        ),
        bend=None,
        finish=MicroscopeFinish(),
    )


def _broad() -> Recipe:
    """``mild`` grown up: hollow and elongated objects, fibres and empty volumes as often as they need."""
    return Recipe(
        name="broad",
        layout=Packing(
            diameter=(6.5, 34.0),
            elongation=(1.0, 3.5),
            gap=(0.8, 2.4),
            bump=(0.0, 1.3),
            empty=0.1,
            few=0.0,
            tissue=0.2,
            tissue_diameter=(11.0, 34.0),
        ),
        world=None,
        image=Contrast(
            dark=0.4,
            either=0.04,
            variation=(0.0, 0.6),
            chromatin=(0.0, 0.6),
            rim=0.4,
            rim_gain=(0.4, 2.0),
            rim_width=(0.04, 0.2),
            hollow=0.6,
            hollow_loss=(0.6, 1.0),
            fade=0.35,
            shading=0.4,
            shading_gain=(0.1, 0.6),
            haze=0.35,
            haze_gain=(0.1, 0.6),
            halo=0.4,
            regions=0.1,
            fibres=0.3,
            membranes=0.1,
            specks=0.15,
            distractor_gain=(0.3, 1.2),
            floor=(0.0, 0.25),
            mottle=0.35,
            mottle_gain=(0.08, 0.4),
            mottle_grain=(0.1, 0.9),
            clear=3.0,
        ),
        acquisition=MicroscopeAcquisition(
            bias_field=BiasField(probability=0.4, coefficient=(-0.25, 0.25)),
            attenuation=Attenuation(probability=0.15, decay=(0.2, 1.2)),
            point_spread=PointSpread(probability=0.65, sigma=(0.3, 1.3), axial=(1.0, 2.7)),
            flicker=Flicker(probability=0.0),
            photon_noise=PhotonNoise(photons=(10.0, 800.0)),
            gaussian_noise=GaussianNoise(deviation=(0.0, 0.08)),
            thick_slices=ThickSlices(probability=0.35, step=(1.5, 6.0)),
            gaussian_smooth=GaussianSmooth(probability=0.2, sigma=(0.0, 1.0)),
            gibbs_ringing=GibbsRinging(probability=0.05),
            kspace_spike=KSpaceSpike(probability=0.01),
            gaussian_sharpen=GaussianSharpen(probability=0.03, strength=(1.0, 8.0)),
            gamma=Gamma(probability=0.5, gamma=(0.6, 2.0), logarithmic=True),
            histogram_shift=HistogramShift(probability=0.05),
            invert=Invert(probability=0.1),
        ),
        bend=None,
        finish=MicroscopeFinish(),
    )


def _grainy() -> Recipe:
    """``broad`` where objects are few and their surroundings strong: grain of their size, vessels."""
    layout = {"empty": 0.15, "few": 0.5, "tissue": 0.0}
    objects = {"dark": 0.5, "rim": 0.25, "hollow": 0.0}
    surroundings = {"fibres": 0.4, "thickness": (0.8, 4.0), "clear": 4.0}
    mottle = {"mottle": 0.9, "mottle_gain": (0.08, 0.3), "mottle_grain": (0.3, 0.9)}
    return override(_broad(), {"name": "grainy", "layout": layout, "image": objects | surroundings | mottle})


_RECIPES = {
    recipe.name: recipe
    for recipe in (
        _paper("as-mix", "plain", "random", "perlin"),
        _paper("as-brightfg-plainbg", "plain"),
        _paper("as-randfg-plainbg", "random"),
        _paper("as-randfg-perlinbg", "perlin"),
        Recipe(
            name="wide",
            layout=Packing(),
            world=None,
            image=Contrast(),
            acquisition=MicroscopeAcquisition(),
            bend=None,
            finish=MicroscopeFinish(),
        ),
        _mild(),
        _broad(),
        _grainy(),
    )
}


def recipe_names() -> tuple[str, ...]:
    """Return the names of the bundled recipes."""
    return tuple(_RECIPES)


def get_recipe(name: str) -> Recipe:
    """Return a bundled recipe.

    Examples
    --------
    >>> get_recipe("as-mix").image.backgrounds
    ('plain', 'random', 'perlin')
    >>> get_recipe("as-mx")
    Traceback (most recent call last):
        ...
    anystar.errors.ConfigError: unknown recipe 'as-mx'; did you mean 'as-mix'?
    """
    try:
        return _RECIPES[name]
    except KeyError:
        raise ConfigError(f"unknown recipe '{name}'{nearest(name, _RECIPES)}") from None


def load_recipe(name: str, file: Path | None = None) -> Recipe:
    """Return the recipe ``name``, changed as a TOML file says.

    Raises
    ------
    ConfigError
        For an unknown recipe, or whatever :func:`anystar.config.override` refuses; messages name the file.
    """
    recipe = get_recipe(name)
    if file is None:
        return recipe
    return read_toml(file, lambda changes: override(recipe, changes))
