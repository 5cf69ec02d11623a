"""The report: one HTML file that needs nothing else, neither network nor other files."""

from anystar.report.html.examine import (
    Prediction,
    RunReport,
    VolumeInput,
    VolumeReport,
    draw,
    examine,
    worst_first,
)
from anystar.report.html.page import Run, write_report

__all__ = [
    "Prediction",
    "Run",
    "RunReport",
    "VolumeInput",
    "VolumeReport",
    "draw",
    "examine",
    "worst_first",
    "write_report",
]
