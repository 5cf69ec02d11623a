"""Curves over time as CSV and as a figure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from anystar.report.overview import label_colours, outline, to_grey
from anystar.runtime.atomic import staged, write_csv
from anystar.timecourse import Timecourse

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["CURVE_COLUMNS", "FRAME_COLUMNS", "save_timecourse", "write_curves", "write_frames"]

CURVE_COLUMNS = ("frame", "seconds", "region", "voxels", "mean", "change", "smoothed")
"""A line for each frame and region; region 0 is the whole organ, the others are labels. ``change`` is
relative to the baseline (0.1 is 10 % more), ``smoothed`` the same after the Gaussian along time. Missing
values are empty.
"""
FRAME_COLUMNS = ("frame", "seconds", "state", "shift_z_vox", "shift_y_vox", "shift_x_vox", "similarity")
"""A line for each frame: whether it could be used, and how it lies to the frame of the labels."""


def write_curves(path: str | Path, course: Timecourse, *, seconds: float | None = None) -> None:
    """Write :data:`CURVE_COLUMNS`; ``seconds`` is the time from one frame to the next, if known."""
    lines = []
    for row, frame in enumerate(course.frame.tolist()):
        for column, region in enumerate([0, *course.label.tolist()]):
            values = (a[row, column] for a in (course.mean, course.change, course.smoothed))
            place = [frame, _time(frame, seconds), region, course.voxels[column]]
            lines.append([*place, *map(_number, values)])
    write_csv(path, CURVE_COLUMNS, lines)


def write_frames(path: str | Path, course: Timecourse, *, seconds: float | None = None) -> None:
    """Write :data:`FRAME_COLUMNS`."""
    lines = []
    for frame, state, drift in zip(course.frame.tolist(), course.state, course.drift, strict=True):
        place = [""] * 4 if drift is None else [f"{v:.2f}" for v in (*drift.shift, drift.similarity)]
        lines.append([frame, _time(frame, seconds), state, *place])
    write_csv(path, FRAME_COLUMNS, lines)


def _time(frame: int, seconds: float | None) -> str:
    return _number(frame * seconds) if seconds else ""


def _number(value: float) -> str:
    """Return ten significant digits, or nothing for a missing value."""
    return f"{value:.10g}" if np.isfinite(value) else ""


def save_timecourse(
    path: str | Path,
    course: Timecourse,
    image: np.ndarray,
    labels: np.ndarray,
    *,
    spacing: tuple[float, float, float] | None,
    seconds: float | None,
    title: str,
) -> None:
    """Write a PNG: the smoothed curves beside a slice with the regions in their colours, the drift below.

    ``image`` is the frame of the labels, both ``(Z, Y, X)``; ``seconds`` pass from one frame to the next. The
    file appears whole or not at all.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.5, 5.5), dpi=120, layout="constrained", facecolor="white")
    grid = figure.add_gridspec(2, 2, width_ratios=(2.4, 1), height_ratios=(3.2, 1))
    curves, drift = figure.add_subplot(grid[0, 0]), figure.add_subplot(grid[1, 0])
    time = course.frame * (seconds or 1.0)
    _draw_curves(curves, time, course)
    _draw_drift(drift, time, course)
    drift.sharex(curves)
    drift.set_xlabel("time (s)" if seconds else "frame")
    _draw_regions(figure.add_subplot(grid[:, 1]), image, labels, course, spacing or (1.0, 1.0, 1.0))
    figure.suptitle(title, fontsize=12)
    with staged(path) as (temporary,):
        figure.savefig(temporary, format="png")


def _draw_curves(axes: Axes, time: np.ndarray, course: Timecourse) -> None:
    percent = 100 * course.smoothed
    for column, colour in enumerate(label_colours(course.label) * 0.8, start=1):
        axes.plot(time, percent[:, column], color=tuple(colour), linewidth=1)
    axes.plot(time, percent[:, 0], color="black", linewidth=2.5, label="whole organ")
    axes.axhline(0, color="0.6", linewidth=0.8, zorder=0)
    first, last = (time[list(course.frame).index(f)] for f in course.baseline)
    axes.axvspan(first, max(last, first + 1e-9), color="0.9", zorder=-1, label="baseline")
    axes.set_ylabel("change of mean intensity (%)")
    axes.legend(loc="best", fontsize=8, frameon=False)
    axes.tick_params(labelbottom=False)


def _draw_drift(axes: Axes, time: np.ndarray, course: Timecourse) -> None:
    shifts = np.array([(np.nan,) * 3 if d is None else d.shift for d in course.drift])
    for axis, style in enumerate(("-", "--", ":")):
        axes.plot(time, shifts[:, axis], style, color="0.2", linewidth=1, label="ZYX"[axis])
    bad = course.state != "ok"
    if bad.any():
        axes.plot(time[bad], np.zeros(bad.sum()), "x", color="tab:red", markersize=5, label="left out")
    widest = max(2.0, 1.1 * float(np.nanmax(np.abs(shifts), initial=0)))
    axes.set_ylim(-widest, widest)
    axes.set_ylabel("drift (voxels)")
    axes.legend(loc="upper left", fontsize=7, frameon=False, ncols=4)


def _draw_regions(
    axes: Axes, image: np.ndarray, labels: np.ndarray, course: Timecourse, spacing: tuple[float, float, float]
) -> None:
    displayed = np.where(np.isin(labels, course.label), labels, 0)
    index = int(np.count_nonzero(displayed, axis=(1, 2)).argmax())
    rgb = np.repeat(to_grey(np.nan_to_num(image[index]))[..., None], 3, axis=2)
    edge = outline(displayed[index])
    rgb[edge] = label_colours(displayed[index][edge]) * 0.8
    axes.imshow(rgb, aspect=spacing[1] / spacing[2], interpolation="nearest")
    axes.set_title(f"the regions, colours as left, Z = {index}", fontsize=9)
    axes.set_axis_off()
