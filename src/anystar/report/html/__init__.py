"""The report: one HTML file that needs nothing else, neither network nor other files."""

from anystar.report.html.examine import Prediction, VolumeInput, VolumeReport, draw, examine, worst_first
from anystar.report.html.page import Run, render_report

__all__ = [
    "Prediction",
    "Run",
    "VolumeInput",
    "VolumeReport",
    "draw",
    "examine",
    "render_report",
    "worst_first",
]
