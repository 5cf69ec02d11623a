"""How much to magnify a volume so that its objects have a size that the network knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from anystar.predict.candidates import ProgressCallback

if TYPE_CHECKING:
    from anystar.predict.model import Model

__all__ = ["ScaleChoice", "choose_zoom"]


@dataclass(frozen=True, kw_only=True)
class ScaleChoice:
    """Magnification of each axis, and where it comes from."""

    zoom: tuple[float, float, float]
    diameter_vox: float | None
    notes: tuple[str, ...] = ()


def choose_zoom(
    model: Model,
    image: np.ndarray,
    ratios: np.ndarray,
    diameter: float | None,
    progress: ProgressCallback | None,
) -> ScaleChoice:
    """Return the magnification."""
    factor = 1.0 if diameter is None else 20.0 / diameter
    z, y, x = (ratios * factor).tolist()
    return ScaleChoice(zoom=(z, y, x), diameter_vox=diameter)
