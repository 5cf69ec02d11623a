"""Average precision (AP) against the overlap threshold, with confidence intervals by bootstrap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from anystar.errors import InputError
from anystar.evaluate.object_counts import ObjectCounts

__all__ = ["NUM_RESAMPLES", "Curve", "Interval", "ap_curve"]

NUM_RESAMPLES = 1000
"""Bootstrap samples."""
_LEVEL = 0.95
_BATCH = 2_000_000
"""Weights drawn at a time."""


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A number with the bounds that 95 of 100 resamplings stay within."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Scores of one method on several volumes, all objects pooled."""

    thresholds: tuple[float, ...]
    """Intersection over union from which an object counts as found."""
    ap: tuple[Interval, ...]
    """AP = TP / (TP + FP + FN) at each threshold, see :attr:`anystar.evaluate.Scores.ap`."""
    panoptic_quality: tuple[Interval, ...]
    """3D panoptic quality at each threshold."""
    mean_ap: Interval
    """Mean of the AP over the thresholds."""
    mean_over_volumes: float
    """The same for every volume by itself, averaged: small volumes weigh as much as large ones."""
    num_volumes: int
    num_true: int
    num_pred: int

    def at(self, threshold: float) -> Interval:
        """Return the AP at one of the thresholds."""
        return self.ap[self.thresholds.index(threshold)]

    def quality_at(self, threshold: float) -> Interval:
        """Return the panoptic quality at one of the thresholds."""
        return self.panoptic_quality[self.thresholds.index(threshold)]


def ap_curve(
    volumes: Sequence[ObjectCounts], *, rng: np.random.Generator, num_resamples: int = NUM_RESAMPLES
) -> Curve:
    """Pool the objects of several volumes and bootstrap over volumes, then over the instances in them.

    Parameters
    ----------
    volumes : sequence of ObjectCounts
        One per volume, of the same thresholds. With a single volume only the instances are resampled: the
        interval then says nothing about other volumes.
    rng : numpy.random.Generator
    num_resamples : int

    Raises
    ------
    ValueError
        If there is no volume.
    """
    if not volumes:
        raise InputError("volumes must be at least one, got none")
    # Of each volume ``(U, 4, T)``: tp, fp, fn and the sum of the overlaps.
    counts = [np.stack([v.tp, v.fp, v.fn, v.sum_iou], axis=1).astype(float) for v in volumes]
    totals = np.array([c.sum(axis=0) for c in counts])
    drawn = _resample(counts, rng, num_resamples)
    ap, quality = _ratios(totals.sum(axis=0))
    drawn_ap, drawn_quality = _ratios(drawn)
    each, _ = _ratios(totals)
    last = totals[..., -1].sum(axis=0)
    return Curve(
        thresholds=volumes[0].thresholds,
        ap=_intervals(ap, drawn_ap),
        panoptic_quality=_intervals(quality, drawn_quality),
        mean_ap=_intervals(ap.mean(keepdims=True), drawn_ap.mean(1, keepdims=True))[0],
        mean_over_volumes=float(each.mean()),
        num_volumes=len(volumes),
        num_true=int(last[0] + last[2]),
        num_pred=int(last[0] + last[1]),
    )


def _resample(counts: list[np.ndarray], rng: np.random.Generator, number: int) -> np.ndarray:
    """Return ``(number, 4, T)`` counts of resampled volumes with resampled instances.

    A volume drawn c times, each time with all its U rows drawn anew, is c U rows drawn with replacement.
    """
    volumes = rng.multinomial(len(counts), np.full(len(counts), 1 / len(counts)), size=number)
    drawn = np.zeros((number, *counts[0].shape[1:]))
    for times, rows in zip(volumes.T, counts, strict=True):
        if len(rows) == 0:
            continue
        flat, step = rows.reshape(len(rows), -1), max(1, _BATCH // len(rows))
        for start in range(0, number, step):
            chosen = slice(start, start + step)
            weights = rng.multinomial(times[chosen] * len(rows), np.full(len(rows), 1 / len(rows)))
            drawn[chosen] += (weights.astype(float) @ flat).reshape(-1, *rows.shape[1:])
    return drawn


def _ratios(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return AP and panoptic quality from ``(..., 4, T)``; 0 / 0 is 0."""
    tp, fp, fn, sum_iou = np.moveaxis(counts, -2, 0)
    whole, half = tp + fp + fn, tp + (fp + fn) / 2
    return tp / np.where(whole, whole, 1), sum_iou / np.where(half, half, 1)


def _intervals(value: np.ndarray, drawn: np.ndarray) -> tuple[Interval, ...]:
    low, high = np.quantile(drawn, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2], axis=0)
    return tuple(
        Interval(value=float(v), low=float(a), high=float(b))
        for v, a, b in zip(value, low, high, strict=True)
    )
