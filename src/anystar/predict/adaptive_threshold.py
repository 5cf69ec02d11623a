"""A probability threshold that adapts to textures that resemble objects.

In most images few candidates lie below the model's threshold. A texture that resembles objects puts many
there, and the tail of their distribution reaches above the threshold. The logits of texture and of objects
are distributed normally, and the mean of the objects' logits is known. So a mixture of both is fitted to the
histogram of all logits (docs/lab-notes/training-log.md says what it gains).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit, ndtr

__all__ = [
    "LOWEST",
    "TextureMixture",
    "adaptive_threshold",
    "choose_threshold",
    "fit_mixture",
    "threshold_note",
]

LOWEST = 0.2
"""Candidates of a lower probability are ignored."""
_MANY, _SHARE = 20, 1 / 2
"""Candidates below the model's threshold for which a mixture is fitted: at least this many, and at least this
share of those above."""
_ABOVE, _SPREAD = (0.6, 1.25), 0.45
"""Range of the mean logit of objects, relative to the threshold's logit, and their standard deviation: fitted
to the quartiles of 5,400 objects of ``benchmarks/models`` (seeds 0 and 1)."""
_CENTRES, _SPREADS = (-1.8, -0.8), (0.3, 0.7)
"""Ranges of the mean logit of texture, relative to the threshold's, and of its standard deviation."""
_STEP, _TOP = 0.1, 4.0
"""Width of the bins of logits, and the lowest logit of the last bin."""
_FEW, _GAIN = 3, 3.5
"""Fewest objects in the mixture, and smallest gain in log-likelihood over texture alone. The gain is up to
2.5 in empty volumes, 4 with 18 objects and 3,000 textured spots, 60 with 70 and 2,000."""
_LIKELY = 2 / 3
"""A candidate is kept if it is an object with at least this chance."""
_HIGHEST = 0.75
"""Highest threshold."""
_LOWERED, _TELLING = 2 / 3, 10
"""Lowered threshold, as a share of the model's, and fewest objects for which it is lowered."""
_DIM, _DIMMER = 3 / 4, 1 / 5
"""The threshold is lowered only if two conditions hold. Candidates between the lowered and the usual
threshold number at most the first share of those above. Candidates below the lowered one number at most the
second share of those above, or no more than those in between."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TextureMixture:
    """Which candidates are objects, and which are texture."""

    num_objects: float
    """Estimated number of objects; 0 without evidence of any."""
    edges: np.ndarray
    """Lower edges of the bins of probability, ascending."""
    chance: np.ndarray
    """Chance that a candidate of each bin is an object; never falling; 0 with too few objects."""

    def chances(self, prob: np.ndarray) -> np.ndarray:
        """Return the chance that a candidate of each probability is an object and not texture."""
        at = np.searchsorted(self.edges, prob, side="right") - 1
        return self.chance[np.clip(at, 0, len(self.edges) - 1)]


def fit_mixture(prob: np.ndarray, threshold: float) -> TextureMixture | None:
    """Fit a mixture of texture and objects.

    Parameters
    ----------
    prob : numpy.ndarray
        Probabilities of the candidates after non-maximum suppression, down to ``LOWEST`` or less, ``(N,)``.
    threshold : float
        The model's own, in [0, 1].

    Returns
    -------
    TextureMixture or None
        ``None`` unless there are many candidates below the threshold, and most of them far below it.
    """
    from scipy.optimize import minimize  # a fifth of a second that few volumes need

    prob = prob[prob >= LOWEST]
    under, above = prob[prob < threshold], int((prob >= threshold).sum())
    low = int((under < (LOWEST + threshold) / 2).sum())
    if len(under) < max(_MANY, _SHARE * above) or low < len(under) - low:
        return None
    least = float(logit(LOWEST))
    edges = np.arange(least, _TOP + _STEP / 2, _STEP)
    at = np.clip(((logit(prob.clip(0, 0.999)) - least) / _STEP).astype(int), 0, len(edges) - 1)
    counts = np.bincount(at, minlength=len(edges))
    middle = edges + _STEP / 2
    centre = float(logit(np.clip(threshold, 0.01, 0.99)))

    def density(mean: float, deviation: float) -> np.ndarray:
        """Return the density of a normal distribution that is truncated at ``least``."""
        far = (middle - mean) / deviation
        return np.exp(-far * far / 2) / (deviation * ndtr((mean - least) / deviation))

    def parts(parameters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        mean, deviation, objects, share = *parameters[:3], expit(parameters[3])
        return share * density(objects, _SPREAD), (1 - share) * density(mean, deviation)

    def misfit(parameters: np.ndarray) -> float:
        return -float(counts @ np.log(sum(parts(parameters)) + 1e-12))

    texture_mean, objects_mean = (tuple(centre + offset for offset in ends) for ends in (_CENTRES, _ABOVE))
    bounds = [texture_mean, _SPREADS, objects_mean, (-12.0, 12.0)]
    start = [centre - 0.8, 0.5, centre + 1, 0.0]
    fitted = minimize(misfit, start, method="L-BFGS-B", bounds=bounds).x
    only_texture = minimize(
        lambda texture: misfit(np.array([*texture, centre, -99.0])), fitted[:2], bounds=bounds[:2]
    )
    evident = only_texture.fun - misfit(fitted) > _GAIN
    real, texture = parts(fitted)
    num_objects = float(expit(fitted[3]) * len(prob)) if evident else 0.0
    chance = np.maximum.accumulate(real / (real + texture + 1e-12))
    return TextureMixture(num_objects=num_objects, edges=expit(edges), chance=chance * (num_objects >= _FEW))


def adaptive_threshold(prob: np.ndarray, threshold: float) -> float:
    """Return the probability threshold for a volume, given the candidates that it has.

    It is higher than the model's where texture reaches above that, and lower where nothing but the tail of
    the objects' own distribution lies below.

    Parameters
    ----------
    prob, threshold
        As for :func:`fit_mixture`.

    Returns
    -------
    float
        With texture: the probability from which a candidate is likely an object, at least ``threshold``.
        Without: two thirds of ``threshold`` (at least ``LOWEST``) if there are objects, clearly fewer
        candidates between the two, and few below; else ``threshold``.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> texture, objects = expit(rng.normal(-0.9, 0.5, 300)), expit(rng.normal(1, 0.4, 60))
    >>> both = np.concatenate([texture, objects])
    >>> round(adaptive_threshold(objects, 0.45), 2), 0.5 < adaptive_threshold(both, 0.45) < 0.65
    (0.3, True)
    """
    mixture = fit_mixture(prob, threshold)
    if mixture is None:
        return _lowered_threshold(prob, threshold)
    if not mixture.chance.any():
        return threshold
    likely = np.flatnonzero(mixture.chance >= _LIKELY)
    raised = float(mixture.edges[likely[0]]) if len(likely) else _HIGHEST
    raised = min(raised, _HIGHEST)
    return raised if raised >= threshold + 0.01 else threshold


def choose_threshold(probabilities: Sequence[np.ndarray], threshold: float) -> float:
    """Return the threshold of the first of several sets of candidates that raises it, else that of the last.

    Parameters
    ----------
    probabilities : sequence of numpy.ndarray
        Probabilities of the candidates after non-maximum suppression, one set per trial.
    threshold : float
        The model's own.
    """
    chosen = threshold
    for prob in probabilities:
        chosen = adaptive_threshold(prob, threshold)
        if chosen > threshold:
            break
    return chosen


def threshold_note(threshold: float, usual: float) -> str:
    """Return the remark on a threshold that a texture has raised."""
    kept = f"only objects with a probability of {threshold:.2f} are kept"
    return f"there is a texture that resembles objects: {kept}, not {usual:g} as usual"


def _lowered_threshold(prob: np.ndarray, threshold: float) -> float:
    lowered = min(max(LOWEST, _LOWERED * threshold), threshold)
    above, below = int((prob >= threshold).sum()), int(((prob >= LOWEST) & (prob < lowered)).sum())
    between = int((prob >= lowered).sum()) - above
    tail = above >= _TELLING and between <= _DIM * above and below <= max(between, _DIMMER * above)
    return lowered if tail else threshold
