"""Our images: objects of one contrast in surroundings that are not objects.

What the mixture leaves out and real images have. Objects: a polarity shared by those of a volume, rims,
hollow objects, chromatin and nucleoli. Surroundings: out-of-focus haze, smooth uneven background, fibres,
membranes and specks. Intensities: the background is about 0 and objects about +1 or -1 times their contrast,
before normalising.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from anystar.synth.anatomy import Anatomy, AnatomyDrawn
from anystar.synth.augment.base import Knobs
from anystar.synth.defocus import Defocus, DefocusDrawn
from anystar.synth.knobs import check_probabilities, check_range, check_ranges
from anystar.synth.layouts import LayoutDrawn
from anystar.synth.specimen import Scattering, ScatteringDrawn

__all__ = ["Contrast", "ContrastDrawn", "MaskDrawn", "Shell", "ShellDrawn"]

_LEAST = 0.35
"""Least contrast of an object, relative to the median of a volume."""


@dataclass(frozen=True, kw_only=True)
class ShellDrawn:
    """Thickness in voxels, and the share of the contrast that the inside lacks."""

    thickness: float
    loss: float


@dataclass(frozen=True, kw_only=True)
class Shell(Knobs):
    """Objects with a wall of one thickness and a sharp inner surface; the outer surface is the object's."""

    probability: float = 0.0
    thickness: tuple[float, float] = (0.05, 0.4)
    """Of the wall, as a share of the median diameter; at least 1 voxel."""
    loss: tuple[float, float] = (0.6, 1.2)
    """Share of the contrast that the inside lacks; more than 1 turns its sign."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_ranges(self, 0, 0.5, "thickness")
        check_ranges(self, 0, 2, "loss")

    def draw(self, rng: np.random.Generator, diameter: float) -> ShellDrawn:
        """Draw the parameters of one sample."""
        thickness = max(1.0, diameter * float(rng.uniform(*self.thickness)))
        return ShellDrawn(thickness=thickness, loss=float(rng.uniform(*self.loss)))


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """Objects that share a contrast, with texture, in a structured background.

    What is drawn once holds for the whole volume. Gains are relative to the objects' contrast.
    """

    dark: float = 0.3
    """Probability that the objects of a volume are darker than their surroundings."""
    either: float = 0.08
    """Probability that each object of a volume has a polarity of its own."""
    variation: tuple[float, float] = (0.0, 0.7)
    """Standard deviation of the logarithm of the contrast between the objects of a volume."""
    chromatin: tuple[float, float] = (0.0, 0.5)
    """Amplitude of the texture inside objects, relative to their contrast (skewed to weak)."""
    chromatin_grain: tuple[float, float] = (0.1, 0.4)
    """Its grain as a share of the median diameter; at least 1.5 voxels."""
    nucleoli: float = 0.25
    """Probability of blobs inside the objects that are darker or brighter than the rest."""
    nucleoli_gain: tuple[float, float] = (-0.8, 0.8)
    """What the blobs add to the contrast."""
    nucleoli_volume: tuple[float, float] = (0.05, 0.2)
    """Share of the objects' volume that blobs fill."""
    rim: float = 0.2
    """Probability that the surface is brighter than the inside."""
    rim_gain: tuple[float, float] = (0.3, 2.0)
    """Additional contrast of the surface."""
    rim_width: tuple[float, float] = (0.04, 0.15)
    """Depth at which the rim has faded to 1/e, as a share of the median diameter; at least 1 voxel."""
    straddle: float = 0.4
    """Probability that a rim lies as much outside the surface as inside (a stain of membranes)."""
    walls: float = 0.85
    """Probability that objects that fill the volume have a rim or fade, so that it shows where they meet."""
    hollow: float = 0.25
    """Probability that objects with a rim have little contrast inside (stained membranes)."""
    hollow_loss: tuple[float, float] = (0.5, 0.95)
    """Share of the contrast that a hollow inside lacks."""
    fade: float = 0.2
    """Probability that objects fade towards their surface: a dark seam lies between those that touch."""
    fade_loss: tuple[float, float] = (0.3, 0.9)
    """Share of the contrast that the surface lacks."""
    fade_width: tuple[float, float] = (0.03, 0.12)
    """Depth at which that has faded to 1/e, as a share of the median diameter; at least 1 voxel."""
    shading: float = 0.5
    """Probability of a smooth uneven background."""
    shading_gain: tuple[float, float] = (0.1, 0.8)
    """Its amplitude relative to the contrast."""
    haze: float = 0.35
    """Probability of out-of-focus light around objects."""
    haze_gain: tuple[float, float] = (0.1, 0.8)
    """Its strength relative to the contrast."""
    haze_width: tuple[float, float] = (0.15, 0.6)
    """Standard deviation of its blur as a share of the median diameter; at least 2 voxels."""
    halo: float = 0.3
    """Probability that the haze has the opposite sign (phase contrast, sharpening)."""
    regions: float = 0.2
    """Probability of four kinds of flat regions of other brightness."""
    fibres: float = 0.2
    """Probability of fibres and vessels (by their thickness), which are not objects."""
    membranes: float = 0.15
    """Probability of thin sheets, which are not objects."""
    specks: float = 0.2
    """Probability of specks one to three voxels wide, which are not objects."""
    distractor_gain: tuple[float, float] = (0.3, 1.3)
    """Contrast of regions, fibres, membranes and specks, relative to the objects'."""
    distractor_polarity: float = 0.75
    """Probability that fibres, membranes or specks are brighter where objects are brighter."""
    thickness: tuple[float, float] = (0.8, 2.5)
    """Standard deviation of the profile of fibres and membranes, in voxels (full width 2 to 6)."""
    cell: tuple[float, float] = (12.0, 40.0)
    """Distance between fibres, membranes, specks and regions, in voxels."""
    floor: tuple[float, float] = (0.0, 0.35)
    """White noise of the sample itself, relative to the contrast (skewed to weak)."""
    mottle: float = 0.2
    """Probability of noise with a grain, on objects and around them (tissue, reconstruction)."""
    mottle_gain: tuple[float, float] = (0.1, 0.5)
    """Its standard deviation relative to the contrast."""
    mottle_grain: tuple[float, float] = (0.1, 0.5)
    """Its grain as a share of the median diameter, at least 1.5 voxels; up to three times as long along some
    axes."""
    clear: float = 2.0
    """Least contrast of an object in standard deviations of the mottle: what its grain hides cannot be
    learnt, and to require it makes a network unsure of all."""
    shell: Shell = Shell()
    """Objects that are shells."""
    anatomy: Anatomy = Anatomy()
    """Smooth structure that is no object."""
    scattering: Scattering = Scattering()
    """Of volumes whose objects lie in a specimen."""
    defocus: Defocus = Defocus()
    """Blur relative to the objects."""
    mask: float = 0.0
    """Probability that the image is the mask of the objects, unless they fill the volume: no artefacts but
    the window, cutouts and margins."""

    def __post_init__(self) -> None:
        check_probabilities(self, "dark", "either", "nucleoli", "rim", "straddle", "walls", "hollow", "fade")
        check_probabilities(self, "shading", "haze", "halo", "regions", "fibres", "mottle", "membranes")
        check_probabilities(self, "specks", "distractor_polarity", "mask")
        check_ranges(self, 0, 100, "variation", "chromatin", "rim_gain", "shading_gain", "haze_gain")
        check_ranges(self, 0, 100, "distractor_gain", "floor", "mottle_gain")
        check_range("clear", (self.clear, self.clear), 0, 10)
        check_ranges(self, -100, 100, "nucleoli_gain")
        check_ranges(self, 0, 1, "nucleoli_volume", "hollow_loss", "fade_loss")
        check_ranges(self, 0, 2, "chromatin_grain", "rim_width", "fade_width", "haze_width", "mottle_grain")
        check_ranges(self, 0.3, 100, "thickness")
        check_ranges(self, 3, 1000, "cell")

    def draw(self, rng: np.random.Generator, layout: LayoutDrawn) -> ContrastDrawn:
        """Draw the appearance of one sample."""

        def maybe(probability: float, low: float, high: float) -> float:
            happens, value = rng.random() < probability, float(rng.uniform(low, high))
            return value if happens else 0.0

        def sign() -> float:
            return polarity if rng.random() < self.distractor_polarity else -polarity

        diameter = layout.typical
        polarity = -1.0 if rng.random() < self.dark else 1.0
        grain = diameter * float(rng.uniform(*self.chromatin_grain))
        rim, fade = maybe(self.rim, *self.rim_gain), maybe(self.fade, *self.fade_loss)
        if layout.tissue and not (rim or fade) and rng.random() < self.walls:
            if rng.random() < 0.5:
                rim = float(rng.uniform(*self.rim_gain))
            else:
                fade = float(rng.uniform(*self.fade_loss))
        return ContrastDrawn(
            polarity=polarity,
            either=bool(rng.random() < self.either),
            variation=float(rng.uniform(*self.variation)),
            chromatin=float(rng.uniform(*self.chromatin) * rng.random()),
            grain=max(1.5, grain),
            nucleoli=maybe(self.nucleoli, *self.nucleoli_gain),
            nucleoli_volume=float(rng.uniform(*self.nucleoli_volume)),
            rim=rim,
            straddle=bool(rng.random() < self.straddle),
            rim_width=max(1.0, diameter * float(rng.uniform(*self.rim_width))),
            core=1.0 - (maybe(self.hollow, *self.hollow_loss) if rim else 0.0),
            shading=maybe(self.shading, *self.shading_gain),
            haze=maybe(self.haze, *self.haze_gain) * (-1 if rng.random() < self.halo else 1),
            haze_width=max(2.0, diameter * float(rng.uniform(*self.haze_width))),
            regions=maybe(self.regions, *self.distractor_gain),
            fibres=maybe(self.fibres, *self.distractor_gain) * sign(),
            membranes=maybe(self.membranes, *self.distractor_gain) * sign(),
            specks=maybe(self.specks, *self.distractor_gain) * sign(),
            thickness=float(rng.uniform(*self.thickness)),
            cell=float(rng.uniform(*self.cell)),
            floor=float(self.floor[0] + (self.floor[1] - self.floor[0]) * rng.random() ** 2),
            fade=fade,
            fade_width=max(1.0, diameter * float(rng.uniform(*self.fade_width))),
            mottle=(mottle := maybe(self.mottle, *self.mottle_gain)),
            mottle_grain=_grains(rng, diameter * float(rng.uniform(*self.mottle_grain))),
            least=max(_LEAST, self.clear * mottle),
            shell=self.shell.draw(rng, diameter) if rng.random() < self.shell.probability else None,
            anatomy=self.anatomy.draw(rng) if rng.random() < self.anatomy.probability else None,
            defocus=self.defocus.draw(rng, layout.small, layout.pitch)
            if rng.random() < self.defocus.probability
            else None,
            scattering=self.scattering.draw(rng, layout.specimen) if layout.specimen else None,
            mask=MaskDrawn(inverted=polarity < 0) if rng.random() < self.mask and not layout.tissue else None,
        )


