"""How clearly an image shows objects at one scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from anystar.geometry.nms import suppress
from anystar.predict.adaptive_threshold import LOWEST, fit_mixture
from anystar.predict.candidates import Candidates
from anystar.predict.scale_search.config import SearchConfig

__all__ = ["Evidence", "ScaleEvidence", "weigh"]


class Evidence(NamedTuple):
    """How well a scale fits."""

    score: float
    """Sum over objects of ``c (p - LOWEST)^3 d^1.5``: probability p, mean diameter d, chance c of not being
    texture."""
    confidence: float
    """Mean probability under the same weights."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ScaleEvidence:
    """The objects that one scale shows in one box of the image."""

    zoom: float
    """Voxels that the network saw per shortest edge of the image's voxels."""
    inner: np.ndarray
    """Lowest and highest corner of the part in which objects count, ``(2, 3)``, in shortest edges."""
    points: np.ndarray
    """Centres of the objects, ``(N, 3)``, in shortest edges."""
    diameters: np.ndarray
    """Diameters of the objects, ``(N,)``, in shortest edges."""
    weight: np.ndarray
    """Evidence of each object, ``(N,)``."""
    prob: np.ndarray
    """Probability of each object, ``(N,)``."""

    @property
    def evidence(self) -> Evidence:
        """Evidence of the objects that count."""
        return self.within(self.inner)

    @property
    def heaviest(self) -> float:
        """Score of the best single object."""
        return float(self.weight.max(initial=0))

    @property
    def probabilities(self) -> np.ndarray:
        """Probabilities of the objects that count."""
        return self.prob[self._inside(self.inner)]

    @property
    def diameter(self) -> float:
        """Median diameter by weight: where objects differ in size, that of the larger ones."""
        order = np.argsort(self.diameters)
        share = np.cumsum(self.weight[order])
        return float(self.diameters[order][np.searchsorted(share, share[-1] / 2)])

    def within(self, inner: np.ndarray) -> Evidence:
        """Return the evidence of the objects whose centres lie in a box, corners ``(2, 3)``."""
        inside = self._inside(inner)
        weight, prob = self.weight[inside], self.prob[inside]
        total = float(weight.sum())
        return Evidence(total, float((weight * prob).sum() / total) if total > 0 else 0.0)

    def _inside(self, inner: np.ndarray) -> np.ndarray:
        return ((self.points >= inner[0]) & (self.points < inner[1])).all(1)


def weigh(
    candidates: Candidates,
    prob_thresh: float,
    *,
    zoom: float,
    inner: np.ndarray,
    start: np.ndarray,
    config: SearchConfig,
) -> ScaleEvidence:
    """Return the objects among the candidates, each with its evidence.

    Parameters
    ----------
    candidates : Candidates
        Lengths in shortest edges of the image's voxels.
    prob_thresh : float
        The model's own threshold.
    zoom, inner
        As in :class:`ScaleEvidence`.
    start : numpy.ndarray
        Corner of the box in the image, in shortest edges.
    config : SearchConfig
    """
    likely = candidates.take(candidates.prob > LOWEST)
    kept = likely.take(suppress(likely, threshold=config.nms_thresh))
    diameters = 2 * np.median(kept.distances, axis=1).astype(np.float64)
    weight = (kept.prob - LOWEST) ** config.prob_exponent * diameters**config.diameter_exponent
    mixture = fit_mixture(kept.prob, prob_thresh)
    if mixture is not None:
        weight *= mixture.chances(kept.prob)
    return ScaleEvidence(
        zoom=zoom,
        inner=inner,
        points=kept.points + start,
        diameters=diameters,
        weight=weight,
        prob=kept.prob,
    )
