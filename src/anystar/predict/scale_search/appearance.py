"""Smoothing and gamma, where the plain image does not show its objects clearly."""

from __future__ import annotations

from dataclasses import replace

from anystar.predict.scale_search.config import SearchConfig
from anystar.predict.scale_search.trial import Score, Trial

__all__ = ["search_appearance"]


def search_appearance(plain: Trial, score: Score, config: SearchConfig) -> Trial:
    """Return the trial, over smoothing and gammas, that shows objects most clearly.

    Noise hides objects, and so does a gamma of 4, for example; the network's confidence shows which
    (docs/lab-notes/training-log.md). Such an image only proposes objects; :class:`Detector` measures them in
    the plain one. Several objects must appear: a search that tries often finds some in anything.

    ``plain`` is the trial of the image as it is.
    """
    best = plain
    smoothed = [(config.sigma, 1.0)] if config.sigma else []
    for sigma, gamma in (*smoothed, *((0.0, gamma) for gamma in config.gammas)):
        made = score(replace(plain.setting, sigma=sigma, gamma=gamma, near=None, least=0.0))
        several = made.best.evidence.score >= config.min_objects * made.best.heaviest
        if several and made.confidence >= best.confidence + config.appearance_gain:
            best = made
    return best
