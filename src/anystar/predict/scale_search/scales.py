"""The zoom at which a part of the image shows its objects most clearly.

Zooms are tried from coarse to fine, and the one that explains most of the part with confidence wins. High
zooms cost most; they are tried only where the best scale so far has most evidence. Merging the candidates of
all scales and suppressing across them was worse: it keeps details at high zooms and clumps at low ones.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from anystar.predict.detector import ProgressCallback
from anystar.predict.scale_search.config import SearchConfig
from anystar.predict.scale_search.evidence import ScaleEvidence

__all__ = ["best_scale"]


def best_scale(
    try_zoom: Callable[[float, ScaleEvidence | None], ScaleEvidence],
    *,
    extent: float,
    config: SearchConfig,
    near: float | None = None,
    progress: ProgressCallback | None = None,
) -> tuple[ScaleEvidence, ScaleEvidence | None]:
    """Return the scale with the most evidence, and the runner-up; without evidence, the zoom nearest to 1.

    Scales are compared where the finer one was tried. A finer scale wins only with more evidence than the
    best so far has there, and more than that of its best single object.

    Parameters
    ----------
    try_zoom : callable
        Takes a zoom and the best scale so far, and returns the evidence at that zoom.
    extent : float
        Longest side of the part, in shortest edges of its voxels.
    config : SearchConfig
    near : float, optional
        Zoom near which others are tried; by default, all are.
    progress : callable, optional
    """
    zooms = [zoom for zoom in config.zooms if extent * zoom >= config.min_side] or [1.0]
    coarse = 1.0  # zooms from here on are worth their cost only while they are the best
    if near is not None:
        low, high = config.near
        zooms = [zoom for zoom in zooms if low * near < zoom < high * near] or [near]
        coarse = min(1.0, 0.99 * near)
    tried: list[ScaleEvidence] = []
    best: ScaleEvidence | None = None
    for number, zoom in enumerate(zooms):
        if progress is not None:
            progress(number, len(zooms), "object size")
        made = try_zoom(zoom, best)
        tried.append(made)
        if best is None or made.evidence.score > max(best.within(made.inner).score, best.heaviest):
            best = made
        elif not best.evidence.score:
            best = min(best, made, key=lambda each: abs(np.log(each.zoom)))
        elif zoom >= coarse:
            break
    if progress is not None:
        progress(len(zooms), len(zooms), "object size")
    assert best is not None
    return best, _runner_up(best, tried, config)


def _runner_up(best: ScaleEvidence, tried: list[ScaleEvidence], config: SearchConfig) -> ScaleEvidence | None:
    """Return the scale with the most evidence of those with objects of another size."""
    if not best.evidence.score:
        return None
    least = np.log(config.runner_up_ratio)
    others = [
        made for made in tried if made.evidence.score and abs(np.log(made.diameter / best.diameter)) >= least
    ]
    return max(others, key=lambda made: made.evidence.score, default=None)
