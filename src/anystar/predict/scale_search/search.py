"""The search for scale, aspect ratio and appearance, guided by the network's confidence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from anystar.predict.adaptive_threshold import choose_threshold
from anystar.predict.notes import CONSTANT, NOTHING, Note
from anystar.predict.scale_search.appearance import search_appearance
from anystar.predict.scale_search.aspect import search_aspect
from anystar.predict.scale_search.evidence import ScaleEvidence
from anystar.predict.scale_search.scales import find_second
from anystar.predict.scale_search.trial import Setting, Trial, Trials
from anystar.preprocess import Preprocessing
from anystar.preprocess.arrays import Vec

__all__ = ["SearchResult", "SecondScale", "search_scale"]


@dataclass(frozen=True, kw_only=True)
class SecondScale:
    """A scale at which objects are found that those of the first scale leave over."""

    diameter: float
    """Diameter of the objects in shortest edges of a voxel."""
    zoom: float
    """Voxels that the network sees per shortest edge."""
    prob_thresh: float
    """Lowest probability of an object."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SearchResult:
    """The scale at which an image is segmented."""

    diameter: float | None
    """Diameter of the objects in shortest edges of a voxel; ``None`` if there are no clear objects."""
    aspect: Vec
    """Edges of a voxel along Z, Y, X, in units of the shortest."""
    preprocessing: Preprocessing
    """The preprocessing under which the image shows its objects most clearly."""
    probabilities: tuple[np.ndarray, ...] = ()
    """Probabilities of the objects in the trials from which the threshold is chosen."""
    best: ScaleEvidence | None = None
    """What the chosen scale shows, unless there are no clear objects."""
    runner_up: ScaleEvidence | None = None
    """The best scale whose objects have another size, if scales were tried and there is one."""
    second: SecondScale | None = None
    """The scale at which further objects are found, if there are some of a much different size."""
    notes: tuple[Note, ...] = ()
    """Remarks for the user."""


def search_scale(
    trials: Trials,
    *,
    aspect: Vec | None,
    diameter: float | None,
    appearance: bool = True,
) -> SearchResult:
    """Choose the scale of an image.

    Parameters
    ----------
    trials : Trials
        The image and the detector.
    aspect : three floats or None
        Edges of a voxel in units of the shortest; ``None`` to try distances between planes.
    diameter : float or None
        Diameter of the objects in these units, or in pixels along X without ``aspect``; ``None`` to try
        scales.
    appearance : bool
        Whether to try smoothing and gammas.
    """
    config = trials.config
    if trials.image.settings.constant:
        note = Note(CONSTANT, "the image is constant: there is nothing to find")
        return _nothing(trials, aspect, note)

    def score(setting: Setting) -> Trial:
        if diameter is None:
            return trials.any_scale(setting)
        return trials.at_diameter(setting, _in_edges(diameter, aspect, setting))

    best = search_aspect(score, config) if aspect is None else score(Setting(aspect=aspect))
    if appearance and best.confidence < config.unsure:
        best = search_appearance(best, score, config)
    notes = _remarks(best, aspect)
    found = best.best
    if diameter is None:
        small = found.evidence.score > 0 and found.diameter < config.speck_diameter
        if best.confidence < (config.min_speck_confidence if small else config.min_confidence):
            note = Note(NOTHING, "no clear objects at any size; give a diameter to insist")
            return _nothing(trials, aspect, note, best.runner_up)
        if best.confidence < config.uncertain:
            advice = "look at them, and give a diameter if their size is wrong"
            notes.append(Note("uncertain", f"the objects found are uncertain; {advice}"))
    size = found.diameter if diameter is None else _in_edges(diameter, aspect, best.setting)
    probabilities = [found.probabilities]
    second = None
    if diameter is None:
        # Texture shows beside a few objects at the scale of the search, beads of fibres at the final one
        final = trials.at_diameter(best.setting, size)
        probabilities.append(final.best.probabilities)
        second = _second_scale(trials, best, final)
    return SearchResult(
        diameter=size,
        aspect=best.setting.aspect,
        preprocessing=best.preprocessing,
        probabilities=tuple(probabilities),
        best=found,
        runner_up=best.runner_up,
        second=second,
        notes=tuple(notes),
    )


def _second_scale(trials: Trials, best: Trial, final: Trial) -> SecondScale | None:
    """Return the second scale, if there are clear objects of a much different size that the final zoom
    misses, and that are as clear at a zoom of their own.
    """
    missed = find_second(final.best, best.tried, trials.config)
    if missed is None:
        return None
    made = trials.at_diameter(best.setting, missed.diameter, part=final.box, around=missed).best
    beside = made.beside(final.best)
    if not beside.is_clear(trials.config):
        return None
    prob_thresh = choose_threshold([beside.probabilities], trials.prob_thresh)
    return SecondScale(
        diameter=beside.diameter,
        zoom=trials.object_diameter / beside.diameter,
        prob_thresh=max(prob_thresh, trials.prob_thresh),
    )


def _in_edges(diameter: float, aspect: Vec | None, setting: Setting) -> float:
    """Return a diameter in shortest edges: it is in pixels if the aspect ratio was not given."""
    return diameter if aspect is not None else diameter * setting.aspect[2]


def _remarks(best: Trial, aspect: Vec | None) -> list[Note]:
    """Return the remarks on an estimated aspect ratio and on an adjusted appearance."""
    notes = []
    z, _, x = best.setting.aspect
    if aspect is None and z != x:
        apart = f"planes are taken to lie {z / x:.2g} pixels apart"
        text = f"no voxel size is known; {apart}, where objects are clearest; else give the spacing"
        notes.append(Note("aspect", text))
    gamma, sigma = best.preprocessing.gamma, best.preprocessing.sigma
    changes = {
        f"smoothed by {max(sigma):g} voxels": any(sigma),
        f"adjusted with a gamma of {gamma:g}": gamma != 1,
    }
    if any(changes.values()):
        how = " and ".join(change for change, made in changes.items() if made)
        notes.append(Note("appearance", f"the image was {how}, which shows objects more clearly"))
    return notes


def _nothing(
    trials: Trials, aspect: Vec | None, note: Note, runner_up: ScaleEvidence | None = None
) -> SearchResult:
    return SearchResult(
        diameter=None,
        aspect=aspect or (1.0, 1.0, 1.0),
        preprocessing=trials.image.settings,
        runner_up=runner_up,
        notes=(note,),
    )
