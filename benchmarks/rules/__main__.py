"""Switch each automatic step off, one at a time: ``python -m benchmarks.rules``.

A cell holds the mean AP at IoU 0.5 and over 0.1 to 0.9 over the volumes of a group without the step, or, for
empty volumes, the number of objects found. Some 3 s a volume and step on two cores; choose ``--conditions``.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import anystar
from anystar.evaluate import match_labels, mean_ap
from benchmarks.models.suite import GROUPS, Task, tasks
from benchmarks.models.tables import markdown
from benchmarks.rules.switches import SWITCHES, Switch

_HALF = 4
"""Index of the IoU of 0.5."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One volume without one step."""

    step: str
    group: str
    half: float
    mean: float
    found: int


def main() -> None:
    """Segment, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rules", description=__doc__)
    parser.add_argument(
        "--groups", nargs="+", choices=GROUPS, default=["simulated", "beyond", "empty", "real"]
    )
    parser.add_argument(
        "--conditions", nargs="*", help="names of conditions, or parts of them; all by default"
    )
    parser.add_argument("--steps", nargs="*", help="names of steps, or parts of them; all by default")
    parser.add_argument("--seeds", type=int, default=1, metavar="K")
    parser.add_argument("--first-seed", type=int, default=300)
    parser.add_argument("--model", help="name or path; the default model if left out")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("ANYSTAR_DATA", "../shared/data")))
    parser.add_argument("--cache", type=Path, default=Path("out/models/cache"), help="for simulated volumes")
    options = parser.parse_args()
    model = anystar.load_model(options.model)
    steps = [s for s in SWITCHES if _chosen(s.name, options.steps) or s is SWITCHES[0]]
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    cells: list[Cell] = []
    for task in tasks(groups=tuple(options.groups), seeds=seeds, cache=options.cache, data=options.data):
        if _chosen(task.name, options.conditions):
            made = [measure(model, step, task) for step in steps]
            cells += made
            print(task.name, *(f"{cell.half:.2f}" for cell in made), flush=True)
    print(f"\n{table(cells)}")


def _chosen(name: str, parts: Sequence[str] | None) -> bool:
    return not parts or any(part in name for part in parts)


def measure(model: anystar.Model, step: Switch, task: Task) -> Cell:
    """Segment one volume without a step."""
    truth = task.sample.labels
    assert truth is not None
    with step.off(model) as segment:
        result = segment(task.sample.image.data, spacing=task.sample.image.spacing)
    scores = match_labels(truth, result.labels)
    return Cell(
        step=step.name,
        group=task.group,
        half=scores[_HALF].ap,
        mean=mean_ap(scores),
        found=len(result.objects),
    )


def table(cells: Sequence[Cell]) -> str:
    """Return a Markdown table: a row per step, a column per group."""
    groups = list(dict.fromkeys(cell.group for cell in cells))
    lines = []
    for step in dict.fromkeys(cell.step for cell in cells):
        line = [step]
        for group in groups:
            some = [cell for cell in cells if (cell.step, cell.group) == (step, group)]
            if group == "empty":
                line.append(str(sum(cell.found for cell in some)))
            else:
                line.append(f"{fmean(c.half for c in some):.3f} / {fmean(c.mean for c in some):.3f}")
        lines.append(line)
    return markdown(["without", *groups], lines)


if __name__ == "__main__":
    main()
