"""Intensity of instances over time: means of each frame, change to a baseline, smoothing, drift."""

from anystar.timecourse.curves import Regions, Timecourse, make_regions, relative_change, smooth
from anystar.timecourse.drift import Drift, DriftMeter
from anystar.timecourse.remarks import drift_remark, left_out_remarks, ranges
from anystar.timecourse.stream import follow

__all__ = [
    "Drift",
    "DriftMeter",
    "Regions",
    "Timecourse",
    "drift_remark",
    "follow",
    "left_out_remarks",
    "make_regions",
    "ranges",
    "relative_change",
    "smooth",
]
