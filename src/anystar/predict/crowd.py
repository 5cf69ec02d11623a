"""Grain that looks like objects: how much of what is found it explains, and how probable an object must be.

In most images few candidates lie under the model's threshold. Grain in which the network sees objects with
hesitation puts a crowd there, whose tail reaches above. Its logits are distributed normally, as are those of
objects at the size that the network knows, whose place is known: so the two are told apart by how many
candidates there are of each probability (docs/training-log.md says what it gains).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, logit, ndtr

__all__ = ["LEAST", "Crowd", "cutoff", "find_crowd", "raised_to"]

LEAST = 0.2
"""Probability from which candidates are looked at."""
_MANY, _SHARE = 20, 1 / 2
"""Candidates under the model's threshold that are a crowd: this many, and this share of those above."""
_ABOVE, _SPREAD = (0.6, 1.25), 0.45
"""Mean logit of objects, above that of the model's threshold, and its standard deviation: what a normal
distribution needs to have the quartiles of 5,400 objects of ``benchmarks/models`` (seeds 0 and 1)."""
_CENTRES, _SPREADS = (-1.8, -0.8), (0.3, 0.7)
"""Range of the mean logit of grain, below that of the threshold, and of its standard deviation."""
_STEP, _TOP = 0.1, 4.0
"""Width of the bins of logits, and the highest logit that is told from higher ones."""
_FEW, _GAIN = 3, 3.5
"""Objects above the grain, at least, and by how much the logarithm of the likelihood is higher for them: in
empty volumes by up to 2.5, of 18 objects and 3,000 grains by 4, of 70 and 2,000 by 60."""
_LIKELY = 2 / 3
"""Chance of being an object that is asked for."""
_HIGHEST = 0.75
"""No higher probability is ever asked for."""
_LOWERED, _TELLING = 2 / 3, 10
"""Share of the model's threshold that is asked for without a crowd; fewer objects than this tell nothing."""
_DIM, _DIMMER = 3 / 4, 1 / 5
"""Candidates between the two, in shares of those above, that are still the tail of the objects; and how many
below both are, or as many as between them."""


@dataclass(frozen=True, kw_only=True)
class Crowd:
    """What candidates are: objects, or grain."""

    num_objects: float
    """How many are objects, estimated; 0 without evidence of any."""
    edges: np.ndarray
    """Probabilities, ascending."""
    chance: np.ndarray
    """That a candidate is an object, from each of the edges on; never falling; 0 with too few objects."""

    def chances(self, prob: np.ndarray) -> np.ndarray:
        """Return the chance that a candidate of each probability is an object and no grain."""
        at = np.searchsorted(self.edges, prob, side="right") - 1
        return self.chance[np.clip(at, 0, len(self.edges) - 1)]


def find_crowd(prob: np.ndarray, threshold: float) -> Crowd | None:
    """Tell grain from objects.

    Parameters
    ----------
    prob : numpy.ndarray
        ``(N,)`` of what is left after suppression, from ``LEAST`` on or less.
    threshold : float
        The model's own, in [0, 1].

    Returns
    -------
    Crowd or None
        ``None`` without a crowd under the threshold, denser the lower: everything is what it seems.
    """
    prob = prob[prob >= LEAST]
    under, above = prob[prob < threshold], int((prob >= threshold).sum())
    low = int((under < (LEAST + threshold) / 2).sum())
    if len(under) < max(_MANY, _SHARE * above) or low < len(under) - low:
        return None
    least = float(logit(LEAST))
    edges = np.arange(least, _TOP + _STEP / 2, _STEP)
    at = np.clip(((logit(prob.clip(0, 0.999)) - least) / _STEP).astype(int), 0, len(edges) - 1)
    counts = np.bincount(at, minlength=len(edges))
    middle = edges + _STEP / 2
    centre = float(logit(np.clip(threshold, 0.01, 0.99)))

    def density(mean: float, deviation: float) -> np.ndarray:
        """Return that of a normal distribution of which only what is above ``least`` is seen."""
        far = (middle - mean) / deviation
        return np.exp(-far * far / 2) / (deviation * ndtr((mean - least) / deviation))

    def parts(parameters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        mean, deviation, objects, share = *parameters[:3], expit(parameters[3])
        return share * density(objects, _SPREAD), (1 - share) * density(mean, deviation)

    def misfit(parameters: np.ndarray) -> float:
        return -float(counts @ np.log(sum(parts(parameters)) + 1e-12))

    grain_mean, objects_mean = (tuple(centre + offset for offset in ends) for ends in (_CENTRES, _ABOVE))
    bounds = [grain_mean, _SPREADS, objects_mean, (-12.0, 12.0)]
    start = [centre - 0.8, 0.5, centre + 1, 0.0]
    fitted = minimize(misfit, start, method="L-BFGS-B", bounds=bounds).x
    only_grain = minimize(
        lambda grain: misfit(np.array([*grain, centre, -99.0])), fitted[:2], bounds=bounds[:2]
    )
    evident = only_grain.fun - misfit(fitted) > _GAIN
    real, grain = parts(fitted)
    num_objects = float(expit(fitted[3]) * len(prob)) if evident else 0.0
    chance = np.maximum.accumulate(real / (real + grain + 1e-12))
    return Crowd(num_objects=num_objects, edges=expit(edges), chance=chance * (num_objects >= _FEW))


def cutoff(prob: np.ndarray, threshold: float) -> float:
    """Return the least probability of an object, given those of all that could be one.

    More than the model's threshold where grain reaches above it; less where nothing but the tail of the
    objects' own distribution lies below.

    Parameters
    ----------
    prob, threshold
        As for :func:`find_crowd`.

    Returns
    -------
    float
        In a crowd, where a candidate is likely an object, at least ``threshold``. Without one, two thirds of
        ``threshold`` (at least ``LEAST``), if there are objects and not nearly as many candidates between
        the two, nor many below; else ``threshold``.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> grain, objects = expit(rng.normal(-0.9, 0.5, 300)), expit(rng.normal(1, 0.4, 60))
    >>> round(cutoff(objects, 0.45), 2), 0.5 < cutoff(np.concatenate([grain, objects]), 0.45) < 0.65
    (0.3, True)
    """
    crowd = find_crowd(prob, threshold)
    if crowd is None:
        return _without_grain(prob, threshold)
    if not crowd.chance.any():
        return threshold
    likely = np.flatnonzero(crowd.chance >= _LIKELY)
    asked = float(crowd.edges[likely[0]]) if len(likely) else _HIGHEST
    asked = min(asked, _HIGHEST)
    return asked if asked >= threshold + 0.01 else threshold


def raised_to(threshold: float) -> str:
    """Return what to say of a threshold that grain has raised."""
    kept = f"only objects with a probability of {threshold:.2f} are kept"
    return f"there is a texture that resembles objects: {kept}"


def _without_grain(prob: np.ndarray, threshold: float) -> float:
    lowered = min(max(LEAST, _LOWERED * threshold), threshold)
    above, below = int((prob >= threshold).sum()), int(((prob >= LEAST) & (prob < lowered)).sum())
    between = int((prob >= lowered).sum()) - above
    tail = above >= _TELLING and between <= _DIM * above and below <= max(between, _DIMMER * above)
    return lowered if tail else threshold
