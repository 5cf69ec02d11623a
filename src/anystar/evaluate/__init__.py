"""Scores of instances against a ground truth, matched by overlap or by centres: pure functions of arrays."""

from anystar.evaluate.centres import CentreScores, match_centres
from anystar.evaluate.curves import NUM_RESAMPLES, Curve, Interval, ap_curve
from anystar.evaluate.describe import ObjectProperties, describe
from anystar.evaluate.errors import KINDS, Errors, Outcomes, classify_errors
from anystar.evaluate.matching import THRESHOLDS, Scores, add_scores, match_blocks, match_labels, mean_ap
from anystar.evaluate.object_counts import ObjectCounts, count_by_object
from anystar.evaluate.outliers import OutlierScore, outlier_scores
from anystar.evaluate.overlap import Overlap, overlap, overlap_of_blocks

__all__ = [
    "KINDS",
    "NUM_RESAMPLES",
    "THRESHOLDS",
    "CentreScores",
    "Curve",
    "Errors",
    "Interval",
    "ObjectCounts",
    "ObjectProperties",
    "Outcomes",
    "OutlierScore",
    "Overlap",
    "Scores",
    "add_scores",
    "ap_curve",
    "classify_errors",
    "count_by_object",
    "describe",
    "match_blocks",
    "match_centres",
    "match_labels",
    "mean_ap",
    "outlier_scores",
    "overlap",
    "overlap_of_blocks",
]
