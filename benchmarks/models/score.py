"""One volume through a model or the classical pipeline, to numbers that can be stored."""

import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage

import anystar
from anystar.evaluate import Scores, match_centres, match_labels
from benchmarks.accuracy.classical import segment_classical
from benchmarks.accuracy.volumes import Sample
from benchmarks.models.cache import cached_classical
from benchmarks.models.suite import Task

CENTRE_DISTANCE = 8.0
"""Of a found centre from a true one, in the unit of the spacing: half of a typical nucleus."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Counts at each overlap threshold, or, where only centres are known, at one distance."""

    num_true: int
    num_pred: int
    tp: tuple[int, ...]
    "Matched pairs at each of the thresholds 0.1 to 0.9; a single number for centres."
    seconds: float
    diameter_vox: float | None = None
    "That the volume was scaled for, in voxels of the finest axis."

    @property
    def accuracies(self) -> tuple[float, ...]:
        """TP / (TP + FP + FN) at each threshold; 1 if there is nothing and nothing is found."""
        union = [self.num_true + self.num_pred - tp for tp in self.tp]
        return tuple(tp / u if u else 1.0 for tp, u in zip(self.tp, union, strict=True))

    @property
    def f1(self) -> float:
        """2 TP / (2 TP + FP + FN) at the first threshold."""
        total = self.num_true + self.num_pred
        return 2 * self.tp[0] / total if total else 1.0

    @property
    def half(self) -> float:
        """Accuracy at an overlap of 0.5."""
        return self.accuracies[4]

    @property
    def mean(self) -> float:
        """Mean accuracy over the thresholds."""
        return sum(self.accuracies) / len(self.accuracies)


def add_outcomes(outcomes: list[Outcome]) -> Outcome:
    """Add up the counts of several volumes: every object weighs the same."""
    diameters = [o.diameter_vox for o in outcomes if o.diameter_vox is not None]
    return Outcome(
        num_true=sum(o.num_true for o in outcomes),
        num_pred=sum(o.num_pred for o in outcomes),
        tp=tuple(sum(column) for column in zip(*(o.tp for o in outcomes), strict=True)),
        seconds=sum(o.seconds for o in outcomes),
        diameter_vox=float(np.median(diameters)) if diameters else None,
    )


def segment(
    model: anystar.Model,
    sample: Sample,
    *,
    true_diameter: bool = False,
    unknown_spacing: bool = False,
    tta: bool = False,
    fast: bool = False,
) -> tuple[anystar.Result, float]:
    """Return what the model finds, and the seconds it took."""
    spacing = None if unknown_spacing else sample.image.spacing
    diameter = sample.diameter if true_diameter else None
    if diameter is not None and unknown_spacing and sample.image.spacing is not None:
        diameter /= min(sample.image.spacing)
    start = time.perf_counter()
    result = model.segment(
        sample.image.data,
        spacing=spacing,
        diameter=diameter,
        tta=tta,
        fast=fast,
    )
    return result, time.perf_counter() - start


def judge(sample: Sample, result: anystar.Result, seconds: float) -> Outcome:
    """Compare a model's result with the ground truth."""
    return _compare(sample, result.labels, result.objects.centroid_vox, seconds, result.diameter_vox)


def classical_outcomes(task: Task, cache: Path) -> tuple[Outcome, Outcome]:
    """Return the classical pipeline given diameter and polarity: as it is, and with smoothed distances."""
    stored = cached_classical(
        cache,
        task.sample,
        lambda: {"outcomes": [asdict(_run_classical(task.sample, s)) for s in (False, True)]},
    )
    plain, smoothed = (Outcome(**o | {"tp": tuple(o["tp"])}) for o in stored["outcomes"])
    return plain, smoothed


def _run_classical(sample: Sample, smooth_depth: bool) -> Outcome:
    image = sample.image.data.astype(np.float32)
    if sample.labels is not None and _is_dark(image, sample.labels):
        image = image.max() - image
    start = time.perf_counter()
    labels = np.zeros(image.shape, np.int32)
    if sample.diameter is not None:
        labels = segment_classical(
            image, spacing=sample.image.spacing, diameter=sample.diameter, smooth_depth=smooth_depth
        )
    seconds = time.perf_counter() - start
    centres = ndimage.center_of_mass(labels > 0, labels, np.arange(1, labels.max() + 1))
    return _compare(sample, labels, np.reshape(centres, (-1, 3)), seconds, None)


def _is_dark(image: np.ndarray, labels: np.ndarray) -> bool:
    inside = labels > 0
    return bool(inside.any() and not inside.all() and image[inside].mean() < image[~inside].mean())


def _compare(
    sample: Sample, labels: np.ndarray, centres: np.ndarray, seconds: float, diameter: float | None
) -> Outcome:
    scores: tuple[Scores, ...] | tuple
    if sample.labels is not None:
        scores = match_labels(sample.labels, labels)
    else:
        assert sample.centres is not None
        spacing = sample.image.spacing or (1.0, 1.0, 1.0)
        scores = (match_centres(sample.centres, centres, max_distance=CENTRE_DISTANCE, spacing=spacing),)
    return Outcome(
        num_true=scores[0].num_true,
        num_pred=scores[0].num_pred,
        tp=tuple(s.tp for s in scores),
        seconds=seconds,
        diameter_vox=diameter,
    )
