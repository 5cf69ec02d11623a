"""Switch each automatic step off, one at a time: ``python -m benchmarks.rules``.

A cell holds the mean AP at IoU 0.5 and over 0.1 to 0.9 over the volumes of a group without the step; for
volumes of which only centres are known the F1, and for empty ones the number of objects found. Steps share
the passes of the network that they have in common: all of them take two to three times as long as one. With
``--results`` and ``--minutes`` the table is made in pieces, by as many calls as it takes.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import anystar
from benchmarks.models.score import judge
from benchmarks.models.suite import GROUPS, Task, tasks
from benchmarks.models.tables import markdown
from benchmarks.pieces import Pieces
from benchmarks.rules.shared import SharedModel
from benchmarks.rules.switches import SWITCHES, Switch


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One volume without one step."""

    step: str
    group: str
    volume: str
    "Name and seed."
    half: float
    "AP at IoU 0.5, or F1 of centres."
    mean: float
    "Mean AP over 0.1 to 0.9."
    found: int


def main() -> None:
    """Segment, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rules", description=__doc__)
    parser.add_argument(
        "--groups",
        nargs="+",
        choices=GROUPS,
        default=["simulated", "beyond", "thin", "empty", "real", "centres"],
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
    parser.add_argument("--results", type=Path, help="file of results, which later calls add to")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no volume after these")
    parser.add_argument("--volumes", action="store_true", help="also print a table of single volumes")
    options = parser.parse_args()
    model = SharedModel.of(anystar.load_model(options.model))
    steps = [s for s in SWITCHES if _chosen(s.name, options.steps) or s is SWITCHES[0]]
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    pieces = Pieces(Cell, options.results)
    end = time.monotonic() + 60 * options.minutes
    for task in tasks(groups=tuple(options.groups), seeds=seeds, cache=options.cache, data=options.data):
        if time.monotonic() > end:
            break
        if not _chosen(task.name, options.conditions):
            continue
        known = {cell.step for cell in pieces.rows if cell.volume == _volume(task)}
        missing = [step for step in steps if step.name not in known]
        if missing:
            made = [measure(model, step, task) for step in missing]
            pieces.add(made)
            print(_volume(task), *(f"{cell.half:.2f}" for cell in made), flush=True)
        model.shared.clear()
    print(f"\n{table(pieces.rows)}")
    if options.volumes:
        print(f"\n{volumes_table(pieces.rows)}")


def _chosen(name: str, parts: Sequence[str] | None) -> bool:
    return not parts or any(part in name for part in parts)


def _volume(task: Task) -> str:
    return task.name if task.group in ("real", "centres") else f"{task.name} ({task.seed})"


def measure(model: anystar.Model, step: Switch, task: Task) -> Cell:
    """Segment one volume without a step."""
    with step.off(model) as segment:
        result = segment(task.sample.image.data, spacing=task.sample.image.spacing)
    outcome = judge(task.sample, result, 0.0)
    centres = task.group == "centres"
    return Cell(
        step=step.name,
        group=task.group,
        volume=_volume(task),
        half=outcome.f1 if centres else outcome.half,
        mean=outcome.f1 if centres else outcome.mean,
        found=outcome.num_pred,
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
            elif group == "centres":
                line.append(f"{fmean(c.half for c in some):.3f}")
            else:
                line.append(f"{fmean(c.half for c in some):.3f} / {fmean(c.mean for c in some):.3f}")
        lines.append(line)
    return markdown(["without", *groups], lines)


def volumes_table(cells: Sequence[Cell]) -> str:
    """Return a Markdown table: a row per volume that any step changes, a column per such step."""
    found = {(cell.step, cell.volume): cell for cell in cells}
    usual = SWITCHES[0].name

    def changes(step: str, volume: str) -> bool:
        one, other = found.get((step, volume)), found[usual, volume]
        return one is not None and (one.half, one.mean, one.found) != (other.half, other.mean, other.found)

    volumes, steps = (list(dict.fromkeys(getattr(c, name) for c in cells)) for name in ("volume", "step"))
    volumes = [v for v in volumes if any(changes(step, v) for step in steps)]
    steps = [step for step in steps if step == usual or any(changes(step, v) for v in volumes)]
    lines = []
    for volume in volumes:
        own = [found[step, volume] if step == usual or changes(step, volume) else None for step in steps]
        lines.append([volume, *("" if c is None else f"{c.half:.2f} ({c.found})" for c in own)])
    return markdown(["AP at 0.5 (found)", *steps], lines)


if __name__ == "__main__":
    main()
