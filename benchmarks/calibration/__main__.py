"""Fit or judge the calibration of a model: ``python -m benchmarks.calibration``.

Of the objects of simulated volumes, which share is real at each probability, and how many true volumes lie
within the stated uncertainty of the found ones? ``--fit`` prints the table ``[calibration]`` for the model's
card; without it the calibration on the card is judged, on other seeds. About 5 s a volume on two cores; with
``--results`` and ``--minutes`` it is made in pieces, by as many calls as it takes.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

import anystar
from anystar.config import dump_plain, to_dict
from anystar.predict.calibration import Calibration
from benchmarks.calibration.fit import fit
from benchmarks.calibration.objects import FoundObjects, Pooled, measure, pool
from benchmarks.calibration.plot import plot
from benchmarks.models.suite import GROUPS, tasks
from benchmarks.models.tables import markdown
from benchmarks.pieces import Pieces

_EDGES = (0.0, 0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 1.0)
"""Bins of the stated chance."""


def main() -> None:
    """Segment what is missing, and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.calibration", description=__doc__)
    parser.add_argument("--fit", action="store_true", help="print a new calibration")
    parser.add_argument("--groups", nargs="+", choices=GROUPS, default=["simulated", "beyond", "thin"])
    parser.add_argument("--first-seed", type=int, default=301, help="300 by default with --fit")
    parser.add_argument("--seeds", type=int, default=1, metavar="K")
    parser.add_argument("--true-diameter", action="store_true", help="give the true diameter")
    parser.add_argument("--model", help="name or path; the default model if left out")
    parser.add_argument("--cache", type=Path, default=Path("out/models/cache"), help="for simulated volumes")
    parser.add_argument("--results", type=Path, help="file of results, which later calls add to")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no volume after these")
    parser.add_argument("--plot", type=Path, help="picture of the curve, .png")
    options = parser.parse_args()
    model = anystar.load_model(options.model)
    first = 300 if options.fit and options.first_seed == 301 else options.first_seed
    seeds = range(first, first + options.seeds)
    pieces, end = Pieces(FoundObjects, options.results), time.monotonic() + 60 * options.minutes
    known = {(row.volume, row.seed) for row in pieces.rows}
    for task in tasks(groups=tuple(options.groups), seeds=seeds, cache=options.cache, data=Path()):
        if time.monotonic() > end:
            break
        if (task.name, task.seed) not in known:
            pieces.add([measure(model, task, true_diameter=options.true_diameter)])
            print(task.name, task.seed, flush=True)
    rows = [row for row in pieces.rows if row.seed in seeds and row.group in options.groups]
    known_calibration = fit(rows) if options.fit else Calibration.of_card(model.card)
    if options.fit:
        assert known_calibration is not None
        print(f"\n[calibration]\n{_card(known_calibration)}")
    if known_calibration is None:
        raise SystemExit(f"{model.name} is not calibrated; use --fit")
    print(f"\n{curve_table(rows, known_calibration)}\n\n{volume_table(rows, known_calibration)}")
    if options.plot is not None:
        plot(options.plot, pool(rows), known_calibration)


def _card(calibration: Calibration) -> str:
    """Return a calibration as TOML, without what depends on the image."""
    return dump_plain({name: v for name, v in to_dict(calibration).items() if name != "prob_thresh"})


def curve_table(rows: Sequence[FoundObjects], calibration: Calibration) -> str:
    """Return a Markdown table: the share of real objects by their stated chance."""
    found = pool(rows)
    stated = np.interp(found.offset, calibration.offset, calibration.real)
    lines = []
    for low, high in itertools.pairwise(_EDGES):
        some = (stated >= low) & ((stated < high) | (high == 1))
        if some.any():
            names = [f"{low:g} to {high:g}", str(some.sum()), f"{stated[some].mean():.2f}"]
            lines.append([*names, f"{found.real[some].mean():.2f}", f"{found.probability[some].mean():.2f}"])
    head = ["calibrated probability", "objects", "mean", "real", "mean probability of the network"]
    errors = [
        f"{name}: {calibration_error(found.real, values):.3f}"
        for name, values in (("calibrated", stated), ("network", found.probability))
    ]
    return f"{markdown(head, lines)}\n\nMean difference to the share of real objects: {', '.join(errors)}"


def calibration_error(real: np.ndarray, stated: np.ndarray, num_bins: int = 10) -> float:
    """Return the mean difference between stated chance and share of real objects over bins of the former.

    The expected calibration error (Guo et al. 2017): bins weigh as many objects as they hold.
    """
    bins = np.minimum((stated * num_bins).astype(int), num_bins - 1)
    total = 0.0
    for each in np.unique(bins):
        some = bins == each
        total += some.mean() * abs(float(stated[some].mean() - real[some].mean()))
    return total


def volume_table(rows: Sequence[FoundObjects], calibration: Calibration) -> str:
    """Return a Markdown table: errors of volumes by group, and by stated uncertainty."""
    found = pool(rows)
    found = found.take(np.isfinite(found.error))
    stated = calibration.uncertainties(found.spread)
    ends = np.quantile(stated, (0, 0.25, 0.5, 0.75, 1))
    parts: dict[str, np.ndarray] = {str(name): found.group == name for name in dict.fromkeys(found.group)}
    for low, high in itertools.pairwise(ends):
        parts[f"uncertainty {low:.2f} to {high:.2f}"] = (stated >= low) & (stated <= high)
    parts["all"] = np.ones(len(stated), bool)
    lines = [[name, *_errors(found.take(some), stated[some])] for name, some in parts.items()]
    head = ["objects", "number", "stated uncertainty", "root mean square error", "within one", "within two"]
    return markdown(head, lines)


def _errors(found: Pooled, stated: np.ndarray) -> list[str]:
    within = (np.abs(found.error) <= times * stated for times in (1, 2))
    numbers = [f"{np.median(stated):.2f}", f"{np.sqrt((found.error**2).mean()):.2f}"]
    return [str(len(stated)), *numbers, *(f"{some.mean():.0%}" for some in within)]


if __name__ == "__main__":
    main()
