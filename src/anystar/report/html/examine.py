"""What there is to say about a volume: scores, errors, distributions, objects to look at, slices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from anystar.evaluate import (
    THRESHOLDS,
    Described,
    Outcomes,
    Scores,
    classify_errors,
    describe,
    doubtful,
    find_outcomes,
    mean_accuracy,
)
from anystar.report.html.findings import Finding, findings_of_doubt, findings_of_errors
from anystar.report.html.slices import Layer, Plane, cut_planes

__all__ = [
    "OUTLINE_COLOURS",
    "TRUTH_COLOUR",
    "Examined",
    "Prediction",
    "Subject",
    "Verdict",
    "draw",
    "examine",
]

TRUTH_COLOUR = (86, 220, 255)
OUTLINE_COLOURS = ((255, 176, 0), (255, 92, 168), (166, 140, 255), (120, 230, 110), (254, 97, 0))
"""Of the runs' outlines, in turn; bright, since they lie on grey. They differ for the colour-blind too."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Prediction:
    """What one run made of a volume."""

    labels: np.ndarray
    "(Z, Y, X) int, 0 is background."
    probability: Mapping[int, float] | None = None
    "Confidence by label."


@dataclass(frozen=True, kw_only=True, eq=False)
class Subject:
    """A volume with everything that is known of it; all arrays of one shape ``(Z, Y, X)``."""

    name: str
    "What it is called, alike in all runs."
    predictions: Mapping[str, Prediction]
    "By the run's name; at least one."
    image: np.ndarray | None = None
    "The grey values, any real type."
    truth: np.ndarray | None = None
    "The true labels."
    spacing: tuple[float, float, float] | None = None
    "Of a voxel along Z, Y, X."
    unit: Literal["um", "relative"] = "um"
    "Of the spacing."


@dataclass(frozen=True, kw_only=True, eq=False)
class Verdict:
    """A volume in one run."""

    run: str
    "Whose."
    objects: int
    "How many were found."
    diameter: np.ndarray
    "(N,) diameter of the ball of each object's volume, in micrometres, or voxels without a spacing in them."
    intensity: np.ndarray | None
    "(N,) mean of the image in each object."
    probability: np.ndarray | None
    "(N,) confidence; NaN where it is not known."
    doubts: int
    "Objects that are unlike the others."
    outcomes: Outcomes | None = None
    "What each object contributes to the scores, if there is a truth."
    errors: Mapping[str, tuple[int, int]] | None = None
    "True and predicted objects of each kind, at one threshold."
    findings: tuple[Finding, ...] = ()
    "What to look at, the worst first."
    more: int = 0
    "Findings that are not listed."

    @property
    def scores(self) -> tuple[Scores, ...]:
        """A threshold each, if there is a truth."""
        return () if self.outcomes is None else self.outcomes.scores()

    @property
    def badness(self) -> float:
        """How bad it is, 0 to 1: what accuracy lacks; without a truth, the share of doubtful objects."""
        if self.outcomes is not None:
            return 1 - mean_accuracy(self.scores)
        return self.doubts / self.objects if self.objects else 1.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Examined:
    """A volume in all runs."""

    name: str
    shape: tuple[int, int, int]
    spacing: tuple[float, float, float] | None
    unit: str
    verdicts: tuple[Verdict, ...]
    true_objects: int | None
    "How many there are, if there is a truth."
    true_diameter: np.ndarray | None
    "(T,) as in :class:`Verdict`."
    has_image: bool
    planes: tuple[Plane, ...] = ()
    "Slices, of the volumes that are shown."

    @property
    def badness(self) -> float:
        """Mean over the runs."""
        return sum(v.badness for v in self.verdicts) / len(self.verdicts)


def worst_first(volumes: Sequence[Examined]) -> list[Examined]:
    """Return volumes in the order of the report: those with a truth first, each group the worst first."""
    return sorted(volumes, key=lambda v: (v.true_objects is None, -v.badness, v.name))


def examine(
    subject: Subject,
    *,
    thresholds: tuple[float, ...] = THRESHOLDS,
    threshold: float = 0.5,
    most: int = 12,
) -> Examined:
    """Score and describe one volume.

    Parameters
    ----------
    subject : Subject
        The arrays.
    thresholds : tuple of float
        Of the scores.
    threshold : float
        Overlap from which an object counts as found where errors are sorted by kind.
    most : int
        Findings a run.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    shape = next(iter(subject.predictions.values())).labels.shape
    truth = None if subject.truth is None else describe(subject.truth)
    verdicts = []
    for run, prediction in subject.predictions.items():
        objects = describe(prediction.labels, subject.image)
        known = prediction.probability
        probability = None if known is None else np.array([known.get(int(n), np.nan) for n in objects.label])
        doubts = doubtful(objects, probability)
        verdict = Verdict(
            run=run,
            objects=len(objects),
            diameter=_diameter(objects, subject),
            intensity=objects.intensity,
            probability=probability,
            doubts=sum(d.score >= 1 for d in doubts),
        )
        if subject.truth is None or truth is None:
            found = findings_of_doubt(objects, doubts)
        else:
            errors = classify_errors(
                subject.truth, prediction.labels, threshold=threshold, loose=min(0.1, threshold)
            )
            found = findings_of_errors(errors, truth, objects)
            outcomes = find_outcomes(subject.truth, prediction.labels, thresholds=thresholds)
            verdict = replace(verdict, outcomes=outcomes, errors=errors.counts())
        verdicts.append(replace(verdict, findings=tuple(found[:most]), more=max(0, len(found) - most)))
    return Examined(
        name=subject.name,
        shape=(shape[0], shape[1], shape[2]),
        spacing=subject.spacing,
        unit=subject.unit,
        verdicts=tuple(verdicts),
        true_objects=None if truth is None else len(truth),
        true_diameter=None if truth is None else _diameter(truth, subject),
        has_image=subject.image is not None,
    )


def _diameter(objects: Described, subject: Subject) -> np.ndarray:
    voxel = float(np.prod(subject.spacing)) if subject.spacing and subject.unit == "um" else 1.0
    return (6 / np.pi * objects.volume_vox * voxel) ** (1 / 3)


def draw(examined: Examined, subject: Subject, *, most: int = 32) -> Examined:
    """Add slices with outlines: the truth's, then each run's; what is listed as a finding is drawn bold."""
    layers = []
    every = [f for v in examined.verdicts for f in v.findings]
    if subject.truth is not None:
        marked = np.array([f.label for f in every if f.side == "truth"], np.int64)
        layers.append(Layer(name="truth", labels=subject.truth, colour=TRUTH_COLOUR, marked=marked))
    for number, verdict in enumerate(examined.verdicts):
        labels = subject.predictions[verdict.run].labels
        marked = np.array([f.label for f in verdict.findings if f.side == "prediction"], np.int64)
        colour = OUTLINE_COLOURS[number % len(OUTLINE_COLOURS)]
        dash = (number, len(examined.verdicts))
        layers.append(Layer(name=verdict.run, labels=labels, colour=colour, marked=marked, dash=dash))
    wanted = np.array([f.position for f in every]).reshape(-1, 3)
    planes = cut_planes(
        subject.image, layers, spacing=subject.spacing or (1.0, 1.0, 1.0), most=most, wanted=wanted
    )
    return replace(examined, planes=planes)
