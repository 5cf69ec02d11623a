"""What the probabilities of a model, and the spread of its votes, mean: measured on simulated volumes.

The same probability means much in an image of nuclei and little in one whose texture resembles them. The
adaptive threshold of an image stands where its objects begin to outnumber texture. So the share of real
objects follows from the difference to that threshold, in logits (docs/lab-notes/sizes-and-probabilities.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.special import logit

from anystar.config import from_dict
from anystar.errors import ConfigError

__all__ = ["Calibration"]

_SURE = 1e-6
"""Probabilities closer to 0 or 1 are taken as this."""


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Which share of objects is real at each probability, and how large the error of a volume is.

    Made by ``python -m benchmarks.calibration``; the card of a model contains it.

    Examples
    --------
    >>> known = Calibration(offset=(-1, 0, 1), real=(0, 0.6, 1), volume_floor=0.12, volume_factor=1.0)
    >>> known.chances(np.array([0.1, 0.5, 0.6, 0.9])).round(2)
    array([0.  , 0.6 , 0.76, 1.  ], dtype=float32)
    >>> known.uncertainties(np.array([0.0, 0.09])).round(2)
    array([0.12, 0.15], dtype=float32)
    """

    offset: tuple[float, ...]
    """Logit of a probability less that of the adaptive threshold, ascending; between these the map is linear,
    beyond them constant."""
    real: tuple[float, ...]
    """Share of real objects among those with each offset, never falling, in [0, 1]."""
    volume_floor: float
    """Relative error of a volume on which all votes agree."""
    volume_factor: float
    """Relative error per spread of the votes; both add in squares."""
    prob_thresh: float = 0.5
    """The adaptive threshold of the image."""

    def __post_init__(self) -> None:
        if len(self.offset) != len(self.real) or not self.real:
            raise ConfigError("offset and real must have the same number of values; correct them")
        for name, low, high in (("offset", -np.inf, np.inf), ("real", 0, 1), ("prob_thresh", 0, 1)):
            values = np.atleast_1d(getattr(self, name))
            if not (low <= values.min() and values.max() <= high and (np.diff(values) >= 0).all()):
                raise ConfigError(f"{name} must be ascending and within [{low:g}, {high:g}]; correct it")
        if not (0 <= self.volume_floor < np.inf and 0 <= self.volume_factor < np.inf):
            raise ConfigError("volume_floor and volume_factor must be finite and not negative; correct them")

    @classmethod
    def of_card(cls, card: Mapping[str, Any]) -> Calibration | None:
        """Return the calibration on the card of a model; none for models that are not calibrated."""
        own = card.get("calibration")
        return None if own is None else from_dict(cls, own, where="calibration.")

    def at(self, prob_thresh: float) -> Calibration:
        """Return the calibration for an image with this adaptive threshold."""
        return replace(self, prob_thresh=prob_thresh)

    def offsets(self, prob: np.ndarray) -> np.ndarray:
        """Return the logits of probabilities ``(N,)`` less that of the threshold, float64."""
        own, thresh = (np.clip(p, _SURE, 1 - _SURE) for p in (prob.astype(np.float64), self.prob_thresh))
        return np.asarray(logit(own) - logit(thresh))

    def chances(self, prob: np.ndarray) -> np.ndarray:
        """Return the chance that objects of these probabilities ``(N,)`` are real, float32."""
        return np.interp(self.offsets(prob), self.offset, self.real).astype(np.float32)

    def uncertainties(self, spread: np.ndarray) -> np.ndarray:
        """Return the relative standard uncertainty of volumes, given the spreads ``(N,)`` of the votes."""
        return np.hypot(self.volume_floor, self.volume_factor * spread.astype(np.float64)).astype(np.float32)
