"""How much to magnify a volume so that its objects have a size that the network knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from anystar.predict.candidates import Candidates, ProgressCallback

if TYPE_CHECKING:
    from anystar.predict.model import Model

__all__ = ["Found", "search"]

Vec = tuple[float, float, float]


@dataclass(frozen=True, kw_only=True)
class Found:
    """Candidates, and at which object size they were looked for."""

    candidates: Candidates
    diameter: float | None = None
    """Diameter in voxels of the finest axis that the volume was scaled for."""
    notes: tuple[str, ...] = ()


def search(
    model: Model,
    image: np.ndarray,
    *,
    voxel_size: Vec,
    diameter: float | None,
    floor: float,
    progress: ProgressCallback | None = None,
) -> Found:
    """Find candidates at the right scale."""
    factor = 1.0 if diameter is None else model.card["defaults"].get("diameter", 16.0) / diameter
    return Found(candidates=at_scale(model, image, voxel_size, factor, floor, progress), diameter=diameter)


def at_scale(
    model: Model,
    image: np.ndarray,
    voxel_size: Vec,
    factor: float,
    floor: float,
    progress: ProgressCallback | None = None,
) -> Candidates:
    """Return the candidates of a volume magnified by ``factor``, in voxels of its finest axis."""
    z, y, x = voxel_size
    zoom = (z * factor, y * factor, x * factor)
    return model.candidates(image, zoom, floor=floor, progress=progress).scaled(1 / factor)
