"""Objects to look at, in words: errors against a ground truth, or outliers without one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from anystar.evaluate import Errors, ObjectProperties, Outcomes, OutlierScore

__all__ = ["Finding", "difference_findings", "error_findings", "outlier_findings"]


Words = Callable[[Outcomes, int, bool], tuple[str, str]]
"""Kind and description of an object of one side (true: of the first), given its row."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One object, why it is listed and where it is."""

    kind: str
    "One of :data:`anystar.evaluate.KINDS`, or ``outlier``, ``ordinary``, or how two runs differ."
    side: str
    "Where the object is from: ``ground truth``, ``prediction``, or the name of a run."
    label: int
    text: str
    "Description of the error."
    position: tuple[int, ...]
    "Voxel (ZYX) nearest to its centroid."
    start: tuple[int, ...]
    "First voxel of its box."
    stop: tuple[int, ...]
    "One past its last."


def error_findings(
    errors: Errors, ground_truth: ObjectProperties, objects: ObjectProperties
) -> list[Finding]:
    """Return what went wrong, the greatest loss (voxels that do not agree) first.

    An event is listed once: true objects that were not found, spurious predictions, and surplus parts or
    mergers whose partner in the ground truth was found all the same.
    """
    return _listed(errors, ground_truth, objects, ("ground truth", "prediction"), _error)


def difference_findings(
    errors: Errors, first: ObjectProperties, second: ObjectProperties, runs: tuple[str, str]
) -> list[Finding]:
    """Return the objects that differ between two runs, named in ``runs``, the greatest difference first.

    ``errors`` are those of the second run if the first is taken for the ground truth.
    """
    return _listed(errors, first, second, runs, _compared)


def _listed(
    errors: Errors,
    first: ObjectProperties,
    second: ObjectProperties,
    names: tuple[str, str],
    words: Words,
) -> list[Finding]:
    """Return what differs between two sides, the most voxels that do not agree first."""
    ranked: list[tuple[float, Finding]] = []
    lost = set(errors.true.label[errors.true.kind != "found"].tolist())
    sides = ((errors.true, first, names[0], True), (errors.pred, second, names[1], False))
    for outcomes, properties, side, leading in sides:
        for row in map(int, np.flatnonzero(outcomes.kind != "found")):
            kind, partner = str(outcomes.kind[row]), int(outcomes.partner[row])
            if not leading and kind != "spurious" and partner in lost:
                continue
            loss = float(outcomes.volume_vox[row] * (1 - outcomes.iou[row]))
            named, text = words(outcomes, row, leading)
            text = f"{int(outcomes.volume_vox[row]):,} voxels; {text}"
            ranked.append((loss, _finding(properties, row, named, side, text)))
    return [finding for _, finding in sorted(ranked, key=lambda pair: -pair[0])]


def _compared(outcomes: Outcomes, row: int, leading: bool) -> tuple[str, str]:
    """Return how an object of one run differs from those of the other."""
    kind, partner, iou = outcomes.kind[row], int(outcomes.partner[row]), float(outcomes.iou[row])
    if kind == "merged" and leading:
        return "merged", f"with others in object {partner} of the other run"
    if kind == "merged":
        return "merges others", "holds several of the other run"
    if kind == "split" and leading:
        return "split", f"in pieces in the other run, of which {partner}"
    if kind == "split":
        return "piece", f"a piece of object {partner}"
    if kind == "loose":
        return "other outline", f"overlaps object {partner} of the other run by {iou:.2f}"
    if iou >= 0.005:
        return "only here", f"overlaps object {partner} of the other run by only {iou:.2f}"
    return "only here", "not in the other"


def _error(outcomes: Outcomes, row: int, true: bool) -> tuple[str, str]:
    """Return kind and description of an error."""
    kind, partner, iou = str(outcomes.kind[row]), int(outcomes.partner[row]), float(outcomes.iou[row])
    other = f"{'prediction' if true else 'true object'} {partner}"
    if kind == "merged":
        return kind, f"in one with others, {other}" if true else f"holds several, of which {other}"
    if kind == "split":
        return kind, f"in pieces, of which {other}" if true else f"a surplus piece of {other}"
    if kind == "loose":
        ratio = int(outcomes.partner_volume_vox[row]) / int(outcomes.volume_vox[row])
        return kind, f"overlaps {other} by {iou:.2f}, which is {ratio:.2g} times as large"
    if partner and iou >= 0.005:
        return kind, f"overlaps {other} by only {iou:.2f}"
    if partner:
        return kind, f"no more than touches {other}"
    return kind, "nothing was found there" if true else "nothing is there in the ground truth"


def outlier_findings(objects: ObjectProperties, outliers: Sequence[OutlierScore]) -> list[Finding]:
    """Return all objects, the most unusual first."""
    found = []
    for outlier in outliers:
        kind = "outlier" if outlier.score >= 1 else "ordinary"
        text = "; ".join((f"{int(objects.volume_vox[outlier.row]):,} voxels", *outlier.reasons))
        found.append(_finding(objects, outlier.row, kind, "prediction", text))
    return found


def _finding(properties: ObjectProperties, row: int, kind: str, side: str, text: str) -> Finding:
    return Finding(
        kind=kind,
        side=side,
        label=int(properties.label[row]),
        text=text,
        position=tuple(np.round(properties.centroid[row]).astype(int).tolist()),
        start=tuple(properties.start[row].tolist()),
        stop=tuple(properties.stop[row].tolist()),
    )
