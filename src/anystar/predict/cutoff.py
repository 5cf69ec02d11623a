"""How probable an object must be, where the image has a texture that looks like objects."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d

__all__ = ["cutoff"]

_REACH = 0.15
"""How far below the model's threshold candidates are counted."""
_MANY, _SHARE = 12, 1 / 3
"""Candidates there from which they are a crowd: this many, and this share of those above."""
_STEP, _SMOOTH = 0.01, 3.0
"""Width of the bins of the histogram, and the standard deviation of what smooths it, in bins."""
_FEW, _FEW_SHARE = 6, 0.03
"""Objects above a valley that make a crest: this many, and this share of all."""
_CLEAR = 2.0
"""By how many standard deviations there are more objects at the crest than in the valley."""
_HIGHEST = 0.75
"""No higher probability is ever asked for."""


def cutoff(prob: np.ndarray, threshold: float) -> float:
    """Return the least probability of an object, given those of all that could be one.

    In most images few candidates lie just under the model's threshold. Grain in which the network sees
    objects with hesitation puts a crowd there, which thins out above; the objects that there are form a crest
    of their own. Then the threshold is the valley between the two (docs/training-log.md says what it gains).

    Parameters
    ----------
    prob : numpy.ndarray
        ``(N,)`` of what is left after suppression, from 0.15 below ``threshold`` on or less.
    threshold : float
        The model's own, in [0, 1].

    Returns
    -------
    float
        At least ``threshold``; that itself without a crowd under it, or a crest above.

    Examples
    --------
    >>> grain, objects = np.full(60, 0.4), np.full(40, 0.7)
    >>> cutoff(objects, 0.45), 0.5 < cutoff(np.concatenate([grain, objects]), 0.45) < 0.65
    (0.45, True)
    """
    under = int(((prob >= threshold - _REACH) & (prob < threshold)).sum())
    above = int((prob >= threshold).sum())
    if under < max(_MANY, _SHARE * above):
        return threshold
    edges = np.arange(threshold - _REACH, 1 + _STEP, _STEP)
    counts = np.histogram(prob, edges)[0]
    density = gaussian_filter1d(counts.astype(float), _SMOOTH, mode="constant")
    first, last = (round((p - edges[0]) / _STEP) for p in (threshold, _HIGHEST))
    crest = np.maximum.accumulate(density[::-1])[::-1]
    left = counts[::-1].cumsum()[::-1][first:last]
    last = first + int((left >= max(_FEW, _FEW_SHARE * len(prob))).sum())
    relative = density[first:last] / np.maximum(crest[first:last], 1e-9)
    if not len(relative):
        return threshold
    valley = first + int(relative.argmin())
    # What a Gaussian of that width adds up to has the noise of a count in a box of this many bins
    low, high = 2 * np.sqrt(np.pi) * _SMOOTH * np.array([density[valley], crest[valley]])
    if high - low < _CLEAR * np.sqrt(high + low):
        return threshold
    return float(edges[valley] + _STEP / 2)
