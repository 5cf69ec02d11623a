"""One trial of the search: how clearly the image shows objects under one setting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from anystar.predict.detector import Detector, ProgressCallback
from anystar.predict.scale_search.config import SearchConfig
from anystar.predict.scale_search.evidence import ScaleEvidence, weigh
from anystar.predict.scale_search.scales import best_scale
from anystar.predict.scale_search.subvolume import choose_subvolume, narrow, uncut
from anystar.preprocess import PreparedImage, Preprocessing
from anystar.preprocess.arrays import Box, Vec, whole_box
from anystar.preprocess.intensity import intensity_limits
from anystar.preprocess.resample import ResampledImage

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


@dataclass(frozen=True, kw_only=True, eq=False)
class Trial:
    """A setting, and the best scale under it."""

    setting: Setting
    best: ScaleEvidence
    runner_up: ScaleEvidence | None = None
    """The best scale whose objects have another size, if there is one."""
    preprocessing: Preprocessing = Preprocessing()
    """The preprocessing of the image under the setting."""

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
    progress: ProgressCallback | None = None

    def any_scale(self, setting: Setting) -> Trial:
        """Try scales on a part of the image, without averaging: that would not be worth its time."""
        image = self._adjusted(setting)
        box = choose_subvolume(image, setting.aspect, self.config)
        size = np.array(setting.aspect)
        extent = float((np.array([s.stop - s.start for s in box]) * size).max())

        def try_zoom(zoom: float, best: ScaleEvidence | None) -> ScaleEvidence:
            nonlocal box
            box = narrow(image, box, setting.aspect, zoom, best, self.config)
            return self._evidence(image, box, setting.aspect, zoom, tta=False)

        near = None if setting.near is None else setting.near / setting.aspect[2]
        best, runner_up = best_scale(
            try_zoom, extent=extent, config=self.config, near=near, progress=self.progress
        )
        return Trial(setting=setting, best=best, runner_up=runner_up, preprocessing=image.settings)

    def at_diameter(self, setting: Setting, diameter: float) -> Trial:
        """Try one scale on all of a small image, or a part of a large one.

        Parameters
        ----------
        setting : Setting
        diameter : float
            Diameter of the objects in shortest edges of a voxel.
        """
        image = self._adjusted(setting)
        zoom = self.object_diameter / diameter
        voxels = np.prod(np.array(image.shape) * np.array(setting.aspect) * zoom)
        box = whole_box(image.shape)
        if voxels > self.config.whole_voxels:
            part = choose_subvolume(image, setting.aspect, self.config)
            box = narrow(image, part, setting.aspect, zoom, None, self.config)
        found = self._evidence(image, box, setting.aspect, zoom, tta=self.tta, progress=self._first_look)
        return Trial(setting=setting, best=found, preprocessing=image.settings)

    def _adjusted(self, setting: Setting) -> PreparedImage:
        """Return the image with the gamma and the smoothing of a setting, spread to [0, 1] anew."""
        gamma, sigma = setting.gamma, setting.sigma
        if not sigma:
            return self.image if gamma == 1 else self.image.adjusted(gamma=gamma)
        z, y, x = (sigma / edge for edge in setting.aspect)
        image = self.image.adjusted(gamma=gamma, sigma=(z, y, x))
        smooth = ResampledImage(prepared=image, zoom=(1.0, 1.0, 1.0), device=torch.device("cpu"))
        part = smooth.read(choose_subvolume(image, setting.aspect, self.config))
        if part is None:
            return image
        limits = intensity_limits(part.numpy()[0, 0])
        return self.image.adjusted(gamma=gamma, sigma=(z, y, x), smoothed_limits=limits)

    def _evidence(
        self,
        image: PreparedImage,
        box: Box,
        aspect: Vec,
        zoom: float,
        *,
        tta: bool,
        progress: ProgressCallback | None = None,
    ) -> ScaleEvidence:
        z, y, x = (edge * zoom for edge in aspect)
        whole = box == whole_box(image.shape)
        found = self.detector.detect(
            image.crop(box),
            (z, y, x),
            floor=self.floor,
            tta=tta,
            remember_as=image if whole else None,
            progress=progress,
        )
        low, high = np.array([s.start for s in box]), np.array([s.stop for s in box])
        size = np.array(aspect)
        inner = np.stack(uncut(low, high, image.shape, size * zoom, self.config)) * size
        return weigh(
            found.scaled(1 / zoom),
            self.prob_thresh,
            zoom=zoom,
            inner=inner,
            start=low * size,
            config=self.config,
        )

    def _first_look(self, done: int, total: int, stage: str) -> None:
        if self.progress is not None:
            self.progress(done, total, "first look")
