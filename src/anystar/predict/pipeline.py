"""The line from image to labels: prepare, search the scale, choose the threshold, detect, make instances."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
import torch

from anystar.arrays import VoxelSize
from anystar.predict.adaptive_threshold import choose_threshold, threshold_note
from anystar.predict.candidates import Candidates
from anystar.predict.detector import Detector, ProgressCallback
from anystar.predict.instances import InstanceStages, candidates_to_instances
from anystar.predict.notes import THRESHOLD, Note
from anystar.predict.options import ModelDefaults, PredictionOptions, diameter_in_edges
from anystar.predict.result import Result
from anystar.predict.scale_search import SearchConfig, search_scale
from anystar.predict.scale_search.evidence import ScaleEvidence
from anystar.predict.scale_search.trial import Trials
from anystar.preprocess import PreparedImage, Preprocessing
from anystar.preprocess.arrays import Vec

__all__ = ["Choices", "RunnerUp", "choose", "detect", "segment"]


@dataclass(frozen=True, kw_only=True)
class RunnerUp:
    """The best scale of those whose objects have another size than the chosen one."""

    diameter: float
    """Median diameter of its objects, in shortest edges."""
    score: float
    """Evidence for it."""
    confidence: float
    """Mean probability of its objects, weighted by their evidence."""

    @classmethod
    def of(cls, scale: ScaleEvidence | None) -> RunnerUp | None:
        """Return the summary of a scale."""
        if scale is None:
            return None
        return cls(diameter=scale.diameter, score=scale.evidence.score, confidence=scale.evidence.confidence)


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What is chosen for one image before it is segmented: all that the segmentation depends on."""

    preprocessing: Preprocessing
    """What is done to the intensities."""
    aspect: Vec
    """Edges of a voxel along Z, Y, X, in units of the shortest; given or estimated."""
    diameter: float | None = None
    """Diameter of the objects in shortest edges; ``None`` if there are no objects."""
    zoom: float = 1.0
    """Voxels that the network sees per shortest edge."""
    prob_thresh: float
    """Lowest probability of an object; given or adapted."""
    nms_thresh: float
    """Overlap above which the less probable of two objects is dropped."""
    floor: float
    """Lowest probability of a candidate that is kept."""
    notes: tuple[Note, ...] = ()
    """Remarks for the user."""
    runner_up: RunnerUp | None = None
    """The next best size of objects, if scales were tried and there is one."""

    @property
    def zooms(self) -> Vec:
        """Voxels that the network sees per voxel of the image, along Z, Y, X."""
        z, y, x = (edge * self.zoom for edge in self.aspect)
        return z, y, x

    def instance_stages(self, device: torch.device | None = None) -> InstanceStages:
        """Return the stages from candidates to instances; on the CPU by default."""
        return InstanceStages(
            aspect=self.aspect,
            prob_thresh=self.prob_thresh,
            nms_thresh=self.nms_thresh,
            preprocessing=self.preprocessing,
            device=device or torch.device("cpu"),
        )

    def lengths(self, voxel_size: VoxelSize | None) -> VoxelSize:
        """Return the voxel size that lengths are measured by, given that of the image if it is known."""
        return VoxelSize(self.aspect, "relative") if voxel_size is None else voxel_size.lengths


def segment(
    image: np.ndarray,
    voxel_size: VoxelSize | None,
    detector: Detector,
    defaults: ModelDefaults,
    options: PredictionOptions,
    *,
    config: SearchConfig,
    progress: ProgressCallback | None = None,
) -> Result:
    """Segment an image in memory.

    Parameters
    ----------
    image : array, shape ``(Z, Y, X)``
        Checked by :func:`anystar.preprocess.intensity.check_image`.
    voxel_size : VoxelSize or None
    detector : Detector
    defaults : ModelDefaults
        What the model uses where ``options`` leave something open.
    options : PredictionOptions
    config : SearchConfig
    progress : callable, optional
        Called as ``progress(done, total, stage)``.
    """
    start = time.perf_counter()
    diameter_in_edges(options.diameter, voxel_size, image.shape)  # refused before any work
    prepared = Preprocessing.fit(image, illumination=options.illumination).apply(image)
    chosen = choose(prepared, voxel_size, detector, defaults, options, config=config, progress=progress)
    candidates = detect(prepared, chosen, detector, tta=options.tta, progress=progress)
    seconds = time.perf_counter() - start
    instances = candidates_to_instances(
        candidates,
        (image.shape[0], image.shape[1], image.shape[2]),
        chosen.instance_stages(detector.device),
    )
    return Result(
        labels=instances.labels,
        objects=instances.objects,
        voxel_size=chosen.lengths(voxel_size),
        prob_thresh=chosen.prob_thresh,
        nms_thresh=chosen.nms_thresh,
        diameter_vox=chosen.diameter,
        notes=(*chosen.notes, *candidates.notes),
        timings={"network": seconds, **instances.timings},
        preprocessing=chosen.preprocessing,
        candidates=candidates,
    )


def choose(
    prepared: PreparedImage,
    voxel_size: VoxelSize | None,
    detector: Detector,
    defaults: ModelDefaults,
    options: PredictionOptions,
    *,
    config: SearchConfig,
    progress: ProgressCallback | None = None,
) -> Choices:
    """Search the scale and choose the threshold; arguments as in :func:`segment`.

    The image may be one that is read box by box.
    """
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
    adapt = options.threshold and options.prob_thresh is None
    found = search_scale(
        trials,
        aspect=cubic if voxel_size is None else voxel_size.aspect,
        diameter=diameter_in_edges(options.diameter, voxel_size, prepared.shape),
        appearance=options.appearance,
        threshold=adapt,
    )
    usual = defaults.prob_thresh if options.prob_thresh is None else options.prob_thresh
    prob_thresh = choose_threshold(found.probabilities, usual) if adapt else usual
    raised = [Note(THRESHOLD, threshold_note(prob_thresh, usual))] if prob_thresh > usual else []
    return Choices(
        preprocessing=found.preprocessing,
        aspect=found.aspect,
        diameter=found.diameter,
        zoom=1.0 if found.diameter is None else trials.object_diameter / found.diameter,
        prob_thresh=prob_thresh,
        nms_thresh=defaults.nms_thresh if options.nms_thresh is None else options.nms_thresh,
        floor=trials.floor,
        notes=(*(Note(*note) for note in prepared.settings.notes), *found.notes, *raised),
        runner_up=RunnerUp.of(found.runner_up),
    )


def detect(
    prepared: PreparedImage,
    chosen: Choices,
    detector: Detector,
    *,
    tta: bool,
    progress: ProgressCallback | None = None,
) -> Candidates:
    """Return the candidates of an image as was chosen for it, lengths in shortest edges of its voxels."""
    if chosen.diameter is None:
        return Candidates.none(detector.rays, chosen.floor)
    image = replace(prepared, settings=chosen.preprocessing)
    found = detector.detect(image, chosen.zooms, floor=chosen.floor, tta=tta, progress=progress)
    return found.scaled(1 / chosen.zoom)
