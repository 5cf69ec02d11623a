"""Accuracy over a grid of thresholds, from the candidates of one run of the network."""

from collections.abc import Sequence
from statistics import fmean

import anystar
from benchmarks.accuracy.volumes import Sample
from benchmarks.models.score import Outcome, add_outcomes, judge
from benchmarks.models.suite import Group
from benchmarks.models.tables import markdown

PROBS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
NMS = (0.2, 0.3, 0.4, 0.5)

Grid = dict[tuple[float, float], Outcome]


def sweep(sample: Sample, result: anystar.Result) -> Grid:
    """Return the outcome for each probability and suppression threshold."""
    return {
        (p, n): judge(sample, result.rethreshold(prob_thresh=p, nms_thresh=n), 0.0)
        for p in PROBS
        for n in NMS
    }


def sweep_table(grids: Sequence[tuple[Group, str, Grid]], group: Group) -> str:
    """Return the mean over the conditions of a group of the mean accuracy (F1 for centres), a cell a pair.

    For empty volumes, the number of objects found in all.
    """
    chosen = [(name, grid) for of, name, grid in grids if of == group]
    names = list(dict.fromkeys(name for name, _ in chosen))
    lines = []
    for prob in PROBS:
        line = [f"{prob:g}"]
        for nms in NMS:
            totals = [add_outcomes([g[prob, nms] for n, g in chosen if n == name]) for name in names]
            if group == "empty":
                line.append(str(sum(t.num_pred for t in totals)))
            elif group == "centres":
                line.append(f"{fmean(t.f1 for t in totals):.3f}")
            else:
                line.append(f"{fmean(t.mean for t in totals):.3f} / {fmean(t.half for t in totals):.3f}")
        lines.append(line)
    return markdown(["prob \\ nms", *(f"{n:g}" for n in NMS)], lines)
