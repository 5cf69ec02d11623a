"""How much to magnify a volume so that its objects have a size that the network knows, and how sure to be.

Told a diameter, the volume is scaled to it; else a pyramid of scales is tried (``anystar.predict.pyramid``).
Where the distance between planes is not known either, several are tried: the network is surest of its objects
where they have the proportions of real ones. Where it is not sure, it is shown less noise, and more of
what is dim, or less.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
import torch

from anystar.config import ConfigError
from anystar.predict.candidates import Candidates, ProgressCallback
from anystar.predict.crowd import cutoff, raised_to
from anystar.predict.pyramid import LEVEL_VOXELS, Level, at_scale, best_level, judge, narrow, sample
from anystar.preprocess import PreparedImage
from anystar.preprocess.arrays import whole_box
from anystar.preprocess.intensity import intensity_limits
from anystar.preprocess.resample import ResampledImage

if TYPE_CHECKING:
    from anystar.predict.model import Model

__all__ = ["CONSTANT", "Estimate", "diameter_in_voxels", "estimate", "search"]

Vec = tuple[float, float, float]

CONSTANT = "the image is constant: there is nothing to find"
"""What is said of such an image."""
_WHOLE_VOXELS = 6 * LEVEL_VOXELS
"""Voxels of a volume, at a scale that is told, up to which all of it settles the threshold, at no cost."""
_NOTHING, _DOUBTFUL = 0.55, 0.65
"""Confidence under which even the best scale shows nothing, and under which what it shows is doubtful: empty
volumes of ``benchmarks`` reach 0.54 (15 of noise, fibres, mottle), the least clear with objects 0.56."""
_SPECKS, _NOTHING_BUT_SPECKS = 6.0, 0.6
"""Voxels under which objects may be noise or beads of fibres, and the confidence that they need: fibres
reach 0.57, the least clear volumes of ``benchmarks`` whose objects are known 0.66."""
_NEAREST, _FARTHEST = 0.5, 8.0
"""Pixels between planes at least and at most, where the distance is not known."""
_CLEAR = 0.78
"""Confidence with which cubes are not doubted: taken for cubes, voxels of ``benchmarks`` that are twice as
long along Z, or more, reach 0.75."""
_UNSURE = 0.7
"""Confidence under which smoothing and powers of the intensities are tried."""
_SMOOTHING, _GAMMAS = 1.2, (0.5, 0.25, 2.0)
"""Standard deviation of the smoothing, in the shortest edge of a voxel, and the powers."""
_SEVERAL = 4
"""Objects, of the weight of the heaviest, that an altered image must show."""
_LEAST, _MOST = 1.5, 2.0
"""Least diameter in voxels, and largest in longest sides of the volume: others are slips of a unit."""
_GAIN, _CLEARER = 0.02, 0.03
"""Confidence that other proportions must add to that of cubes, and smoothing or a power to that of the plain
image."""


def diameter_in_voxels(diameter: float | None, spacing: Vec | None, shape: Sequence[int]) -> float | None:
    """Return a diameter in voxels of the finest axis.

    Parameters
    ----------
    diameter : float or None
        In the unit of ``spacing``, else in voxels.
    spacing : three floats or None
        Size of a voxel along Z, Y, X; see :func:`anystar.arrays.metric`.
    shape : three ints
        Of the volume.

    Raises
    ------
    ConfigError
        If no object of a volume of that shape can have such a diameter.

    Examples
    --------
    >>> diameter_in_voxels(12, (2, 0.5, 0.5), (40, 200, 200)), diameter_in_voxels(12, None, (40, 200, 200))
    (24.0, 12.0)
    """
    if diameter is None:
        return None
    if not (np.isfinite(diameter) and diameter > 0):
        raise ConfigError(f"diameter must be positive, got {diameter}")
    sizes = spacing or (1.0, 1.0, 1.0)
    edge = min(sizes)
    voxels = diameter / edge
    longest = max(num * size for num, size in zip(shape, sizes, strict=True)) / edge
    if not _LEAST <= voxels <= _MOST * longest:
        told = f"{voxels:.3g}" + ("" if edge == 1 else f" ({diameter:g} um, with {edge:g} um a voxel)")
        raise ConfigError(
            f"diameter must be at least {_LEAST:g} voxels of the finest axis and at most {_MOST:g} times the "
            f"longest side of the volume, got {told}; correct it, or the voxel size"
        )
    return float(voxels)


def search(
    model: Model,
    scene: PreparedImage,
    *,
    voxel_size: Vec | None,
    diameter: float | None,
    prob_thresh: float | None,
    progress: ProgressCallback | None = None,
) -> tuple[Estimate, Candidates]:
    """Find candidates at the right scale; return what was settled, and them.

    Parameters
    ----------
    model : Model
    scene : PreparedImage
    voxel_size : three floats or None
        Length of a voxel along each axis in units of the shortest; ``None`` to estimate that along Z.
    diameter : float or None
        Of the objects, in that unit (pixels along X, if it is to be estimated); ``None`` to try scales.
    prob_thresh : float or None
        Least probability of an object; ``None`` for the model's own, or what the volume asks for: more where
        grain looks like objects, less where nothing else is there.
    """
    guess = estimate(
        model, scene, voxel_size=voxel_size, diameter=diameter, prob_thresh=prob_thresh, progress=progress
    )
    if guess.candidates is not None:
        return guess, guess.candidates
    floor = model.floor(prob_thresh)
    if guess.diameter is None:
        return guess, Candidates.none(model.network.config.num_rays, floor)
    factor = model.diameter / guess.diameter
    return guess, at_scale(model, guess.view, guess.voxel_size, factor, floor, progress)


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """The size of a volume's objects, its proportions, and how probable objects must be."""

    diameter: float | None
    """In voxels of the finest axis; ``None`` if there are no clear objects of any size."""
    voxel_size: Vec
    """Length of a voxel along each axis in units of the shortest."""
    view: PreparedImage
    """The image, as it shows objects most clearly."""
    prob_thresh: float
    """Least probability of an object."""
    candidates: Candidates | None = None
    """Those of the whole volume at that size, if they had to be found."""
    notes: tuple[str, ...] = ()
    """Remarks for the user, a line each."""


