"""One trial of the search: how clearly the image shows objects under one setting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from anystar.box import triple
from anystar.predict.candidates import Candidates
from anystar.predict.detector import Detector
from anystar.predict.scale_search.config import SearchConfig
from anystar.predict.scale_search.evidence import ScaleEvidence, weigh
from anystar.predict.scale_search.scales import best_scale, find_runner_up
from anystar.predict.scale_search.subvolume import choose_places, choose_subvolume, narrow, uncut
from anystar.preprocess import PreparedImage, Preprocessing
from anystar.preprocess.arrays import Box, PartInMemory, Vec, box_shape, corners, whole_box
from anystar.preprocess.intensity import intensity_limits
from anystar.preprocess.resample import ResampledImage
from anystar.runtime.progress import Progress

__all__ = ["Score", "Setting", "Trial", "Trials"]


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What is assumed of an image in one trial."""

    aspect: Vec
    """Edges of a voxel along Z, Y, X, in units of the shortest."""
    gamma: float = 1.0
    """Exponent of the rescaled intensities."""
    sigma: float = 0.0
    """Standard deviation of the smoothing, in shortest edges."""
    near: float | None = None
    """Zoom along X near which scales are tried; by default all are, and one if the diameter is known."""
    least: float = 0.0
    """Confidence without which at the zoom ``near`` no other is tried."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Trial:
    """A setting, and the best scale under it."""

    setting: Setting
    best: ScaleEvidence
    runner_up: ScaleEvidence | None = None
    """The best scale whose objects have another size, if there is one."""
    tried: tuple[ScaleEvidence, ...] = ()
    """All scales that were tried."""
    preprocessing: Preprocessing = Preprocessing()
    """The preprocessing of the image under the setting."""
    box: Box | None = None
    """What was tried at a known diameter."""

    @property
    def confidence(self) -> float:
        """Confidence of the best scale, in [0, 1]."""
        return self.best.evidence.confidence

    @property
    def zoom_x(self) -> float:
        """Zoom along X of the best scale."""
        return self.best.zoom * self.setting.aspect[2]


Score = Callable[[Setting], Trial]
"""Tries a setting; the search is a coordinate ascent over its confidence."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Trials:
    """Tries settings on an image with a detector."""

    detector: Detector
    image: PreparedImage
    config: SearchConfig
    prob_thresh: float
    """The model's own threshold."""
    floor: float
    """Lowest probability of a candidate."""
    object_diameter: float
    """Diameter of objects, in voxels that the network sees, at a known diameter."""
    tta: bool
    """Whether predictions are averaged over mirror images, at a known diameter."""
    progress: Progress | None = None
    _read: list[PartInMemory] = field(default_factory=list, init=False, repr=False)
    """The corrected part of the image that was searched last, at most one."""

    def any_scale(self, setting: Setting) -> Trial:
        """Try scales on a part of the image, without averaging: that would not be worth its time."""
        image = self._adjusted(setting)
        part = choose_subvolume(image, setting.aspect, self.config)
        image = self._with_part(image, part)
        size = np.array(setting.aspect)
        extent = float((np.array(box_shape(part)) * size).max())
        places_of: dict[float, list[Box]] = {}
        made: dict[str, ScaleEvidence] = {}

        def try_zoom(zoom: float, best: ScaleEvidence | None) -> ScaleEvidence:
            if best is not None and 0 < best.num_effective < self.config.few_objects:
                places = choose_places(image, part, setting.aspect, zoom, best, self.config)
            else:
                # Only where the best was tried can it be compared
                box = part if best is None else places_of[best.zoom][best.evident_box]
                places = [narrow(image, box, setting.aspect, zoom, best, self.config)]
            places_of[zoom], same = places, f"{zoom} {places}"
            if same not in made:
                made[same] = self._evidence(image, places, setting.aspect, zoom, tta=False, measure=False)
            return made[same]

        near = None if setting.near is None else setting.near / setting.aspect[2]
        best, tried = best_scale(
            try_zoom,
            extent=extent,
            config=self.config,
            near=near,
            least=setting.least,
            progress=self.progress,
        )
        return Trial(
            setting=setting,
            best=best,
            runner_up=find_runner_up(best, tried, self.config),
            tried=tuple(tried),
            preprocessing=image.settings,
        )

    def at_diameter(
        self,
        setting: Setting,
        diameter: float,
        *,
        part: Box | None = None,
        around: ScaleEvidence | None = None,
    ) -> Trial:
        """Try one scale, at a diameter in shortest edges, on all of a small image or a part of a large one.

        That is ``part``, if it is given. What is still too large is narrowed to where the objects ``around``
        are, by default where its structure is strongest.
        """
        image = self._adjusted(setting)
        zoom = self.object_diameter / diameter
        box = whole_box(image.shape) if part is None else part
        if (np.array(box_shape(box)) * np.array(setting.aspect) * zoom).prod() > self.config.whole_voxels:
            whole = part is None
            box = choose_subvolume(image, setting.aspect, self.config) if whole else box
            box = narrow(image, box, setting.aspect, zoom, around, self.config)
        image = self._with_part(image, box) if box == whole_box(image.shape) else image
        found = self._evidence(image, [box], setting.aspect, zoom, tta=self.tta, progress=self._first_look)
        return Trial(setting=setting, best=found, preprocessing=image.settings, box=box)

    def _with_part(self, image: PreparedImage, box: Box) -> PreparedImage:
        """Return an image whose box is in memory, corrected once for all trials that lie within it."""
        if isinstance(self.image.image, np.ndarray):
            return image
        if not self._read or self._read[0].box != box:
            self._read[:] = [PartInMemory.of(self.image.image, box)]
        return replace(image, image=self._read[0])

    def _adjusted(self, setting: Setting) -> PreparedImage:
        """Return the image with the gamma and the smoothing of a setting, spread to [0, 1] anew."""
        gamma, sigma = setting.gamma, setting.sigma
        if not sigma:
            return self.image if gamma == 1 else self.image.adjusted(gamma=gamma)
        along = triple(sigma / edge for edge in setting.aspect)
        image = self.image.adjusted(gamma=gamma, sigma=along)
        smooth = ResampledImage(prepared=image, zoom=(1.0, 1.0, 1.0), device=torch.device("cpu"))
        part = smooth.read(choose_subvolume(image, setting.aspect, self.config))
        if part is None:
            return image
        limits = intensity_limits(part.numpy()[0, 0])
        return self.image.adjusted(gamma=gamma, sigma=along, smoothed_limits=limits)

    def _evidence(
        self,
        image: PreparedImage,
        places: Sequence[Box],
        aspect: Vec,
        zoom: float,
        *,
        tta: bool,
        measure: bool = True,
        progress: Progress | None = None,
    ) -> ScaleEvidence:
        """Return what disjoint boxes of the image show at a zoom."""
        size, zooms = np.array(aspect), triple(edge * zoom for edge in aspect)
        parts, inner = [], []
        for box in places:
            found = self.detector.detect(
                image.crop(box),
                zooms,
                floor=self.floor,
                tta=tta,
                measure=measure,
                remember_as=self.image if box == whole_box(image.shape) else None,
                progress=progress,
            ).scaled(1 / zoom)
            low, high = corners(box)
            parts.append(replace(found, points=(found.points + low * size).astype(found.points.dtype)))
            inner.append(np.stack(uncut(low, high, image.shape, size * zoom, self.config)) * size)
        return weigh(
            Candidates.joined(parts),
            self.prob_thresh,
            zoom=zoom,
            boxes=np.stack(inner),
            config=self.config,
        )

    def _first_look(self, done: int, total: int, stage: str) -> None:
        if self.progress is not None:
            self.progress(done, total, "first look")
