"""Objects to look at, in words: errors against a truth, or what is unusual without one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from anystar.evaluate import Described, Doubt, Errors, Fates

__all__ = ["Finding", "findings_of_doubt", "findings_of_errors"]


Side = Literal["truth", "prediction"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One object, why it is listed and where it is."""

    kind: str
    "One of :data:`anystar.evaluate.KINDS`, or ``unusual``, or ``ordinary``."
    side: Side
    "Whose object it is."
    label: int
    text: str
    "What is the matter, in words."
    position: tuple[int, int, int]
    "Voxel (ZYX) nearest to its centroid."
    start: tuple[int, int, int]
    "First voxel of its box."
    stop: tuple[int, int, int]
    "One past its last."


def findings_of_errors(errors: Errors, truth: Described, objects: Described) -> list[Finding]:
    """Return what went wrong, the greatest loss (voxels that do not agree) first.

    An event is listed once: true objects that were not found, spurious ones, and surplus pieces or mergers
    whose partner in the truth was found all the same.
    """
    ranked: list[tuple[float, Finding]] = []
    lost = set(errors.true.label[errors.true.kind != "found"].tolist())
    sides: tuple[tuple[Fates, Described, Side], ...]
    sides = ((errors.true, truth, "truth"), (errors.pred, objects, "prediction"))
    for fates, described, side in sides:
        for row in map(int, np.flatnonzero(fates.kind != "found")):
            kind, partner = str(fates.kind[row]), int(fates.partner[row])
            if side == "prediction" and kind != "spurious" and partner in lost:
                continue
            loss = float(fates.volume_vox[row] * (1 - fates.iou[row]))
            text = f"{int(fates.volume_vox[row]):,} voxels; {_words(fates, row, side)}"
            ranked.append((loss, _finding(described, row, kind, side, text)))
    return [finding for _, finding in sorted(ranked, key=lambda pair: -pair[0])]


def _words(fates: Fates, row: int, side: Side) -> str:
    kind, partner, iou = fates.kind[row], int(fates.partner[row]), float(fates.iou[row])
    true = side == "truth"
    other = f"{'prediction' if true else 'true object'} {partner}"
    if kind == "merged":
        return f"in one with others, {other}" if true else f"holds several, of which {other}"
    if kind == "split":
        return f"in pieces, of which {other}" if true else f"a surplus piece of {other}"
    if kind == "loose":
        ratio = int(fates.partner_volume_vox[row]) / int(fates.volume_vox[row])
        return f"overlaps {other} by {iou:.2f}, which is {ratio:.2g} times as large"
    if partner and iou >= 0.005:
        return f"overlaps {other} by only {iou:.2f}"
    if partner:
        return f"no more than touches {other}"
    return "nothing was found there" if true else "nothing is there in the truth"


def findings_of_doubt(objects: Described, doubts: Sequence[Doubt]) -> list[Finding]:
    """Return the objects in the order of their doubt."""
    return [
        _finding(
            objects,
            doubt.row,
            "unusual" if doubt.score >= 1 else "ordinary",
            "prediction",
            "; ".join((f"{int(objects.volume_vox[doubt.row]):,} voxels", *doubt.reasons)),
        )
        for doubt in doubts
    ]


def _finding(described: Described, row: int, kind: str, side: Side, text: str) -> Finding:
    z, y, x = np.round(described.centroid[row]).astype(int).tolist()
    a, b = described.start[row].tolist(), described.stop[row].tolist()
    return Finding(
        kind=kind,
        side=side,
        label=int(described.label[row]),
        text=text,
        position=(z, y, x),
        start=(a[0], a[1], a[2]),
        stop=(b[0], b[1], b[2]),
    )
