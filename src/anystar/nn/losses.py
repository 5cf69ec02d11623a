"""The losses of StarDist (Schmidt et al. 2018; Weigert et al. 2020), as the paper uses them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch.nn.functional as F
from torch import Tensor

from anystar.config import ConfigError
from anystar.nn.model import Prediction
from anystar.targets import Targets

__all__ = ["LossConfig", "Losses", "star_loss"]


_SHORTEST = 0.25
"""Voxels; shorter distances count as this long in logarithms."""


@dataclass(frozen=True, kw_only=True)
class LossConfig:
    """Weights of the losses."""

    distance_weight: float = 0.2
    """Weight of the distance loss; the probability loss has weight 1."""
    background_weight: float = 1e-4
    """Weight of the size of distances predicted on background."""
    distance_error: Literal["absolute", "logarithmic"] = "absolute"
    """``absolute``: in voxels, the paper's. ``logarithmic``: of the logarithm, times 5 (as large as the
    absolute one at a radius of 5), so that small objects count as much as large ones."""
    # The error divided by the distance would do that too, but its optimum under uncertainty lies far below
    # the median: objects come out too small.

    def __post_init__(self) -> None:
        if self.distance_weight < 0 or self.background_weight < 0:
            raise ConfigError("loss weights must not be negative")


class Losses(NamedTuple):
    """The total and its parts, each a scalar tensor."""

    total: Tensor
    probability: Tensor
    distance: Tensor


def _alone(value: Tensor) -> Tensor:
    return value


def star_loss(
    prediction: Prediction,
    targets: Targets,
    config: LossConfig,
    *,
    mean_over_processes: Callable[[Tensor], Tensor] = _alone,
) -> Losses:
    """Return the loss of a batch from a prediction with the distances at ``targets.taught_N4()``.

    Binary cross-entropy against the object probability; mean absolute error of the distances, weighted by the
    object probability and divided by its mean; and a small pull towards zero on background. Voxels without
    ground truth (False in ``targets.valid_BZYX``) do not count. The points drawn, ``points_P4`` and
    ``others_Q4``, make each term an unbiased estimate of its value over all points.

    ``mean_over_processes`` averages the denominators over the processes of a run, so that the mean of their
    losses is the loss of all their samples in one batch.
    """
    logits = prediction.logits[:, 0].float()
    known = targets.prob_BZYX.new_ones(()) if targets.valid_BZYX is None else targets.valid_BZYX.float()
    count = mean_over_processes(known.expand_as(logits).sum()).clamp_min(1)
    entropy = F.binary_cross_entropy_with_logits(logits, targets.prob_BZYX, reduction="none")
    probability = (entropy * known).sum() / count

    drawn = len(targets.points_P4), len(targets.others_Q4)
    rows, others = prediction.distances.float().split(drawn)
    weight = targets.prob_BZYX[targets.points_P4.unbind(1)]
    true_rows = targets.dist_PR
    if config.distance_error == "logarithmic":
        rows, true_rows = 5 * rows.clamp_min(_SHORTEST).log(), 5 * true_rows.clamp_min(_SHORTEST).log()
    error = (rows - true_rows).abs().mean(1)
    distance = (error * weight).sum() / mean_over_processes(weight.sum()).clamp_min(1e-3)
    if config.background_weight and len(others):
        at = targets.others_Q4.unbind(1)
        outside = (targets.prob_BZYX[at] == 0) * known.expand_as(logits)[at]
        level = (others.abs().mean(1) * outside).mean() * (logits.numel() / count)
        distance = distance + config.background_weight * level
    return Losses(probability + config.distance_weight * distance, probability, distance)
