"""Intensity of instances over time: means of each frame, change to a baseline, smoothing, drift."""

from anystar.timecourse.curves import Regions, Timecourse, make_regions, relative_change, smooth
from anystar.timecourse.drift import Drift, DriftMeter
from anystar.timecourse.stream import follow

__all__ = [
    "Drift",
    "DriftMeter",
    "Regions",
    "Timecourse",
    "follow",
    "make_regions",
    "relative_change",
    "smooth",
]
