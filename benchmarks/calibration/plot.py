"""Draw the reliability curve, before and after calibration."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from anystar.predict.calibration import Calibration
from benchmarks.calibration.objects import Pooled

__all__ = ["plot"]

_BINS = 20


def plot(path: Path, found: Pooled, calibration: Calibration) -> None:
    """Write a picture of the share of real objects against stated probabilities, and of errors of volumes."""
    figure = Figure(figsize=(10, 3.4), layout="constrained")
    axes = figure.subplots(1, 3)
    stated = np.interp(found.offset, calibration.offset, calibration.real)
    for name, values in (("network", found.probability), ("calibrated", stated)):
        middle, share, number = _shares(values, found.real)
        axes[0].plot(middle, share, ".-", label=name)
        axes[1].bar(middle, number, width=0.4 / _BINS, align="edge" if name == "network" else "center")
    axes[0].plot((0, 1), (0, 1), "k:", lw=1)
    axes[0].set(xlabel="probability", ylabel="share of real objects", title="Reliability")
    axes[0].legend(frameon=False)
    axes[1].set(xlabel="probability", ylabel="objects", yscale="log", title="How many")
    known = np.isfinite(found.error)
    error, uncertainty = found.error[known], calibration.uncertainties(found.spread[known])
    axes[2].plot(uncertainty, error, ".", ms=2, alpha=0.4)
    ends = np.array([0, uncertainty.max(initial=0.1)])
    for times in (-2, -1, 1, 2):
        axes[2].plot(ends, times * ends, "k-" if abs(times) == 1 else "k:", lw=1)
    axes[2].set(
        xlabel="stated uncertainty", ylabel="true / found volume - 1", title="Volumes", ylim=(-1, 1.5)
    )
    figure.savefig(path, dpi=90)


def _shares(stated: np.ndarray, real: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    bins = np.minimum((stated * _BINS).astype(int), _BINS - 1)
    number, total = np.bincount(bins, minlength=_BINS), np.bincount(bins, real, minlength=_BINS)
    some = number >= 5
    return (np.arange(_BINS)[some] + 0.5) / _BINS, total[some] / number[some], number[some]
