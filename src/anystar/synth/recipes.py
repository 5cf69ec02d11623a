"""The bundled recipes: the four ``as-`` ones are the paper's, the others are ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from anystar.config import ConfigError, nearest, override, read_toml
from anystar.synth.augment.blur import CoarseVoxels, GaussianSharpen, GaussianSmooth, PointSpread, ThickSlices
from anystar.synth.augment.kspace import GibbsRinging, KSpaceSpike
from anystar.synth.augment.noise import GaussianNoise, PhotonNoise
from anystar.synth.augment.shading import Attenuation, BiasField, Flicker, Gamma, HistogramShift, Invert
from anystar.synth.contrast import Contrast
from anystar.synth.layouts import Packing
from anystar.synth.mixture import BackgroundKind, Mixture
from anystar.synth.recipe import MicroscopeAcquisition, MicroscopeFinish, Recipe

__all__ = ["get_recipe", "load_recipe", "recipe_names"]


def _paper(name: str, *backgrounds: BackgroundKind) -> Recipe:
    return Recipe(name=name, image=Mixture(backgrounds=backgrounds))


def _microscope(name: str, layout: Packing, image: Contrast, acquisition: MicroscopeAcquisition) -> Recipe:
    finish = MicroscopeFinish()
    return Recipe(
        name=name, layout=layout, world=None, image=image, acquisition=acquisition, bend=None, finish=finish
    )


_RARE: dict[str, Any] = {
    "flicker": Flicker(probability=0.0),
    "gaussian_smooth": GaussianSmooth(probability=0.2, sigma=(0.0, 1.0)),
    "gibbs_ringing": GibbsRinging(probability=0.05),
    "kspace_spike": KSpaceSpike(probability=0.01),
    "gaussian_sharpen": GaussianSharpen(probability=0.03, strength=(1.0, 8.0)),
    "histogram_shift": HistogramShift(probability=0.05),
    "invert": Invert(probability=0.1),
}
"""Artefacts of ``mild`` and ``broad`` alike."""


def _mild() -> Recipe:
    """``wide`` without its hardest tails: what a network can learn from a few ten thousand samples."""
    return _microscope(
        "mild",
        Packing(diameter=(7.0, 32.0), gap=(0.85, 1.8), bump=(0.0, 1.2), second=0.25, few=0.0, tissue=0.0),
        Contrast(
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
        MicroscopeAcquisition(
            bias_field=BiasField(probability=0.4, coefficient=(-0.2, 0.2)),
            attenuation=Attenuation(probability=0.1, decay=(0.2, 1.0)),
            point_spread=PointSpread(probability=0.6, sigma=(0.3, 1.2), axial=(1.0, 2.5)),
            photon_noise=PhotonNoise(photons=(20.0, 1000.0)),
            gaussian_noise=GaussianNoise(deviation=(0.0, 0.06)),
            thick_slices=ThickSlices(probability=0.3, step=(1.5, 5.0)),
            coarse_voxels=CoarseVoxels(probability=0.0),
            gamma=Gamma(probability=0.5, gamma=(0.6, 1.8), logarithmic=True),
            **_RARE,
        ),
    )


def _broad() -> Recipe:
    """``mild`` grown up: hollow and elongated objects, fibres and empty volumes as often as they need."""
    return _microscope(
        "broad",
        Packing(
            diameter=(6.5, 34.0),
            elongation=(1.0, 3.5),
            gap=(0.8, 2.4),
            bump=(0.0, 1.3),
            empty=0.1,
            few=0.0,
            tissue=0.2,
            tissue_diameter=(11.0, 34.0),
        ),
        Contrast(
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
        MicroscopeAcquisition(
            bias_field=BiasField(probability=0.4, coefficient=(-0.25, 0.25)),
            attenuation=Attenuation(probability=0.15, decay=(0.2, 1.2)),
            point_spread=PointSpread(probability=0.65, sigma=(0.3, 1.3), axial=(1.0, 2.7)),
            photon_noise=PhotonNoise(photons=(10.0, 800.0)),
            gaussian_noise=GaussianNoise(deviation=(0.0, 0.08)),
            thick_slices=ThickSlices(probability=0.35, step=(1.5, 6.0)),
            gamma=Gamma(probability=0.5, gamma=(0.6, 2.0), logarithmic=True),
            **_RARE,
        ),
    )


def _grainy() -> Recipe:
    """``broad`` where objects are few and their surroundings strong: grain of their size, vessels."""
    layout = {"empty": 0.15, "few": 0.5, "tissue": 0.0}
    objects = {"dark": 0.5, "rim": 0.25, "hollow": 0.0}
    surroundings = {"fibres": 0.4, "thickness": (0.8, 4.0), "clear": 4.0}
    mottle = {"mottle": 0.9, "mottle_gain": (0.08, 0.3), "mottle_grain": (0.3, 0.9)}
    return override(_broad(), {"name": "grainy", "layout": layout, "image": objects | surroundings | mottle})


def _universal() -> Recipe:
    """``broad`` with every kind of volume that networks trained on it alone failed on."""
    layout = {"diameter": (6.0, 36.0), "grains": {"probability": 0.12}, "specimen": {"probability": 0.1}}
    objects = {"either": 0.1, "walls": 1.0, "shell": {"probability": 0.1}, "mask": 0.03}
    surroundings = {"anatomy": {"probability": 0.1}, "defocus": {"probability": 0.45}}
    acquisition = {
        "flicker": {"probability": 0.05},
        "periodic_gain": {"probability": 0.05},
        "coarse_voxels": {"probability": 0.15, "step": (1.2, 2.8)},
        "posterise": {"probability": 0.04},
    }
    finish = {"margin": {"probability": 0.1}}
    own = {"layout": layout, "image": objects | surroundings, "acquisition": acquisition, "finish": finish}
    return override(_broad(), {"name": "universal"} | own)


def _packed() -> Recipe:
    """``universal`` where objects fill the volume: grains and pores, tissue with thin walls, masks."""
    layout = {"empty": 0.0, "tissue": 0.5, "second": 0.1, "bump": (0.0, 0.7)}
    bodies = {"grains": {"probability": 0.6}, "specimen": {"probability": 0.0}}
    objects = {"rim_width": (0.03, 0.12), "hollow": 0.7, "chromatin": (0.0, 0.4), "mask": 0.25}
    mottle = {"floor": (0.0, 0.15), "mottle": 0.1, "mottle_gain": (0.05, 0.2)}
    surroundings = {"anatomy": {"probability": 0.0}, "defocus": {"probability": 0.3}}
    acquisition = {
        "photon_noise": {"photons": (30.0, 2000.0)},
        "gaussian_noise": {"deviation": (0.0, 0.05)},
        "coarse_voxels": {"probability": 0.1, "step": (1.2, 2.0)},
        "thick_slices": {"probability": 0.25, "step": (1.5, 4.0)},
    }
    own = {"layout": layout | bodies, "image": objects | mottle | surroundings, "acquisition": acquisition}
    return override(_universal(), {"name": "packed"} | own)


def _sparse() -> Recipe:
    """``universal`` where objects are few or none: grain, vessels, anatomy, uneven light and photon noise."""
    layout = {"empty": 0.3, "few": 0.5, "tissue": 0.0}
    bodies = {"grains": {"probability": 0.0}, "specimen": {"probability": 0.0}}
    objects = {"dark": 0.5, "rim": 0.25, "hollow": 0.0, "mask": 0.0}
    surroundings = {"shading": 0.6, "shading_gain": (0.2, 1.0), "anatomy": {"probability": 0.25}}
    # At this thickness, specks would be as large as objects.
    fibres = {"fibres": 0.35, "thickness": (0.8, 4.0), "specks": 0.0, "clear": 4.0}
    mottle = {"mottle": 0.6, "mottle_gain": (0.08, 0.3), "mottle_grain": (0.3, 0.9)}
    image = objects | surroundings | fibres | mottle
    acquisition = {"photon_noise": {"probability": 0.6}}
    own = {"layout": layout | bodies, "image": image, "acquisition": acquisition}
    return override(_universal(), {"name": "sparse"} | own)


_RECIPES = {
    recipe.name: recipe
    for recipe in (
        _paper("as-mix", "plain", "random", "perlin"),
        _paper("as-brightfg-plainbg", "plain"),
        _paper("as-randfg-plainbg", "random"),
        _paper("as-randfg-perlinbg", "perlin"),
        _microscope("wide", Packing(), Contrast(), MicroscopeAcquisition()),
        _mild(),
        _broad(),
        _grainy(),
        _universal(),
        _packed(),
        _sparse(),
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
