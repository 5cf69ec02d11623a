"""Compare found with true volumes: ``python -m benchmarks.sizes``, five minutes on two cores.

Defaults only, but for the voxel size. ``--quick`` is three volumes.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

import anystar
from benchmarks.models.tables import markdown
from benchmarks.sizes.volumes import CONDITIONS, QUICK, Condition, make

_MATCHED = 0.2
"""IoU from which a found object is that of a true one."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """The sizes of one condition, over its seeds."""

    condition: Condition
    num_true: int
    "Objects that the border does not cut."
    ratios: np.ndarray
    "Found over true volume of those that are found."
    adjusted: str
    "Gamma and smoothing that were chosen, of the last seed."


def main() -> None:
    """Segment, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sizes", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="three volumes instead of 36")
    parser.add_argument("--seeds", type=int, default=1, metavar="K")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--told-diameter", action="store_true", help="give the true diameter")
    parser.add_argument("--no-appearance", action="store_true", help="try neither smoothing nor gammas")
    parser.add_argument("--model", help="name or path; the default model if left out")
    options = parser.parse_args()
    model = anystar.load_model(options.model)
    rows = []
    for condition in QUICK if options.quick else CONDITIONS:
        seeds = range(options.first_seed, options.first_seed + options.seeds)
        rows.append(
            measure(
                model,
                condition,
                seeds,
                told_diameter=options.told_diameter,
                appearance=not options.no_appearance,
            )
        )
        print(table(rows[-1:]).splitlines()[-1], flush=True)
    print(f"\n{table(rows)}")


def measure(
    model: anystar.Model,
    condition: Condition,
    seeds: Sequence[int],
    *,
    told_diameter: bool = False,
    appearance: bool = True,
) -> Row:
    """Segment the volumes of a condition and compare sizes."""
    num_true, ratios, adjusted = 0, [], ""
    for seed in seeds:
        image, labels = make(condition, seed=seed)
        result = model.segment(
            image,
            spacing=(1, 1, 1),
            diameter=condition.diameter if told_diameter else None,
            appearance=appearance,
        )
        whole, found = volume_ratios(labels, result.labels)
        num_true += whole
        ratios.append(found)
        done = result.preprocessing
        adjusted = f"gamma {done.gamma:g}" if done.gamma != 1 else "smoothed" if any(done.sigma) else ""
    return Row(condition=condition, num_true=num_true, ratios=np.concatenate(ratios), adjusted=adjusted)


def volume_ratios(truth: np.ndarray, found: np.ndarray) -> tuple[int, np.ndarray]:
    """Return how many true objects the border does not cut, and found over true volume of those found."""
    faces = [truth.take(end, axis=axis) for axis in range(3) for end in (0, -1)]
    whole = np.setdiff1d(np.arange(1, truth.max() + 1), np.unique(np.concatenate([f.ravel() for f in faces])))
    true_volume, found_volume = np.bincount(truth.ravel()), np.bincount(found.ravel())
    inside = truth > 0
    pairs, shared = np.unique(np.stack([truth[inside], found[inside]]), axis=1, return_counts=True)
    ratios = []
    for label in whole:
        mine = (pairs[0] == label) & (pairs[1] > 0)
        if mine.any():
            best = pairs[1][mine][shared[mine].argmax()]
            union = true_volume[label] + found_volume[best] - shared[mine].max()
            if shared[mine].max() >= _MATCHED * union:
                ratios.append(found_volume[best] / true_volume[label])
    return len(whole), np.array(ratios)


def table(rows: Sequence[Row]) -> str:
    """Return a Markdown table."""
    head = ["look", "diameter", "blur / diameter", "true", "found", "median ratio", "middle half", "adjusted"]
    lines = []
    for row in rows:
        low, median, high = np.quantile(row.ratios, (0.25, 0.5, 0.75)) if len(row.ratios) else [np.nan] * 3
        lines.append(
            [
                row.condition.name,
                f"{row.condition.diameter:g}",
                f"{row.condition.blur:g}",
                str(row.num_true),
                str(len(row.ratios)),
                f"{median:.2f}",
                f"{low:.2f} to {high:.2f}",
                row.adjusted,
            ]
        )
    return markdown(head, lines)


if __name__ == "__main__":
    main()
