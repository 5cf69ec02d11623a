"""The line from image to labels: prepare, search the scale, choose the threshold, detect, make instances."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from anystar.arrays import VoxelSize
from anystar.box import triple
from anystar.predict.adaptive_threshold import choose_threshold, threshold_notes
from anystar.predict.calibration import Calibration
from anystar.predict.candidates import Candidates
from anystar.predict.detector import Detector
from anystar.predict.instances import InstanceStages, candidates_to_instances
from anystar.predict.notes import Note
from anystar.predict.options import ModelDefaults, PredictionOptions, diameter_in_edges
from anystar.predict.other_sizes import RunnerUp, report_sizes
from anystar.predict.result import Result
from anystar.predict.scale_search import SearchConfig, SearchResult, search_scale
from anystar.predict.scale_search.search import SecondScale
from anystar.predict.scale_search.trial import Trials
from anystar.preprocess import PreparedImage, Preprocessing
from anystar.preprocess.arrays import ArrayLike, Vec
from anystar.runtime.progress import Progress

__all__ = ["Choices", "choose", "detect", "segment"]


@dataclass(frozen=True, kw_only=True)
class Choices(InstanceStages):
    """What is chosen for one image before it is segmented: all that the segmentation depends on.

    The aspect ratio and the threshold are given or estimated.
    """

    plane: tuple[float, float] | None = None
    """Micrometres along Y and X where only the distance between planes was not known."""
    diameter: float | None = None
    """Diameter of the objects in shortest edges; ``None`` if there are no objects."""
    zoom: float = 1.0
    """Voxels that the network sees per shortest edge."""
    second: SecondScale | None = None
    """How objects of a much different size are found, if there are any beside the others."""
    floor: float
    """Lowest probability of a candidate that is kept."""
    notes: tuple[Note, ...] = ()
    """Remarks for the user."""
    runner_up: RunnerUp | None = None
    """The next best size of objects, if scales were tried and there is one."""

    @property
    def passes(self) -> tuple[tuple[float, float], ...]:
        """Zoom and lowest probability of a candidate in each pass of the network over the image."""
        first = (self.zoom, self.floor)
        return (first,) if self.second is None else (first, (self.second.zoom, self.second.prob_thresh))

    def zooms(self, zoom: float) -> Vec:
        """Return the voxels that the network sees per voxel of the image, along Z, Y, X."""
        return triple(edge * zoom for edge in self.aspect)

    def lengths(self, voxel_size: VoxelSize | None) -> VoxelSize:
        """Return the voxel size that lengths are measured by, given that of the image if it is known.

        Where only the distance between planes is not known, it is the estimated one.
        """
        if voxel_size is not None:
            return voxel_size.lengths
        if self.plane is None:
            return VoxelSize(self.aspect, "relative")
        y, x = self.plane
        return VoxelSize((self.aspect[0] / self.aspect[2] * x, y, x))


def segment(
    image: np.ndarray,
    voxel_size: VoxelSize | None,
    detector: Detector,
    defaults: ModelDefaults,
    options: PredictionOptions,
    *,
    config: SearchConfig,
    plane: tuple[float, float] | None = None,
    progress: Progress | None = None,
) -> Result:
    """Segment an image ``(Z, Y, X)`` in memory that :func:`anystar.preprocess.intensity.check_image` accepts.

    What ``options`` leave open is the model's own, in ``defaults``, or estimated. ``plane`` are micrometres
    along Y and X, if only the distance between planes is not known.
    """
    start = time.perf_counter()
    prepared, chosen = choose(
        image, voxel_size, detector, defaults, options, config=config, plane=plane, progress=progress
    )
    candidates = detect(prepared, chosen, detector, tta=options.tta, progress=progress)
    seconds = time.perf_counter() - start
    instances = candidates_to_instances(candidates, triple(image.shape), chosen, detector.device)
    return Result(
        labels=instances.labels,
        objects=instances.objects,
        voxel_size=chosen.lengths(voxel_size),
        prob_thresh=chosen.prob_thresh,
        nms_thresh=chosen.nms_thresh,
        diameter_vox=chosen.diameter,
        second_diameter_vox=None if chosen.second is None else chosen.second.diameter,
        runner_up=chosen.runner_up,
        notes=(*chosen.notes, *candidates.notes),
        timings={"network": seconds, **instances.timings},
        preprocessing=chosen.preprocessing,
        calibration=chosen.calibration,
        candidates=candidates,
    )


def choose(
    image: ArrayLike,
    voxel_size: VoxelSize | None,
    detector: Detector,
    defaults: ModelDefaults,
    options: PredictionOptions,
    *,
    config: SearchConfig,
    plane: tuple[float, float] | None = None,
    progress: Progress | None = None,
) -> tuple[PreparedImage, Choices]:
    """Prepare an image, search the scale and choose the threshold; arguments as in :func:`segment`.

    The image may be one that is read box by box.
    """
    _given_diameter(options, voxel_size, plane, image.shape)  # refused before any work
    prepared = Preprocessing.fit(image, illumination=options.illumination).apply(image)
    trials = Trials(
        detector=detector,
        image=prepared,
        config=config,
        prob_thresh=defaults.prob_thresh,
        floor=defaults.floor(options),
        object_diameter=defaults.object_diameter(options),
        tta=options.tta,
        progress=progress,
    )
    cubic = None if options.aspect else (1.0, 1.0, 1.0)
    found = search_scale(
        trials,
        aspect=cubic if voxel_size is None else voxel_size.aspect,
        diameter=_given_diameter(options, voxel_size, plane, prepared.shape),
        appearance=options.appearance,
    )
    if voxel_size is None:
        unit = (1.0 if plane is None else min(plane)) / found.aspect[2]
    else:
        unit = min(voxel_size.lengths.spacing)
    runner_up, sizes = report_sizes(found, prepared.shape, unit=unit)
    prob_thresh, calibration, adapted = _thresholds(found, defaults, options)
    second = found.second
    if second is not None and options.prob_thresh is not None:  # a threshold that is given is for all objects
        second = replace(second, prob_thresh=max(second.prob_thresh, options.prob_thresh))
    chosen = Choices(
        preprocessing=found.preprocessing,
        plane=plane if voxel_size is None else None,
        aspect=found.aspect,
        diameter=found.diameter,
        zoom=1.0 if found.diameter is None else trials.object_diameter / found.diameter,
        second=second,
        prob_thresh=prob_thresh,
        nms_thresh=defaults.nms_thresh if options.nms_thresh is None else options.nms_thresh,
        floor=trials.floor,
        calibration=calibration,
        notes=(*(Note(*note) for note in prepared.settings.notes), *found.notes, *sizes, *adapted),
        runner_up=runner_up,
    )
    if chosen.plane is not None and chosen.diameter is not None:
        chosen = replace(chosen, notes=_estimated(chosen))
    return replace(prepared, settings=found.preprocessing), chosen


def _thresholds(
    found: SearchResult, defaults: ModelDefaults, options: PredictionOptions
) -> tuple[float, Calibration | None, tuple[Note, ...]]:
    """Return the probability threshold, the calibration that goes with it, and remarks on both."""
    usual = defaults.prob_thresh if options.prob_thresh is None else options.prob_thresh
    adapt = options.threshold and options.prob_thresh is None
    if not adapt and defaults.calibration is None:
        return usual, None, ()
    adaptive = choose_threshold(found.probabilities, defaults.prob_thresh)
    calibration = None if defaults.calibration is None else defaults.calibration.at(adaptive)
    if not adapt:
        return usual, calibration, ()
    notes = threshold_notes(adaptive, usual, found.probabilities[-1]) if found.probabilities else ()
    return adaptive, calibration, notes


def _given_diameter(
    options: PredictionOptions,
    voxel_size: VoxelSize | None,
    plane: tuple[float, float] | None,
    shape: Sequence[int],
) -> float | None:
    """Return the given diameter in shortest edges, or in pixels along X if no aspect ratio is known.

    ``InputError`` if no object of a volume of that shape can have such a diameter.
    """
    if voxel_size is None and plane is not None:
        voxel_size = VoxelSize((plane[1], *plane))
    return diameter_in_edges(options.diameter, voxel_size, shape)


def _estimated(chosen: Choices) -> tuple[Note, ...]:
    """Return the notes with one on what follows from an estimated distance between planes."""
    z, _, x = chosen.lengths(None).spacing
    text = (
        f"planes are taken to lie {z:.3g} um apart, {z / x:.2g} pixels, where objects are clearest; lengths "
        "along Z, volumes and surfaces follow from this estimate; else give spacing=(Z, Y, X)"
    )
    return (*(note for note in chosen.notes if note.kind != "aspect"), Note("aspect", text))


def detect(
    prepared: PreparedImage,
    chosen: Choices,
    detector: Detector,
    *,
    tta: bool,
    progress: Progress | None = None,
) -> Candidates:
    """Return the candidates of an image as :func:`choose` prepared it, lengths in shortest edges."""
    if chosen.diameter is None:
        return Candidates.none(detector.rays, chosen.floor)
    parts = []
    for number, (zoom, floor) in enumerate(chosen.passes):
        found = detector.detect(prepared, chosen.zooms(zoom), floor=floor, tta=tta, progress=progress)
        parts.append(found.scaled(1 / zoom).in_group(number))
    return parts[0] if len(parts) == 1 else Candidates.joined(parts)
