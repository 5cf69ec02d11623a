"""How well instances agree with a truth: matching by overlap, or by centres. Pure functions over arrays."""

from anystar.evaluate.centres import CentreScores, match_centres
from anystar.evaluate.curves import NUM_RESAMPLES, Curve, Interval, accuracy_curve
from anystar.evaluate.describe import Described, describe
from anystar.evaluate.doubt import Doubt, doubtful
from anystar.evaluate.errors import KINDS, Errors, Fates, classify_errors
from anystar.evaluate.matching import (
    THRESHOLDS,
    Scores,
    add_scores,
    match_blocks,
    match_labels,
    mean_accuracy,
)
from anystar.evaluate.outcomes import Outcomes, find_outcomes
from anystar.evaluate.overlap import Overlap, overlap, overlap_of_blocks

__all__ = [
    "KINDS",
    "NUM_RESAMPLES",
    "THRESHOLDS",
    "CentreScores",
    "Curve",
    "Described",
    "Doubt",
    "Errors",
    "Fates",
    "Interval",
    "Outcomes",
    "Overlap",
    "Scores",
    "accuracy_curve",
    "add_scores",
    "classify_errors",
    "describe",
    "doubtful",
    "find_outcomes",
    "match_blocks",
    "match_centres",
    "match_labels",
    "mean_accuracy",
    "overlap",
    "overlap_of_blocks",
]
