"""What the report displays of a volume: scores, errors, distributions, objects to look at, slices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import numpy as np

from anystar.arrays import LENGTH_UNITS, LengthUnit
from anystar.evaluate import (
    Errors,
    ObjectCounts,
    ObjectProperties,
    Scores,
    classify_errors,
    count_by_object,
    describe,
    mean_ap,
    outlier_scores,
)
from anystar.report.html.colouring import Colour, shades
from anystar.report.html.findings import Finding, difference_findings, error_findings, outlier_findings
from anystar.report.html.slices import Layer, Plane, cut_planes

__all__ = ["Prediction", "RunReport", "VolumeInput", "VolumeReport", "draw", "examine", "outline_colours"]

GROUND_TRUTH_COLOUR = (86, 220, 255)
OUTLINE_COLOURS = ((255, 176, 0), (255, 92, 168), (166, 140, 255), (120, 230, 110), (254, 97, 0))
"""Colours of the runs' outlines, in turn: bright, as they lie on grey; distinct for the colour-blind."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Prediction:
    """The objects that one run found in a volume."""

    labels: np.ndarray
    "(Z, Y, X) int, 0 is background."
    probability: Mapping[int, float] | None = None
    "Confidence by label."


@dataclass(frozen=True, kw_only=True, eq=False)
class VolumeInput:
    """A volume to report on; all arrays of one shape ``(Z, Y, X)``."""

    name: str
    predictions: Mapping[str, Prediction]
    "By the run's name; at least one."
    image: np.ndarray | None = None
    "The grey values, any real type."
    ground_truth: np.ndarray | None = None
    "The true labels."
    spacing: tuple[float, float, float] | None = None
    "Size of a voxel along Z, Y, X."
    unit: Literal["um", "relative"] = "um"
    "Unit of the spacing."
    length_unit: LengthUnit = "um"
    "Unit in which lengths are reported."


@dataclass(frozen=True, kw_only=True, eq=False)
class RunReport:
    """The results of one run on a volume."""

    run: str
    objects: int
    "Number of objects found."
    diameter: np.ndarray
    "(N,) diameter of the ball of each object's volume, in the volume's unit, or voxels without a spacing."
    intensity: np.ndarray | None
    "(N,) mean of the image in each object."
    probability: np.ndarray | None
    "(N,) confidence; NaN where it is not known."
    outliers: int
    counts: ObjectCounts | None = None
    "What each object contributes to the scores, if there is a ground truth."
    errors: Mapping[str, tuple[int, int]] | None = None
    "True and predicted objects of each kind, at one threshold."
    findings: tuple[Finding, ...] = ()
    "What to look at, the worst first."
    more: int = 0
    "Number of further findings."

    @property
    def scores(self) -> tuple[Scores, ...]:
        """One per threshold, if there is a ground truth."""
        return () if self.counts is None else self.counts.scores()

    @property
    def severity(self) -> float:
        """1 - mean AP; without a ground truth, the share of outliers. Volumes are listed from the highest."""
        if self.counts is not None:
            return 1 - mean_ap(self.scores)
        return self.outliers / self.objects if self.objects else 1.0


@dataclass(frozen=True, kw_only=True)
class Difference:
    """The objects that differ between two runs."""

    runs: tuple[str, str]
    agree: int
    "Number of objects that both found, with an overlap above the threshold."
    findings: tuple[Finding, ...]
    "What differs, the greatest difference first."
    more: int
    "Number of further differences."


@dataclass(frozen=True, kw_only=True, eq=False)
class VolumeReport:
    """The results of all runs on a volume."""

    name: str
    shape: tuple[int, int, int]
    spacing: tuple[float, float, float] | None
    unit: str
    length_unit: LengthUnit
    run_reports: tuple[RunReport, ...]
    true_objects: int | None
    "Number of true objects, if there is a ground truth."
    true_diameter: np.ndarray | None
    "(T,) as in :class:`RunReport`."
    has_image: bool
    differences: tuple[Difference, ...] = ()
    "Between each run and the next."
    planes: tuple[Plane, ...] = ()
    "Slices, for the volumes that are displayed."

    @property
    def severity(self) -> float:
        """Mean over the runs."""
        return sum(v.severity for v in self.run_reports) / len(self.run_reports)


def worst_first(volumes: Sequence[VolumeReport]) -> list[VolumeReport]:
    """Return volumes in the order of the report: those with a ground truth first, each group worst first."""
    return sorted(volumes, key=lambda v: (v.true_objects is None, -v.severity, v.name))


