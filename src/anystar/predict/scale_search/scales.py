"""The zoom at which a part of the image shows its objects most clearly.

Zooms are tried from coarse to fine, and the one that explains most of the part with confidence wins. High
zooms cost most; they are tried only where the best scale so far has most evidence, and only while they are
the best. A few objects may be a specimen full of others, though: below these every zoom is tried, in several
places, and many confident parts win over them whatever their evidence. Merging the candidates of
all scales and suppressing across them was worse: it keeps details at high zooms and clumps at low ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from anystar.predict.scale_search.config import SearchConfig
from anystar.predict.scale_search.evidence import ScaleEvidence
from anystar.runtime.progress import Progress

__all__ = ["best_scale", "find_runner_up", "find_second"]

_SLACK = 1.5
"""Parts may lie beyond a specimen's median radius by this factor: it may be long."""


def best_scale(
    try_zoom: Callable[[float, ScaleEvidence | None], ScaleEvidence],
    *,
    extent: float,
    config: SearchConfig,
    near: float | None = None,
    least: float = 0.0,
    progress: Progress | None = None,
) -> tuple[ScaleEvidence, list[ScaleEvidence]]:
    """Return the scale with the most evidence, and all that were tried; without evidence, the zoom nearest
    to 1.

    Scales are compared where the finer one was tried (:meth:`ScaleEvidence.outweighs`).

    Parameters
    ----------
    try_zoom : callable
        Takes a zoom and the best scale so far, and returns the evidence at that zoom.
    extent : float
        Longest side of the part, in shortest edges of its voxels.
    near : float, optional
        Zoom near which others are tried; by default, all are.
    least : float
        Confidence that the zoom nearest to ``near`` must reach, or no other is tried.
    """
    zooms = [zoom for zoom in config.zooms if extent * zoom >= config.min_side] or [1.0]
    coarse = 1.0  # zooms from here on are worth their cost only while they are the best
    if near is not None:
        low, high = config.near
        zooms = [zoom for zoom in zooms if low * near < zoom < high * near] or [near]
        coarse = min(1.0, 0.99 * near)
        first = try_zoom(min(zooms, key=lambda zoom: abs(np.log(zoom / near))), None) if least else None
        if first is not None and first.evidence.confidence < least:
            return first, [first]
    tried: list[ScaleEvidence] = []
    best: ScaleEvidence | None = None
    for number, zoom in enumerate(zooms):
        if progress is not None:
            progress(number, len(zooms), "object size")
        made = try_zoom(zoom, best)
        tried.append(made)
        if best is None or made.outweighs(best) or _are_parts(made, best, config):
            best = made
        elif not best.evidence.score:
            best = min(best, made, key=lambda each: abs(np.log(each.zoom)))
        elif zoom >= coarse and best.num_effective >= config.few_objects:
            others = made.beside(best)
            if others.num_effective < config.few_objects or others.evidence.confidence < config.unsure:
                break
    if progress is not None:
        progress(len(zooms), len(zooms), "object size")
    assert best is not None
    return best, tried


def find_runner_up(
    best: ScaleEvidence, tried: Sequence[ScaleEvidence], config: SearchConfig
) -> ScaleEvidence | None:
    """Return the scale with the most evidence per volume of those with objects of another size."""
    return _densest([made for made in tried if _differs(made, best, config.runner_up_ratio)])


def find_second(
    best: ScaleEvidence, tried: Sequence[ScaleEvidence], config: SearchConfig
) -> ScaleEvidence | None:
    """Return the objects of a much different size that lie beside those of a scale, if they are clear.

    Only the densest such scale is returned, with these objects alone.
    """
    others = [made.beside(best) for made in tried]
    return _densest(
        [made for made in others if _differs(made, best, config.second_ratio) and made.is_clear(config)]
    )


def _are_parts(made: ScaleEvidence, best: ScaleEvidence, config: SearchConfig) -> bool:
    """Return whether a scale shows many confident parts of the few objects of the best scale."""
    if not best.evidence.score or best.num_effective >= config.few_objects:
        return False
    expected = made.num_effective * best.volume / made.volume
    many = made.num_effective >= config.few_objects and expected >= config.many_objects
    if not many or made.evidence.confidence < config.part_confidence:
        return False
    if made.diameter * config.part_ratio > best.diameter:
        return False
    inside = made.weight[best.holds(made.points, _SLACK)].sum()
    return bool(inside >= made.weight.sum() / 2)


def _differs(made: ScaleEvidence, best: ScaleEvidence, ratio: float) -> bool:
    """Return whether the objects of two scales differ in diameter by at least a ratio."""
    if not made.evidence.score or not best.evidence.score:
        return False
    return abs(float(np.log(made.diameter / best.diameter))) >= np.log(ratio)


def _densest(scales: Sequence[ScaleEvidence]) -> ScaleEvidence | None:
    return max(scales, key=lambda made: made.evidence.score / made.volume, default=None)
