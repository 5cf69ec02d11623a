"""How well instances agree with a truth: matching by overlap, or by centres. Pure functions over arrays."""

from anystar.evaluate.centres import CentreScores, match_centres
from anystar.evaluate.matching import THRESHOLDS, Scores, evaluate, evaluate_many, mean_accuracy
from anystar.evaluate.overlap import Overlap, as_labels, overlap

__all__ = [
    "THRESHOLDS",
    "CentreScores",
    "Overlap",
    "Scores",
    "as_labels",
    "evaluate",
    "evaluate_many",
    "match_centres",
    "mean_accuracy",
    "overlap",
]