class _Attempt(NamedTuple):
    """What a volume shows when its voxels are taken to have certain proportions, and seen in some way."""

    voxel_size: Vec
    scene: PreparedImage
    level: Level
    candidates: Candidates | None
    """Of all of the volume, if all of it was looked at."""

    @property
    def confidence(self) -> float:
        return self.level.evidence.confidence

    @property
    def magnification(self) -> float:
        """Along X, at which most is seen."""
        return self.level.factor * self.voxel_size[2]


class _Attempting(Protocol):
    """Looks at the volume with voxels of a size; as it is or as a scene, at all scales or near one."""

    def __call__(self, size: Vec, *, seen: PreparedImage = ..., near: float | None = None) -> _Attempt: ...


def estimate(
    model: Model,
    scene: PreparedImage,
    *,
    voxel_size: Vec | None,
    diameter: float | None,
    prob_thresh: float | None,
    progress: ProgressCallback | None = None,
) -> Estimate:
    """Settle what was not told from a part of the volume; parameters as for :func:`search`."""
    floor, own = model.floor(prob_thresh), model.threshold("prob_thresh", prob_thresh)
    if scene.settings.constant:
        return _nothing(scene, voxel_size, own, CONSTANT)

    def attempt(size: Vec, *, seen: PreparedImage = scene, near: float | None = None) -> _Attempt:
        if diameter is None:
            return _any_size(model, seen, size, near, floor, progress)
        # A diameter is told in the unit of the voxel size, or in pixels
        told = diameter if voxel_size is not None else diameter * size[1]
        return _told_size(model, seen, size, told, floor, progress)

    best = _best_proportions(attempt) if voxel_size is None else attempt(voxel_size)
    if best.confidence < _UNSURE:
        best = _best_view(best, attempt)
    notes = [*scene.settings.notes]
    z, _, x = best.voxel_size
    if voxel_size is None and z != x:
        apart = f"planes are taken to lie {z / x:.2g} pixels apart"
        notes.append(f"no voxel size is known; {apart}, where objects are clearest; else give the spacing")
    gamma, sigma = best.scene.settings.gamma, best.scene.settings.sigma
    changes = {f"smoothed by {max(sigma):g} voxels": any(sigma), f"with a gamma of {gamma:g}": gamma != 1}
    if any(changes.values()):
        how = " and ".join(change for change, made in changes.items() if made)
        notes.append(f"the image is seen {how}, which shows objects more clearly")
    if diameter is None:
        small = best.level.evidence.score > 0 and best.level.diameter < _SPECKS
        if best.confidence < (_NOTHING_BUT_SPECKS if small else _NOTHING):
            return _nothing(scene, voxel_size, own, "no clear objects at any size; give a diameter to insist")
        size = best.level.diameter
        if best.confidence < _DOUBTFUL:
            notes.append(
                "the objects found are doubtful; look at them, and give a diameter if their size is wrong"
            )
    else:
        size = diameter if voxel_size is not None else diameter * x
    final, settled = best, own
    if prob_thresh is None:
        settled = cutoff(best.level.probabilities, own)
        if diameter is None:
            final = _told_size(model, best.scene, best.voxel_size, size, floor, progress)
            # A few objects stand out of grain at the scale chosen for them, beads of fibres at the final one
            if settled <= own:
                settled = cutoff(final.level.probabilities, own)
    if settled > own:
        notes.append(f"{raised_to(settled)}, not {own:g} as usual")
    return Estimate(
        diameter=size,
        voxel_size=best.voxel_size,
        view=best.scene,
        prob_thresh=settled,
        candidates=final.candidates,
        notes=tuple(notes),
    )


