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
    prob_thresh: float
    """Least probability of an object."""
    nms_thresh: float
    """Overlap above which the less probable of two objects is dropped."""
    diameter: float | None = None
    """Diameter to tell the model; none to let it estimate."""
    unit: Literal["um", "voxels"] = "um"
    """Unit of the diameter; voxels, where no micrometres are known, are those of the finest axis."""
    accuracy: float | None = None
    """Mean accuracy over ``iou`` with these thresholds, where they were chosen."""
    iou: tuple[float, ...] = ()
    """Overlaps from which an object counted as found."""
    volumes: tuple[str, ...] = ()
    """Volumes that they were chosen on."""

    def __post_init__(self) -> None:
        for name in ("prob_thresh", "nms_thresh"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"{name} must be within [0, 1], got {getattr(self, name)}; mend it")
        if self.diameter is not None and not self.diameter > 0:
            raise ConfigError(f"diameter must be positive, got {self.diameter}; mend it")
