"""From frames, one at a time, to curves."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from anystar.errors import InputError
from anystar.timecourse.curves import Regions, Timecourse, relative_change, smooth
from anystar.timecourse.drift import Drift, DriftMeter

__all__ = ["follow"]


def follow(
    frames: Iterable[np.ndarray | None],
    regions: Regions,
    *,
    reference: np.ndarray,
    baseline: tuple[int, int] | None = None,
    sigma: float = 3.0,
) -> Timecourse:
    """Measure all regions in all frames; only one frame is in memory at a time.

    Parameters
    ----------
    frames : iterable of (Z, Y, X) arrays or None
        In the order of time; None stands for a frame that is missing.
    regions : Regions
        Of :func:`anystar.timecourse.make_regions`.
    reference : (Z, Y, X) array
        The frame that the labels belong to; drift is measured against it.
    baseline : two ints, optional
        First and last frame that a change is relative to; the first tenth of the frames by default.
    sigma : float
        Of the Gaussian along time, in frames.

    Returns
    -------
    Timecourse

    Raises
    ------
    ValueError
        If there is no frame, shapes differ or the baseline lies outside.

    Examples
    --------
    >>> from anystar.timecourse import make_regions
    >>> ball = np.zeros((8, 8, 8), int)
    >>> ball[2:6, 2:6, 2:6] = 1
    >>> series = [ball * 2.0, ball * 3.0, None]
    >>> course = follow(series, make_regions(ball), reference=series[0], baseline=(0, 0), sigma=0)
    >>> course.change.tolist(), course.state.tolist()
    ([[0.0, 0.0], [0.5, 0.5], [nan, nan]], ['ok', 'ok', 'missing'])
    """
    meter = DriftMeter(np.nan_to_num(reference, posinf=0, neginf=0))
    nothing = np.full(len(regions.voxels), np.nan)
    rows: list[tuple[str, np.ndarray, Drift | None]] = []
    for frame in frames:
        if frame is None:
            rows.append(("missing", nothing, None))
            continue
        mean = regions.means(frame)  # refuses another shape
        if frame.dtype.kind == "f" and not np.isfinite(frame).all():
            rows.append(("not finite", mean, None))
        elif frame.min() == frame.max():
            rows.append(("constant", nothing, None))
        else:
            rows.append(("ok", mean, meter.measure(frame)))
    if not rows:
        raise InputError("frames must hold at least one frame, got none")
    state, means, drift = zip(*rows, strict=True)
    mean = np.stack(means)
    span = baseline or (0, max(1, len(mean) // 10) - 1)
    change = relative_change(mean, span)
    return Timecourse(
        label=regions.label,
        voxels=regions.voxels,
        frame=np.arange(len(mean)),
        state=np.array(state),
        mean=mean,
        change=change,
        smoothed=smooth(change, sigma),
        baseline=span,
        drift=drift,
    )
