"""Fit the calibration of a model to objects of simulated volumes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from anystar.predict.calibration import Calibration
from benchmarks.calibration.objects import FoundObjects, Pooled, pool

__all__ = ["fit"]

_OFFSETS = (-0.75, -0.25, 0.0, 0.25, 0.5, 1.0, 2.0)
"""Offsets at which the share of real objects is fitted."""
_ONE_DEVIATION = 0.683
"""Share of a normal distribution within one standard deviation."""
_DIGITS, _HIGHEST = 3, 0.999
"""Digits of the results, and the highest share: nothing is certain."""


def fit(volumes: Sequence[FoundObjects]) -> Calibration:
    """Return the most likely calibration; every object weighs the same."""
    found = pool(volumes)
    floor, factor = _fit_volumes(found)
    return Calibration(
        offset=_OFFSETS,
        real=tuple(min(round(float(share), _DIGITS), _HIGHEST) for share in _fit_shares(found)),
        volume_floor=round(floor, _DIGITS),
        volume_factor=round(factor, _DIGITS),
    )


def _fit_shares(found: Pooled) -> np.ndarray:
    """Return the share of real objects at each offset: never falling, of the highest likelihood."""
    real = found.real

    def shares(free: np.ndarray) -> np.ndarray:
        return np.asarray(expit(np.cumsum([free[0], *np.exp(free[1:])])))

    def misfit(free: np.ndarray) -> float:
        expected = np.interp(found.offset, _OFFSETS, shares(free)).clip(1e-4, 1 - 1e-4)
        return -float((np.log(expected) * real + np.log(1 - expected) * (1 - real)).mean())

    start = np.array([-3.0, *np.zeros(len(_OFFSETS) - 1)])
    bounds = [(-9.0, 9.0), *[(-9.0, 2.0)] * (len(_OFFSETS) - 1)]
    return shares(minimize(misfit, start, method="L-BFGS-B", bounds=bounds).x)


def _fit_volumes(found: Pooled) -> tuple[float, float]:
    """Return floor and factor such that 68% of the errors lie within the uncertainty, whatever the spread.

    That is a quantile regression: some objects, such as cells of which only the inside is found, are far off,
    and do not decide alone.
    """
    known = np.isfinite(found.error)
    error, spread = np.abs(found.error[known]), found.spread[known]

    def misfit(free: np.ndarray) -> float:
        beyond = error - np.hypot(free[0], free[1] * spread)
        return float(np.maximum(_ONE_DEVIATION * beyond, (_ONE_DEVIATION - 1) * beyond).mean())

    grid = [(floor, factor) for floor in np.linspace(0, 0.2, 21) for factor in np.linspace(0, 3, 31)]
    best = minimize(misfit, min(grid, key=lambda free: misfit(np.array(free))), method="Nelder-Mead").x
    return abs(float(best[0])), abs(float(best[1]))
