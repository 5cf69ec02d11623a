"""How clearly an image shows objects at one scale."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from scipy.spatial.distance import cdist

from anystar.geometry.nms import suppress
from anystar.predict.adaptive_threshold import LOWEST, fit_mixture
from anystar.predict.candidates import Candidates
from anystar.predict.scale_search.config import SearchConfig

__all__ = ["Evidence", "ScaleEvidence", "weigh"]

_LIKELY = 0.4
"""Probability of objects that explain those of another scale."""
_WIDER = 1.2
"""How much wider than themselves they do: a ball of the median radius does not reach everywhere."""


class Evidence(NamedTuple):
    """How well a scale fits."""

    score: float
    """Sum over objects of ``c (p - LOWEST)^3 d^1.5``: probability p, mean diameter d, chance c of not being
    texture."""
    confidence: float
    """Mean probability under the same weights."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ScaleEvidence:
    """The objects that one scale shows in some boxes of the image."""

    zoom: float
    """Voxels that the network saw per shortest edge of the image's voxels."""
    boxes: np.ndarray
    """Lowest and highest corners of the disjoint boxes in which objects count, ``(K, 2, 3)``, in shortest
    edges."""
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
        return _evidence(self.weight, self.prob, self._counted)

    @property
    def volume(self) -> float:
        """Volume of the boxes in cubic shortest edges."""
        return float((self.boxes[:, 1] - self.boxes[:, 0]).clip(0).prod(1).sum())

    @property
    def evident_box(self) -> int:
        """Index of the box with most evidence."""
        return int(np.argmax([self.within(box[None]).score for box in self.boxes]))

    @property
    def heaviest(self) -> float:
        """Score of the best single object."""
        return float(self.weight.max(initial=0))

    @property
    def num_effective(self) -> float:
        """Number of objects, each counted by its evidence as a share of the heaviest's."""
        return self.evidence.score / self.heaviest if self.heaviest else 0.0

    @property
    def probabilities(self) -> np.ndarray:
        """Probabilities of the objects that count."""
        return self.prob[self._counted]

    @property
    def diameter(self) -> float:
        """Median diameter by weight: where objects differ in size, that of the larger ones."""
        order = np.argsort(self.diameters)
        share = np.cumsum(self.weight[order])
        return float(self.diameters[order][np.searchsorted(share, share[-1] / 2)])

    def within(self, boxes: np.ndarray) -> Evidence:
        """Return the evidence in disjoint boxes, corners ``(K, 2, 3)``.

        An object that counts does so by the share of its body that lies in them, of what lies in the boxes of
        this scale.
        """
        share = self._shares(boxes) / np.maximum(self._shares(self.boxes), 1e-9)
        return _evidence(self.weight, self.prob, share.clip(0, 1) * self._counted)

    def outweighs(self, coarse: ScaleEvidence) -> bool:
        """Return whether this scale has more evidence than a coarser one where both were tried.

        Where the coarser one shows nothing, next to nothing must not win. So it needs more than the heaviest
        object of the coarser one, too; if that is larger than the places, a part of it counts.
        """
        if not coarse.heaviest:
            return self.evidence.score > 0
        body = np.pi / 6 * coarse.diameters[coarse.weight.argmax()] ** 3
        single = coarse.heaviest * min(1.0, self.volume / body)
        return self.evidence.score > max(coarse.within(self.boxes).score, single)

    def holds(self, points: np.ndarray, slack: float = 1.0) -> np.ndarray:
        """Return which points ``(N, 3)`` lie in an object, each taken as a ball ``slack`` times as wide."""
        inside = cdist(points, self.points) < slack * self.diameters / 2
        return np.asarray(np.any(inside, axis=1))

    def beside(self, other: ScaleEvidence) -> ScaleEvidence:
        """Return the objects that another scale does not explain.

        They lie outside of its likely objects, hold none of these, and lie where it was tried.
        """
        likely = other.take(other.prob >= _LIKELY)
        outside = ~likely.holds(self.points, _WIDER) & other.covers(self.points)
        holds_some = np.any(cdist(self.points, likely.points) < self.diameters[:, None] / 2, axis=1)
        return self.take(outside & ~holds_some)

    def covers(self, points: np.ndarray) -> np.ndarray:
        """Return which points ``(N, 3)`` lie in the boxes in which objects count."""
        at = points[:, None]
        inside = np.all((at >= self.boxes[:, 0]) & (at < self.boxes[:, 1]), axis=2)
        return np.asarray(np.any(inside, axis=1))

    def is_clear(self, config: SearchConfig) -> bool:
        """Return whether there are several objects of which the network is sure."""
        return (
            self.num_effective >= config.few_objects and self.evidence.confidence >= config.second_confidence
        )

    def take(self, rows: np.ndarray) -> ScaleEvidence:
        """Return the scale with some of its objects."""
        columns = ("points", "diameters", "weight", "prob")
        return replace(self, **{name: getattr(self, name)[rows] for name in columns})

    def _shares(self, boxes: np.ndarray) -> np.ndarray:
        """Return the share of each body in boxes; it is taken as a cube of the volume of a ball."""
        half = (np.pi / 6) ** (1 / 3) * self.diameters[:, None, None] / 2
        low = np.maximum(self.points[:, None] - half, boxes[:, 0])
        high = np.minimum(self.points[:, None] + half, boxes[:, 1])
        return np.asarray(((high - low).clip(0) / (2 * half)).prod(2).sum(1))

    @property
    def _counted(self) -> np.ndarray:
        """Whether each object counts: its centre lies in a box."""
        return self.covers(self.points)


def _evidence(weight: np.ndarray, prob: np.ndarray, share: np.ndarray) -> Evidence:
    counted = weight * share
    total = float(counted.sum())
    return Evidence(total, float((counted * prob).sum() / total) if total > 0 else 0.0)


def weigh(
    candidates: Candidates, prob_thresh: float, *, zoom: float, boxes: np.ndarray, config: SearchConfig
) -> ScaleEvidence:
    """Return the objects among the candidates, each with its evidence.

    Lengths are in shortest edges of the image's voxels; the threshold is the model's own.
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
        boxes=boxes,
        points=kept.points,
        diameters=diameters,
        weight=weight,
        prob=kept.prob,
    )
