"""Remarks for the user about a timecourse, one line each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from anystar import display
from anystar.arrays import LengthUnit
from anystar.timecourse.curves import Timecourse

__all__ = ["drift_remark", "left_out_remarks", "ranges"]

_DRIFT = 1.0
"""Voxels along an axis from which a frame is reported as moved."""
_UNLIKE = 0.5
"""Correlation with the frame of the labels below which a frame is reported as different."""
_MOST = 6
"""Ranges of numbers that are listed."""


def ranges(numbers: Iterable[int]) -> str:
    """Return numbers as text, neighbours joined.

    Examples
    --------
    >>> ranges([3, 7, 8, 9])
    '3, 7 to 9'
    """
    ordered = np.unique(np.fromiter(numbers, np.int64))
    groups = np.split(ordered, np.flatnonzero(np.diff(ordered) > 1) + 1)
    texts = [f"{g[0]} to {g[-1]}" if len(g) > 1 else str(g[0]) for g in groups if len(g)]
    more = f" and {len(texts) - _MOST} more" if len(texts) > _MOST else ""
    return ", ".join(texts[:_MOST]) + more


def left_out_remarks(course: Timecourse, faults: Mapping[int, str] | None = None) -> list[str]:
    """Return what has no values in the curves, and why.

    Parameters
    ----------
    course : Timecourse
    faults : mapping of int to str, optional
        Why frames are missing, by number.
    """
    total, lines = len(course.frame), []

    def say(which: np.ndarray, what: str) -> None:
        if len(which):
            lines.append(f"{len(which)} of {total} frames {what.format(ranges(which))}")

    missing = course.frame[course.state == "missing"]
    first = next((f": {faults[n]}" for n in missing.tolist() if faults and n in faults), "")
    say(missing, "are missing ({}) and left out" + first.replace("{", "{{").replace("}", "}}"))
    say(course.frame[course.state == "constant"], "are constant ({}) and left out; were they acquired?")
    broken = course.frame[course.state == "not finite"]
    say(broken, "have NaN or infinite voxels ({}); curves are empty where a region holds one")
    has_values = np.isfinite(course.mean).any(axis=0)
    dead = np.flatnonzero(has_values & ~np.isfinite(course.change).any(axis=0))
    if len(dead):
        names = ", ".join("the organ" if c == 0 else str(course.label[c - 1]) for c in dead[:_MOST])
        lines.append(
            f"{len(dead)} regions ({names}) have no positive mean in the baseline, so no change; "
            "give another --baseline"
        )
    return lines


def drift_remark(
    course: Timecourse,
    reference: int,
    spacing: tuple[float, float, float] | None = None,
    length_unit: LengthUnit = "um",
) -> str | None:
    """Return a line if frames lie elsewhere than the one of the labels, else None.

    A frame has moved from one voxel along an axis on; it is unlike the reference below a correlation of 0.5.

    Parameters
    ----------
    course : Timecourse
    reference : int
        Number of the labels' frame.
    spacing : 3 floats, optional
        Micrometres per voxel.
    length_unit : {"um", "nm", "mm", "m"}
        Unit in which the distance is reported.
    """
    known = [(int(f), d) for f, d in zip(course.frame, course.drift, strict=True) if d is not None]
    alike = [(f, d) for f, d in known if d.similarity >= _UNLIKE]
    unlike = [f for f, d in known if d.similarity < _UNLIKE]
    moved = [(f, d) for f, d in alike if d.distance >= _DRIFT]
    total, parts = len(course.frame), []
    if moved:
        frame, worst = max(moved, key=lambda pair: pair[1].distance)
        axis, length = int(np.abs(worst.shift).argmax()), ""
        if spacing is not None:
            length = f" ({display.length(worst.distance * spacing[axis], 'um', length_unit)})"
        parts.append(
            f"{len(moved)} of {total} frames ({ranges(f for f, _ in moved)}) have drifted from frame "
            f"{reference}, by up to {worst.distance:.1f} voxels along {'ZYX'[axis]}{length} in frame {frame}"
        )
    if unlike:
        parts.append(
            f"{len(unlike)} of {total} frames ({ranges(unlike)}) hardly resemble frame {reference} "
            "(correlation below 0.5)"
        )
    if not parts:
        return None
    return f"{' and '.join(parts)}: the labels do not lie on the same tissue there; register the series first"
