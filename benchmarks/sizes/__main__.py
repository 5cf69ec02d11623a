"""Compare found with true volumes: ``python -m benchmarks.sizes``, five minutes on two cores.

Defaults only, but for the voxel size. ``--quick`` is three volumes. With ``--results`` and ``--minutes`` the
table is made in pieces, by as many calls as it takes. The stated uncertainty is the column
``volume_uncertainty``: 68% of the true volumes should lie within one, 95% within two.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

import anystar
from benchmarks.models.tables import markdown
from benchmarks.pieces import Pieces
from benchmarks.sizes.volumes import CONDITIONS, QUICK, Condition, make

_MATCHED = 0.2
"""IoU from which a found object is that of a true one."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """The sizes of one volume."""

    look: str
    diameter: float
    blur: float
    "Standard deviation as a share of the diameter."
    seed: int
    num_true: int
    "Objects that the border does not cut."
    ratios: list[float]
    "Found over true volume of those that are found."
    stated: list[float]
    "Stated uncertainty of their volumes, as a share."
    adjusted: str
    "Gamma and smoothing that were chosen."


class Found(NamedTuple):
    """The objects that the border does not cut, and those of them that are found."""

    num_true: int
    ratios: np.ndarray
    "Found over true volume."
    labels: np.ndarray
    "What they are found as."


def main() -> None:
    """Segment, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sizes", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="three volumes instead of 36")
    parser.add_argument("--seeds", type=int, default=1, metavar="K")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--told-diameter", action="store_true", help="give the true diameter")
    parser.add_argument("--no-appearance", action="store_true", help="try neither smoothing nor gammas")
    parser.add_argument("--model", help="name or path; the default model if left out")
    parser.add_argument("--results", type=Path, help="file of results, which later calls add to")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no volume after these")
    options = parser.parse_args()
    model = anystar.load_model(options.model)
    pieces, end = Pieces(Row, options.results), time.monotonic() + 60 * options.minutes
    known = {(row.look, row.diameter, row.blur, row.seed) for row in pieces.rows}
    for condition in QUICK if options.quick else CONDITIONS:
        for seed in range(options.first_seed, options.first_seed + options.seeds):
            own = (condition.name, condition.diameter, condition.blur, seed)
            if own in known or time.monotonic() > end:
                continue
            row = measure(
                model,
                condition,
                seed,
                told_diameter=options.told_diameter,
                appearance=not options.no_appearance,
            )
            pieces.add([row])
            print(table([row]).splitlines()[2], flush=True)
    print(f"\n{table(pieces.rows)}")


def measure(
    model: anystar.Model,
    condition: Condition,
    seed: int,
    *,
    told_diameter: bool = False,
    appearance: bool = True,
) -> Row:
    """Segment the volume of a condition and a seed, and compare sizes."""
    image, labels = make(condition, seed=seed)
    result = model.segment(
        image,
        spacing=(1, 1, 1),
        diameter=condition.diameter if told_diameter else None,
        appearance=appearance,
    )
    found, done = volume_ratios(labels, result.labels), result.preprocessing
    stated = dict(zip(result.objects.label.tolist(), result.objects.volume_uncertainty.tolist(), strict=True))
    return Row(
        look=condition.name,
        diameter=condition.diameter,
        blur=condition.blur,
        seed=seed,
        num_true=found.num_true,
        ratios=found.ratios.tolist(),
        stated=[stated[label] for label in found.labels.tolist()],
        adjusted=f"gamma {done.gamma:g}" if done.gamma != 1 else "smoothed" if any(done.sigma) else "",
    )


def volume_ratios(truth: np.ndarray, found: np.ndarray) -> Found:
    """Compare the volumes of true objects that the border does not cut with those they are found with."""
    faces = [truth.take(end, axis=axis) for axis in range(3) for end in (0, -1)]
    whole = np.setdiff1d(np.arange(1, truth.max() + 1), np.unique(np.concatenate([f.ravel() for f in faces])))
    true_volume, found_volume = np.bincount(truth.ravel()), np.bincount(found.ravel())
    inside = truth > 0
    pairs, shared = np.unique(np.stack([truth[inside], found[inside]]), axis=1, return_counts=True)
    ratios, labels = [], []
    for label in whole:
        mine = (pairs[0] == label) & (pairs[1] > 0)
        if mine.any():
            best = pairs[1][mine][shared[mine].argmax()]
            union = true_volume[label] + found_volume[best] - shared[mine].max()
            if shared[mine].max() >= _MATCHED * union:
                ratios.append(found_volume[best] / true_volume[label])
                labels.append(best)
    return Found(len(whole), np.array(ratios), np.array(labels, np.int64))


def covered(ratios: np.ndarray, stated: np.ndarray, times: float) -> float:
    """Return the share of true volumes within some stated uncertainties of the found ones."""
    return float((np.abs(1 - 1 / ratios) <= times * stated).mean()) if len(ratios) else np.nan


def table(rows: Sequence[Row]) -> str:
    """Return a Markdown table, a row per condition and one for all."""
    head = ["look", "diameter", "blur / diameter", "true", "found", "median ratio", "middle half"]
    head += ["stated uncertainty", "within one", "within two", "adjusted"]
    lines = []
    conditions = dict.fromkeys((row.look, row.diameter, row.blur) for row in rows)
    for look, diameter, blur in conditions:
        same = [row for row in rows if (row.look, row.diameter, row.blur) == (look, diameter, blur)]
        adjusted = ", ".join(dict.fromkeys(row.adjusted for row in same if row.adjusted))
        lines.append([look, f"{diameter:g}", f"{blur:g}", *_cells(same), adjusted])
    return markdown(head, [*lines, ["**all**", "", "", *_cells(rows), ""]])


def _cells(rows: Sequence[Row]) -> list[str]:
    ratios = np.array([ratio for row in rows for ratio in row.ratios])
    stated = np.array([each for row in rows for each in row.stated])
    low, median, high = np.quantile(ratios, (0.25, 0.5, 0.75)) if len(ratios) else [np.nan] * 3
    return [
        str(sum(row.num_true for row in rows)),
        str(len(ratios)),
        f"{median:.2f}",
        f"{low:.2f} to {high:.2f}",
        f"{np.median(stated):.2f}" if len(stated) else "",
        *(f"{covered(ratios, stated, times):.0%}" if len(ratios) else "" for times in (1, 2)),
    ]


if __name__ == "__main__":
    main()
