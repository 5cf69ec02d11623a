"""Which objects to look at first when there is no ground truth: the outliers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from anystar.evaluate.describe import ObjectProperties

__all__ = ["OutlierScore", "outlier_scores"]

_FAR = 3.5
"""Robust standard deviations from which a value is called unusual (Iglewicz and Hoaglin 1993)."""
_RATIO = 1.5
"""Octaves from the median volume from which a size is called unusual: 2.8 times."""


@dataclass(frozen=True, kw_only=True)
class OutlierScore:
    """How far an object is from the others, and in what."""

    row: int
    "Of the table of objects."
    score: float
    "An outlier from 1 on."
    reasons: tuple[str, ...]
    "What is unusual, the worst first."


def outlier_scores(objects: ObjectProperties, probability: np.ndarray | None = None) -> list[OutlierScore]:
    """Rank all objects by how far they are from the others, the most unusual first.

    The score is the largest of three distances from the median. That of the volume is in units of 1.5
    octaves, that of the mean intensity in units of 3.5 robust standard deviations, each 1.4826 times the
    median absolute deviation. That of the logit of the probability, in the same units, counts only below the
    median. Touching the border is given as a reason but does not add to the score. An outlier is not
    necessarily wrong: it is where to look first.

    Parameters
    ----------
    objects : ObjectProperties
        N objects.
    probability : (N,) array, optional
        Confidence in [0, 1]; NaN where it is not known.

    Examples
    --------
    >>> from anystar.evaluate.describe import describe
    >>> labels = np.repeat(np.arange(1, 8), [9, 9, 9, 9, 9, 9, 90])[None, None]
    >>> first = outlier_scores(describe(labels))[0]
    >>> first.row, first.reasons
    (6, ('10 times the typical volume', 'cut by the border'))
    """
    if len(objects) == 0:
        return []
    octaves = np.log2(objects.volume_vox / np.median(objects.volume_vox))
    scores = [np.abs(octaves) / _RATIO]
    words = [[f"{2**o:.2g} times the typical volume" for o in octaves]]
    if objects.intensity is not None:
        z = _robust_z(objects.intensity)
        scores.append(np.abs(z) / _FAR)
        words.append(["brighter than the others" if v > 0 else "darker than the others" for v in z])
    if probability is not None:
        p = np.clip(np.asarray(probability, np.float64), 1e-6, 1 - 1e-6)
        z = _robust_z(np.log(p / (1 - p)))
        scores.append(np.maximum(-z, 0) / _FAR)
        words.append([f"probability only {v:.2f}" for v in p])
    table = np.nan_to_num(np.stack(scores, axis=1))
    top = table.max(axis=1)
    made = []
    for row in np.argsort(-top, kind="stable"):
        order = np.argsort(-table[row], kind="stable")
        reasons = [words[k][row] for k in order if table[row, k] >= 1]
        if objects.border[row]:
            reasons.append("cut by the border")
        made.append(OutlierScore(row=int(row), score=float(top[row]), reasons=tuple(reasons)))
    return made


def _robust_z(values: np.ndarray) -> np.ndarray:
    """Return distances from the median in robust standard deviations; 0 where half of the values agree."""
    middle = np.nanmedian(values) if np.isfinite(values).any() else 0.0
    scale = 1.4826 * np.nanmedian(np.abs(values - middle)) if np.isfinite(values).any() else 0.0
    return (values - middle) / scale if scale > 0 else np.zeros(len(values))