def _grains(rng: np.random.Generator, grain: float) -> tuple[float, float, float]:
    """Return the grain along Z, Y and X: stretched one to three times, each axis on its own."""
    z, y, x = (max(1.5, grain) * 3 ** (rng.random(3) ** 2)).tolist()
    return z, y, x


@dataclass(frozen=True, kw_only=True)
class MaskDrawn:
    """Whether objects are 0 and the rest is 1, instead of the reverse."""

    inverted: bool


@dataclass(frozen=True, kw_only=True)
class ContrastDrawn:
    """Appearance of one sample, see :class:`Contrast`.

    Gains are relative to the objects' contrast, 0 for what the sample lacks; lengths are in voxels.
    """

    polarity: float
    """1 if objects are brighter than their surroundings, -1 if they are darker."""
    either: bool
    """Whether each object has a polarity of its own."""
    variation: float
    chromatin: float
    grain: float
    """Grain of the texture inside objects."""
    nucleoli: float
    nucleoli_volume: float
    rim: float
    straddle: bool
    """Whether the rim lies as much outside the surface as inside."""
    rim_width: float
    core: float
    """Contrast of the inside, 1 unless objects are hollow."""
    shading: float
    haze: float
    """Strength of out-of-focus light; negative for halos."""
    haze_width: float
    regions: float
    fibres: float
    """Contrast of fibres, with its sign."""
    membranes: float
    """Contrast of membranes, with its sign."""
    specks: float
    """Contrast of specks, with its sign."""
    thickness: float
    cell: float
    floor: float
    fade: float
    """Share of the contrast that the surface lacks."""
    fade_width: float
    mottle: float
    mottle_grain: tuple[float, float, float]
    """Its grain along Z, Y, X."""
    least: float
    """Least contrast of an object."""
    shell: ShellDrawn | None = None
    anatomy: AnatomyDrawn | None = None
    defocus: DefocusDrawn | None = None
    scattering: ScatteringDrawn | None = None
    mask: MaskDrawn | None = None
