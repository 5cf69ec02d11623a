"""A model whose detectors share what they found: steps that are switched off mostly need the same passes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import anystar
from anystar.predict.candidates import Candidates
from anystar.predict.detector import Detector
from anystar.preprocess import PreparedImage
from anystar.preprocess.arrays import Vec, whole_box

__all__ = ["SharedModel"]

_Key = tuple[str, Vec, float, bool, bool]


@dataclass(frozen=True, kw_only=True, eq=False)
class _SharedDetector(Detector):
    shared: dict[_Key, Candidates]

    def detect(
        self,
        prepared: PreparedImage,
        zoom: Vec,
        *,
        floor: float,
        tta: bool = False,
        measure: bool = True,
        **others: Any,
    ) -> Candidates:
        key = (_digest(prepared), zoom, floor, tta, measure and prepared.settings.adjusted)
        if key not in self.shared:
            self.shared[key] = super().detect(prepared, zoom, floor=floor, tta=tta, measure=measure, **others)
        return self.shared[key]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class SharedModel(anystar.Model):
    """A model that runs the network once for each image, however often it is segmented.

    Copies made with ``dataclasses.replace`` share what was found; ``shared.clear()`` forgets it.
    """

    shared: dict[_Key, Candidates] = field(default_factory=dict)

    @classmethod
    def of(cls, model: anystar.Model) -> SharedModel:
        """Return a model with the same network."""
        return cls(**vars(model))

    def detector(self) -> Detector:
        """Return a detector that knows what those before it found."""
        return _SharedDetector(
            network=self.network, device=self.device, tiling=self.tiling, shared=self.shared
        )


def _digest(prepared: PreparedImage) -> str:
    """Return a digest of all that the network sees of an image, whatever the zoom."""
    image = np.ascontiguousarray(prepared.image[whole_box(prepared.shape)])
    settings = prepared.settings
    adjusted = (settings.limits, settings.gamma, settings.sigma, settings.smoothed_limits)
    own = repr((prepared.start, image.shape, image.dtype.str, adjusted, settings.margins))
    return hashlib.sha256(own.encode() + image.tobytes()).hexdigest()