def _nothing(scene: PreparedImage, voxel_size: Vec | None, prob_thresh: float, why: str) -> Estimate:
    size, notes = voxel_size or (1.0, 1.0, 1.0), (*scene.settings.notes, why)
    return Estimate(diameter=None, voxel_size=size, view=scene, prob_thresh=prob_thresh, notes=notes)


def _any_size(
    model: Model,
    scene: PreparedImage,
    voxel_size: Vec,
    near: float | None,
    floor: float,
    progress: ProgressCallback | None,
) -> _Attempt:
    """Try scales on a part of the volume; averaging over orientations is not worth its time here.

    All of them, or those around a magnification along X.
    """
    plain = replace(model, fast=False, tta=False)
    around = None if near is None else near / voxel_size[2]
    part = sample(scene, voxel_size)
    level = best_level(plain, scene, part, voxel_size, floor, progress=progress, near=around)
    return _Attempt(voxel_size, scene, level, None)


def _told_size(
    model: Model,
    scene: PreparedImage,
    voxel_size: Vec,
    diameter: float,
    floor: float,
    progress: ProgressCallback | None,
) -> _Attempt:
    """Try one scale on all of a small volume, or a part of a large one."""
    factor = model.diameter / diameter
    everything = np.prod(np.array(scene.shape) * np.array(voxel_size) * factor) <= _WHOLE_VOXELS
    part = sample(scene, voxel_size)
    box = whole_box(scene.shape) if everything else narrow(scene, part, voxel_size, factor, None)

    def first_look(done: int, total: int, stage: str) -> None:
        if progress is not None:
            progress(done, total, "first look")

    found = at_scale(model, scene.crop(box), voxel_size, factor, floor, first_look)
    level = judge(model, scene, box, voxel_size, factor, found)
    return _Attempt(voxel_size, scene, level, found if everything else None)


def _best_proportions(attempt: _Attempting) -> _Attempt:
    """Return the attempt, over distances between planes in pixels, that shows objects most clearly.

    Over the volumes of ``benchmarks`` whose proportions are known, confidence rises to them and falls beyond
    (docs/training-log.md): the distance is doubled, or halved, while that helps, then steps beside are tried.
    Where cubes show hardly anything, both ways are looked at first: noise alone makes small differences.
    Once anything is seen, other distances need only scales near that at which it is clearest.
    """
    tried: dict[float, _Attempt] = {}

    def confidence(apart: float) -> float:
        if apart not in tried:
            size = (apart, 1.0, 1.0) if apart >= 1 else (1.0, 1 / apart, 1 / apart)
            best = max(tried.values(), key=lambda made: made.confidence, default=None)
            near = best.magnification if best is not None and best.confidence >= _NOTHING else None
            tried[apart] = attempt(size, near=near)
        return tried[apart].confidence

    cubes = confidence(1.0)
    if cubes >= _CLEAR:
        return tried[1.0]
    apart, step = 1.0, 2.0 if confidence(2.0) > cubes else 0.5
    if cubes < _UNSURE:
        step = max(2.0, 0.5, key=confidence)
    while _NEAREST <= apart * step <= _FARTHEST and confidence(apart * step) > confidence(apart):
        apart *= step
    for beside, beyond in ((0.75 * apart, 0.5 * apart), (1.5 * apart, 2 * apart)):
        promising = apart != 1 or confidence(beyond) > cubes - 2 * _GAIN
        if promising and _NEAREST <= beside <= _FARTHEST:
            confidence(beside)
    best = max(tried.values(), key=lambda made: made.confidence)
    return best if best.confidence >= cubes + _GAIN else tried[1.0]


def _best_view(plain: _Attempt, attempt: _Attempting) -> _Attempt:
    """Return the attempt, with less noise and with gammas, that shows objects most clearly.

    Noise, or a gamma of 4 in an image, say, hides objects; the network's confidence tells
    (docs/training-log.md). A few objects are no reason: whoever tries often sees some in anything.
    """
    best = plain
    for sigma, gamma in ((_SMOOTHING, 1.0), *((0.0, gamma) for gamma in _GAMMAS)):
        made = attempt(plain.voxel_size, seen=_seen(plain, sigma, gamma))
        several = made.level.evidence.score >= _SEVERAL * made.level.heaviest
        if several and made.confidence >= best.confidence + _CLEARER:
            best = made
    return best


def _seen(plain: _Attempt, sigma: float, gamma: float) -> PreparedImage:
    """Return a scene with a gamma, or smoothed by ``sigma`` shortest edges of a voxel and spread anew."""
    if not sigma:
        return plain.scene.adjusted(gamma=gamma)
    z, y, x = (sigma / size for size in plain.voxel_size)
    scene = plain.scene.adjusted(gamma=gamma, sigma=(z, y, x))
    smooth = ResampledImage(prepared=scene, zoom=(1.0, 1.0, 1.0), device=torch.device("cpu"))
    part = smooth.read(sample(scene, plain.voxel_size))
    if part is None:
        return scene
    limits = intensity_limits(part.numpy()[0, 0])
    return plain.scene.adjusted(gamma=gamma, sigma=(z, y, x), smoothed_limits=limits)
