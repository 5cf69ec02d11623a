"""Objects to look at, in words: errors against a ground truth, or outliers without one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from anystar.evaluate import Errors, ObjectProperties, Outcomes, OutlierScore

__all__ = ["Finding", "error_findings", "outlier_findings"]


Side = Literal["ground truth", "prediction"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One object, why it is listed and where it is."""

    kind: str
    "One of :data:`anystar.evaluate.KINDS`, or ``outlier``, or ``ordinary``."
    side: Side
    "Where the object is from."
    label: int
    text: str
    "Description of the error."
    position: tuple[int, int, int]
    "Voxel (ZYX) nearest to its centroid."
    start: tuple[int, int, int]
    "First voxel of its box."
    stop: tuple[int, int, int]
    "One past its last."


def error_findings(
    errors: Errors, ground_truth: ObjectProperties, objects: ObjectProperties
) -> list[Finding]:
    """Return what went wrong, the greatest loss (voxels that do not agree) first.

    An event is listed once: true objects that were not found, spurious predictions, and surplus parts or
    mergers whose partner in the ground truth was found all the same.
    """
    ranked: list[tuple[float, Finding]] = []
    lost = set(errors.true.label[errors.true.kind != "found"].tolist())
    sides: tuple[tuple[Outcomes, ObjectProperties, Side], ...]
    sides = ((errors.true, ground_truth, "ground truth"), (errors.pred, objects, "prediction"))
    for outcomes, properties, side in sides:
        for row in map(int, np.flatnonzero(outcomes.kind != "found")):
            kind, partner = str(outcomes.kind[row]), int(outcomes.partner[row])
            if side == "prediction" and kind != "spurious" and partner in lost:
                continue
            loss = float(outcomes.volume_vox[row] * (1 - outcomes.iou[row]))
            text = f"{int(outcomes.volume_vox[row]):,} voxels; {_words(outcomes, row, side)}"
            ranked.append((loss, _finding(properties, row, kind, side, text)))
    return [finding for _, finding in sorted(ranked, key=lambda pair: -pair[0])]


def _words(outcomes: Outcomes, row: int, side: Side) -> str:
    kind, partner, iou = outcomes.kind[row], int(outcomes.partner[row]), float(outcomes.iou[row])
    true = side == "ground truth"
    other = f"{'prediction' if true else 'true object'} {partner}"
    if kind == "merged":
        return f"in one with others, {other}" if true else f"holds several, of which {other}"
    if kind == "split":
        return f"in pieces, of which {other}" if true else f"a surplus piece of {other}"
    if kind == "loose":
        ratio = int(outcomes.partner_volume_vox[row]) / int(outcomes.volume_vox[row])
        return f"overlaps {other} by {iou:.2f}, which is {ratio:.2g} times as large"
    if partner and iou >= 0.005:
        return f"overlaps {other} by only {iou:.2f}"
    if partner:
        return f"no more than touches {other}"
    return "nothing was found there" if true else "nothing is there in the ground truth"


def outlier_findings(objects: ObjectProperties, outliers: Sequence[OutlierScore]) -> list[Finding]:
    """Return all objects, the most unusual first."""
    return [
        _finding(
            objects,
            outlier.row,
            "outlier" if outlier.score >= 1 else "ordinary",
            "prediction",
            "; ".join((f"{int(objects.volume_vox[outlier.row]):,} voxels", *outlier.reasons)),
        )
        for outlier in outliers
    ]


def _finding(properties: ObjectProperties, row: int, kind: str, side: Side, text: str) -> Finding:
    z, y, x = np.round(properties.centroid[row]).astype(int).tolist()
    a, b = properties.start[row].tolist(), properties.stop[row].tolist()
    return Finding(
        kind=kind,
        side=side,
        label=int(properties.label[row]),
        text=text,
        position=(z, y, x),
        start=(a[0], a[1], a[2]),
        stop=(b[0], b[1], b[2]),
    )
