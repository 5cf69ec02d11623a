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

from anystar.predict.notes import THRESHOLD, UNSURE, Note

__all__ = [
    "LOWEST",
    "TextureMixture",
    "choose_threshold",
    "fit_mixture",
    "threshold_notes",
]

LOWEST = 0.2
"""Candidates of a lower probability are ignored."""
_SOFT = 0.15
"""Width in logits of the steps by which candidates are counted on either side of a threshold."""
_MANY, _SHARE = (15, 25), (0.45, 0.9)
"""Candidates below the model's threshold, their number and their share of those above: no sign of texture up
to the first, a full one from the second."""
_FAR = (0.45, 0.55)
"""Share of these that lies in the lower half of the range: the same."""
_ABOVE, _SPREAD = (0.6, 1.25), 0.45
"""Range of the mean logit of objects, relative to the threshold's logit, and their standard deviation: fitted
to the quartiles of 5,400 objects of ``benchmarks/models`` (seeds 0 and 1)."""
_CENTRES, _SPREADS = (-1.8, -0.8), (0.3, 0.7)
"""Ranges of the mean logit of texture, relative to the threshold's, and of its standard deviation."""
_STEP, _TOP = 0.1, 4.0
"""Width of the bins of logits, and the lowest logit of the last bin."""
_FEW, _GAIN = (2.0, 4.0), (2.5, 4.5)
"""Objects in the mixture, and gain in log-likelihood over texture alone: no evidence of objects up to the
first, full evidence from the second. The gain is up to 2.5 in empty volumes, 4 with 18 objects and 3,000
textured spots, 60 with 70 and 2,000."""
_LIKELY = 2 / 3
"""A candidate is kept if it is an object with at least this chance."""
_HIGHEST = 0.7
"""Highest threshold: beyond it few objects in much grain are lost (docs/lab-notes/training-log.md)."""
_CLOSE, _UNSURE, _LEAST = 0.5, 0.1, 3
"""Difference in logits up to which a probability is close to the threshold; share of the objects from which
the number of such candidates is reported; and fewest objects."""
_WORTH_SAYING = 0.05
"""Share of the objects from which a lowered threshold is reported."""
_LOWERED, _TELLING = 2 / 3, (9, 14)
"""Lowered threshold, as a share of the model's, and objects: it is not lowered up to the first number, and to
the full from the second."""
_DIM, _DIMMER = (0.6, 0.9), (0.2, 0.5)
"""Shares of the candidates above the usual threshold. Of those between the lowered and the usual one: it is
lowered fully up to the first share, and not at all from the second. Of those below the lowered one: the
same."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TextureMixture:
    """Which candidates are objects, and which are texture."""

    strength: float
    """How clearly there is texture, above 0 and up to 1."""
    evidence: float
    """How clearly there are objects, 0 to 1."""
    num_objects: float
    """Estimated number of objects; 0 without evidence of any."""
    logits: np.ndarray
    """Centres of the bins of logits, ascending, ``(N,)``."""
    chance: np.ndarray
    """Chance that a candidate of each bin is an object, if there are any; never falling, ``(N,)``."""

    def chances(self, prob: np.ndarray) -> np.ndarray:
        """Return the chance that a candidate of each probability is an object and not texture."""
        found = np.interp(logit(np.clip(prob, 1e-6, 1 - 1e-6)), self.logits, self.chance)
        return 1 - self.strength * (1 - self.evidence * found)

    @property
    def raised(self) -> float:
        """The probability from which a candidate is likely an object, up to 0.7."""
        at = np.interp(_LIKELY, self.chance, self.logits) if self.chance[-1] >= _LIKELY else np.inf
        return min(float(expit(at)), _HIGHEST)


def fit_mixture(prob: np.ndarray, threshold: float) -> TextureMixture | None:
    """Fit a mixture of texture and objects; ``None`` without any sign of texture.

    That is many candidates below the threshold, most of them far below it.

    Parameters
    ----------
    prob : numpy.ndarray
        Probabilities of the candidates after non-maximum suppression, down to ``LOWEST`` or less, ``(N,)``.
    threshold : float
        The model's own, in [0, 1].
    """
    from scipy.optimize import minimize  # a fifth of a second that few volumes need

    prob = prob[prob >= LOWEST]
    above = _count(prob, threshold)
    under = len(prob) - above
    far = 1 - (_count(prob, (LOWEST + threshold) / 2) - above) / max(under, 1e-9)
    strength = _ramp(under, _MANY) * _ramp(under / max(above, 1e-9), _SHARE) * _ramp(far, _FAR)
    if not strength:
        return None
    least = float(logit(LOWEST))
    edges = np.arange(least, _TOP + _STEP / 2, _STEP)
    middle = edges + _STEP / 2
    counts = _histogram(logit(prob.clip(0, 0.999)), middle)
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
    gain = only_texture.fun - misfit(fitted)
    real, texture = parts(fitted)
    num_objects = float(expit(fitted[3]) * len(prob))
    evidence = _ramp(gain, _GAIN) * _ramp(num_objects, _FEW)
    return TextureMixture(
        strength=strength,
        evidence=evidence,
        num_objects=num_objects * (evidence > 0),
        logits=middle,
        chance=np.maximum.accumulate(real / (real + texture + 1e-12)),
    )


def choose_threshold(probabilities: Sequence[np.ndarray], threshold: float) -> float:
    """Return the probability threshold for a volume of which several trials give sets of candidates.

    It is higher than the model's where texture reaches above that, and lower where nothing but the tail of
    the objects' own distribution lies below. It changes continuously with the candidates, so that a few more
    or fewer change it little. The last set decides; an earlier one can only raise the threshold.

    Parameters
    ----------
    probabilities : sequence of numpy.ndarray
        Probabilities of the candidates after non-maximum suppression, one set per trial.
    threshold : float
        The model's own.

    Returns
    -------
    float
        With texture: the probability from which a candidate is likely an object, at least ``threshold``.
        Without: two thirds of ``threshold`` (at least ``LOWEST``) if there are objects, clearly fewer
        candidates between the two, and few below; else ``threshold``; in between where neither is clear.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> texture, objects = expit(rng.normal(-0.9, 0.5, 300)), expit(rng.normal(1, 0.4, 60))
    >>> both = np.concatenate([texture, objects])
    >>> round(choose_threshold([objects], 0.45), 2), 0.5 < choose_threshold([both], 0.45) < 0.65
    (0.3, True)
    """
    if not probabilities:
        return threshold
    lowered = _lowered_threshold(probabilities[-1], threshold)
    found = [lowered]
    for prob in probabilities:
        if (mixture := fit_mixture(prob, threshold)) is None:
            continue
        raised = max(mixture.raised, threshold)
        if prob is probabilities[-1]:
            aim, weight = threshold + mixture.evidence * (raised - threshold), mixture.strength
        else:
            aim, weight = raised, mixture.strength * mixture.evidence
        found.append(lowered + weight * (aim - lowered))
    return max(found)


def threshold_notes(threshold: float, usual: float, prob: np.ndarray) -> tuple[Note, ...]:
    """Return remarks on a threshold that was adapted, and on objects that it hardly decides about.

    There is none if the threshold hardly differs from the model's own, ``usual``, or is lower but few objects
    lie in between, and few of the candidates' probabilities ``(N,)`` lie close to it.
    """
    notes, found = [], _count(prob, threshold)
    if found < 1:
        return ()
    lower = 1 - _count(prob, usual) / found
    if threshold > usual:
        kept = f"only objects with a probability of {threshold:.2f} are kept, not {usual:g} as usual"
        notes.append(Note(THRESHOLD, f"there is a texture that resembles objects: {kept}"))
    elif lower >= _WORTH_SAYING:
        kept = f"those with a probability of {threshold:.2f} and more are kept, not {usual:g} as usual"
        more = f"about {lower:.0%} of the objects lie in between"
        notes.append(Note(THRESHOLD, f"hardly anything else resembles the objects: {kept} ({more})"))
    if 0 < threshold < 1 and found > _LEAST:
        low, high = (float(expit(logit(threshold) + step)) for step in (-_CLOSE, _CLOSE))
        close = (_count(prob, max(low, LOWEST)) - _count(prob, high)) / found
        if close >= _UNSURE:
            what = f"{min(close, 1):.0%} of the objects have a probability close to the threshold, "
            why = "small changes of the image, such as a flip, decide whether they are found"
            notes.append(Note(UNSURE, f"{what}{threshold:.2f}: {why}; check those below {high:.2f}"))
    return tuple(notes)


def _lowered_threshold(prob: np.ndarray, threshold: float) -> float:
    lowered = min(max(LOWEST, _LOWERED * threshold), threshold)
    prob = prob[prob >= LOWEST]
    above, known = _count(prob, threshold), _count(prob, lowered)
    between, below = (known - above) / max(above, 1e-9), (len(prob) - known) / max(above, 1e-9)
    more = max(between - _DIMMER[0], 0.0)  # the same number of fainter ones may lie below
    tail = (1 - _ramp(between, _DIM)) * (1 - _ramp(below - more, _DIMMER))
    return threshold - _ramp(above, _TELLING) * tail * (threshold - lowered)


def _histogram(values: np.ndarray, middle: np.ndarray) -> np.ndarray:
    """Return counts of values in bins; each value is shared by the two bins whose centres are nearest."""
    at = np.clip((values - middle[0]) / _STEP, 0, len(middle) - 1)
    low = np.minimum(at.astype(int), len(middle) - 2)
    share = at - low
    size = len(middle)
    return np.bincount(low, 1 - share, size) + np.bincount(low + 1, share, size)


def _count(prob: np.ndarray, threshold: float) -> float:
    """Return how many candidates reach a threshold; those next to it count in part."""
    if not 0 < threshold < 1:
        return float((prob >= threshold).sum())
    return float(expit((logit(np.clip(prob, 1e-6, 1 - 1e-6)) - logit(threshold)) / _SOFT).sum())


def _ramp(value: float, ends: tuple[float, float]) -> float:
    """Return 0 up to the first end, 1 from the second, and what is linear in between."""
    return min(max((value - ends[0]) / (ends[1] - ends[0]), 0.0), 1.0)
