"""Thresholds chosen on annotated volumes, as a file that ``anystar segment`` reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from anystar.config import ConfigError

__all__ = ["Thresholds"]


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """What to segment with, and what it scored where it was chosen."""

    model: str | None = None
    """Name or path of the model that they were chosen for."""
    prob_thresh: float | None = None
    """Lowest probability of an object; none where the adaptive threshold of each volume is better."""
    nms_thresh: float | None = None
    """Overlap above which the less probable of two objects is dropped; none for the model's own."""
    diameter: float | None = None
    """Diameter to give the model; none to estimate it."""
    unit: Literal["um", "voxels"] = "um"
    """Unit of the diameter; voxels, where no micrometres are known, are those of the finest axis."""
    accuracy: float | None = None
    """Mean accuracy over ``iou`` with these thresholds, where they were chosen."""
    iou: tuple[float, ...] = ()
    """Overlaps from which an object counted as found."""
    volumes: tuple[str, ...] = ()
    """Volumes that they were chosen on."""

    def __post_init__(self) -> None:
        if (self.prob_thresh is None) != (self.nms_thresh is None):
            raise ConfigError("prob_thresh and nms_thresh must both be given, or neither; correct it")
        for name in ("prob_thresh", "nms_thresh"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 1:
                raise ConfigError(f"{name} must be within [0, 1], got {value}; correct it")
        if self.diameter is not None and not self.diameter > 0:
            raise ConfigError(f"diameter must be positive, got {self.diameter}; correct it")
