"""The setting of a method that does best on validation data: the same search for everybody."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from anystar.evaluate import add_scores, match_labels, mean_ap
from anystar.lab.methods import Method, Setting, VolumeRequest

__all__ = ["TUNING_THRESHOLDS", "ChosenSetting", "choose_setting", "median_diameter_of"]

TUNING_THRESHOLDS = (0.3, 0.5, 0.7)
"""Mean AP over these is what the search maximises, as StarDist's ``optimize_thresholds`` does."""


@dataclass(frozen=True, kw_only=True)
class ChosenSetting:
    """A setting, and how it came about."""

    setting: Setting
    """Empty: the method's own defaults."""
    how: str
    """For the table: what it was chosen on."""
    tried: tuple[tuple[Setting, float], ...] = ()
    """Every setting with its mean AP on the validation data."""


def choose_setting(
    method: Method, validation: Sequence[tuple[VolumeRequest, np.ndarray]], voxel: Sequence[float]
) -> ChosenSetting:
    """Run a method in all its settings over validation data and return the best (the first of equals).

    Without data, it is the method's own defaults. ``voxel`` is the size of a voxel (ZYX) in any unit.
    """
    ground_truths = {request.name: ground_truth for request, ground_truth in validation}
    settings = method.search(median_diameter_of(ground_truths.values(), voxel)) if validation else []
    if not settings:
        return ChosenSetting(setting={}, how="its own defaults")
    scores = [
        [match_labels(ground_truths[request.name], one, thresholds=TUNING_THRESHOLDS) for one in labels]
        for request, labels in method.run([r for r, _ in validation], settings)
    ]
    means = [mean_ap(add_scores(of_setting)) for of_setting in zip(*scores, strict=True)]
    names = ", ".join(ground_truths)
    return ChosenSetting(
        setting=settings[int(np.argmax(means))],
        how=f"searched on {names}",
        tried=tuple(zip(settings, means, strict=True)),
    )


def median_diameter_of(ground_truths: Iterable[np.ndarray], voxel: Sequence[float]) -> float:
    """Return the median diameter of a ball of an object's volume, in voxels of the finest axis."""
    volumes = np.concatenate([np.bincount(t.ravel())[1:] for t in ground_truths])
    volumes = volumes[volumes > 0]
    if len(volumes) == 0:
        return 0.0
    return float((6 / np.pi * np.median(volumes) * np.prod(np.asarray(voxel) / min(voxel))) ** (1 / 3))