def examine(subject: VolumeInput, *, threshold: float = 0.5, most: int = 12) -> VolumeReport:
    """Score and describe one volume, with up to ``most`` findings per run.

    ``threshold`` is the overlap from which an object counts as found where errors are sorted by kind.
    """
    shape = next(iter(subject.predictions.values())).labels.shape
    ground_truth = None if subject.ground_truth is None else describe(subject.ground_truth)
    run_reports = []
    for run, prediction in subject.predictions.items():
        objects = describe(prediction.labels, subject.image)
        known = prediction.probability
        probability = None if known is None else np.array([known.get(int(n), np.nan) for n in objects.label])
        outliers = outlier_scores(objects, probability)
        run_report = RunReport(
            run=run,
            objects=len(objects),
            diameter=_diameter(objects, subject),
            intensity=objects.intensity,
            probability=probability,
            outliers=sum(d.score >= 1 for d in outliers),
        )
        if subject.ground_truth is None or ground_truth is None:
            found = outlier_findings(objects, outliers)
        else:
            errors = _errors(subject.ground_truth, prediction.labels, threshold)
            found = error_findings(errors, ground_truth, objects)
            counts = count_by_object(subject.ground_truth, prediction.labels)
            run_report = replace(run_report, counts=counts, errors=errors.counts())
        run_reports.append(replace(run_report, findings=tuple(found[:most]), more=max(0, len(found) - most)))
    return VolumeReport(
        name=subject.name,
        shape=(shape[0], shape[1], shape[2]),
        spacing=subject.spacing,
        unit=subject.unit,
        length_unit=subject.length_unit,
        run_reports=tuple(run_reports),
        true_objects=None if ground_truth is None else len(ground_truth),
        true_diameter=None if ground_truth is None else _diameter(ground_truth, subject),
        has_image=subject.image is not None,
        differences=_differences(subject, threshold, most),
    )


def _differences(subject: VolumeInput, threshold: float, most: int) -> tuple[Difference, ...]:
    """Return what differs between each run and the next."""
    properties = {run: describe(prediction.labels) for run, prediction in subject.predictions.items()}
    made = []
    for first, second in pairwise(subject.predictions):
        one, other = (subject.predictions[run].labels for run in (first, second))
        errors = _errors(one, other, threshold)
        found = difference_findings(errors, properties[first], properties[second], (first, second))
        agree, more = errors.true.count("found"), max(0, len(found) - most)
        made.append(Difference(runs=(first, second), agree=agree, findings=tuple(found[:most]), more=more))
    return tuple(made)


def _errors(ground_truth: np.ndarray, pred: np.ndarray, threshold: float) -> Errors:
    return classify_errors(ground_truth, pred, threshold=threshold, loose=min(0.1, threshold))


def _diameter(objects: ObjectProperties, subject: VolumeInput) -> np.ndarray:
    known = subject.spacing is not None and subject.unit == "um"
    edges = np.array(subject.spacing) / LENGTH_UNITS[subject.length_unit] if known else np.ones(3)
    voxel = float(np.prod(edges))
    return (6 / np.pi * objects.volume_vox * voxel) ** (1 / 3)


def outline_colours(examined: VolumeReport) -> list[Sequence[Colour]]:
    """Return the colours of the outlines of each layer: of the ground truth if there is one, of each run.

    Objects of a layer that touch have different ones: shades of the layer's colour, or all colours if it is
    the only layer.
    """
    count = len(examined.run_reports)
    runs = [OUTLINE_COLOURS[number % len(OUTLINE_COLOURS)] for number in range(count)]
    if examined.true_objects is not None:
        return [shades(colour) for colour in (GROUND_TRUTH_COLOUR, *runs)]
    return [OUTLINE_COLOURS] if count == 1 else [shades(colour) for colour in runs]


def draw(examined: VolumeReport, subject: VolumeInput, *, most: int = 32) -> VolumeReport:
    """Add slices with outlines: the ground truth's, then each run's; listed findings are bold."""
    layers = []
    differing = [f for difference in examined.differences for f in difference.findings]
    every = [f for v in examined.run_reports for f in v.findings] + differing
    colours = outline_colours(examined)
    if subject.ground_truth is not None:
        marked = np.array([f.label for f in every if f.side == "ground truth"], np.int64)
        layers.append(
            Layer(name="ground truth", labels=subject.ground_truth, colours=colours[0], marked=marked)
        )
    for run_report, own in zip(examined.run_reports, colours[len(layers) :], strict=True):
        listed = [f.label for f in run_report.findings if f.side == "prediction"]
        listed += [f.label for f in differing if f.side == run_report.run]
        labels, marked = subject.predictions[run_report.run].labels, np.array(listed, np.int64)
        layers.append(Layer(name=run_report.run, labels=labels, colours=own, marked=marked))
    wanted = np.array([f.position for f in every]).reshape(-1, 3)
    planes = cut_planes(
        subject.image, layers, spacing=subject.spacing or (1.0, 1.0, 1.0), most=most, wanted=wanted
    )
    return replace(examined, planes=planes)
