"""The voxel aspect ratio, where the file does not give a voxel size."""

from __future__ import annotations

from anystar.predict.scale_search.config import SearchConfig
from anystar.predict.scale_search.trial import Score, Setting, Trial
from anystar.preprocess.arrays import Vec

__all__ = ["search_aspect"]


def search_aspect(score: Score, config: SearchConfig) -> Trial:
    """Return the trial, over distances between planes, that shows objects most clearly.

    On the volumes of ``benchmarks`` whose aspect ratio is known, confidence rises up to it and falls beyond
    (docs/lab-notes/training-log.md). So the distance is doubled or halved while that helps, and then its
    neighbours are tried. Where cubic voxels show hardly anything, both directions are tried first, since
    noise makes small differences. Once objects are found, other distances are tried only near the zoom at
    which they are clearest.
    """
    tried: dict[float, Trial] = {}

    def confidence(distance: float) -> float:
        if distance not in tried:
            best = max(tried.values(), key=lambda made: made.confidence, default=None)
            sure = 0.0 if best is None else best.confidence
            tried[distance] = score(
                Setting(
                    aspect=_aspect(distance),
                    near=best.zoom_x if best is not None and sure >= config.min_confidence else None,
                    least=sure - 2 * config.aspect_gain if sure >= config.uncertain else 0.0,
                )
            )
        # A whole specimen is surer than its parts, whatever the distance
        return 0.0 if _are_parts(tried[1.0]) and _is_few(tried[distance]) else tried[distance].confidence

    def _is_few(made: Trial) -> bool:
        return made.best.num_effective < config.few_objects

    def _are_parts(made: Trial) -> bool:
        return not _is_few(made) and made.confidence >= config.part_confidence

    shortest, longest = config.aspects
    cubic = confidence(1.0)
    if cubic >= config.cubic_confidence:
        return tried[1.0]
    distance, step = 1.0, 2.0 if confidence(2.0) > cubic else 0.5
    if cubic < config.unsure:
        step = max(2.0, 0.5, key=confidence)
    while shortest <= distance * step <= longest and confidence(distance * step) > confidence(distance):
        distance *= step
    for beside, beyond in ((0.75 * distance, 0.5 * distance), (1.5 * distance, 2 * distance)):
        promising = distance != 1 or confidence(beyond) > cubic - 2 * config.aspect_gain
        if promising and shortest <= beside <= longest:
            confidence(beside)
    best_distance = max(tried, key=confidence)
    return tried[best_distance if confidence(best_distance) >= cubic + config.aspect_gain else 1.0]


def _aspect(distance: float) -> Vec:
    """Return the edges of a voxel, in units of the shortest, for a distance between planes in pixels."""
    return (distance, 1.0, 1.0) if distance >= 1 else (1.0, 1 / distance, 1 / distance)
