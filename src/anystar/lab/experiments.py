"""The paper's experiments: which methods run on what, and what is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from anystar.evaluate import ap_curve
from anystar.lab.check import write_inventory
from anystar.lab.corruptions import CORRUPTIONS
from anystar.lab.items import Dataset
from anystar.lab.methods import Method, NoLabels, Unavailable
from anystar.lab.panels import draw_side_by_side
from anystar.lab.plots import draw_bars, draw_curves, draw_robustness, save_figure
from anystar.lab.runner import PLAIN, Condition, Laboratory
from anystar.lab.tables import Row, write_curves, write_score_table
from anystar.rng import stream

__all__ = ["EXPERIMENTS", "Experiment", "ExperimentPlan", "run_experiment"]


class Experiment(NamedTuple):
    """One table or figure of the paper."""

    figure: str
    """Where the paper shows it."""
    about: str
    """One line."""


EXPERIMENTS: dict[str, Experiment] = {
    "datasets": Experiment("Table 2", "what is on the disk beside what the paper used"),
    "accuracy": Experiment(
        "Figure 4A", "AP against IoU: zero-shot models, and networks trained on all or one volume"
    ),
    "domains": Experiment(
        "Figure 4B", "networks trained on one data set, evaluated on the others, beside zero-shot"
    ),
    "robustness": Experiment("Figure 4C", "AP at IoU 0.5 against blur, and eight more corruptions"),
    "timecourse": Experiment(
        "Figure 4D", "intensity of regions over time, on a series of your own (--series)"
    ),
    "ablations": Experiment("Figure 5B", "all models side by side, in one figure"),
    "peers": Experiment("Figure 6", "beside StarDist and Cellpose, in their own environments"),
}
"""By name, in the order in which they run."""


@dataclass(frozen=True, kw_only=True)
class ExperimentPlan:
    """What the experiments work with."""

    datasets: tuple[Dataset, ...]
    zero_shot: tuple[Method, ...]
    """Models that were trained without any real image."""
    supervised: dict[str, tuple[Method, ...]]
    """By data set: networks trained on its training volumes (all, or one)."""
    peers: tuple[Method, ...] = ()
    corruptions: tuple[str, ...] = tuple(CORRUPTIONS)


def run_experiment(name: str, plan: ExperimentPlan, lab: Laboratory) -> list[Path]:
    """Run one experiment on annotated volumes and return the files that it wrote, the table first.

    ``timecourse`` needs none: it is ``anystar timecourse``, which :mod:`anystar.cli.reproduce` calls.
    """
    return _RUNNERS[name](plan, lab)


def _row(lab: Laboratory, dataset: Dataset, method: Method, condition: Condition = PLAIN) -> Row | None:
    """Return the result of a method on the test volumes; nothing if no volume can be used."""
    kind, strength = condition.corruption, condition.strength
    blank = Row(dataset=dataset.name, method=method.name, corruption=kind, strength=strength)
    if method.name in lab.unavailable:  # starting an environment again takes long
        return replace(blank, reason=lab.unavailable[method.name])
    try:
        choice = lab.choice(method, dataset)
        found = lab.counts(method, dataset, choice.setting, condition)
    except Unavailable as error:
        lab.leave_out(str(error))
        if not isinstance(error, NoLabels):
            lab.unavailable[method.name] = str(error)
        return replace(blank, reason=str(error))
    if not found:
        return None
    rng = stream(lab.seed, dataset.name, method.name, "bootstrap")
    setting = ", ".join(f"{k.removesuffix('_thresh')} {v:g}" for k, v in choice.setting.items())
    curve = ap_curve(list(found.values()), rng=rng)
    return replace(blank, setting=setting, how=choice.how, curve=curve)


def _rows(lab: Laboratory, pairs: Sequence[tuple[Dataset, Method]]) -> list[Row]:
    return [row for dataset, method in pairs if (row := _row(lab, dataset, method))]


def _write(lab: Laboratory, name: str, rows: Sequence[Row], plan: ExperimentPlan) -> list[Path]:
    """Write the CSV and the Markdown of an experiment."""
    experiment = EXPERIMENTS[name]
    notes = [f"{d.name}: {note}" for d in plan.datasets for note in d.notes]
    if name in ("accuracy", "domains") and not any(plan.supervised.values()):
        notes.append("no network was trained on the data sets themselves; --train does")
    notes += [f"left out: {problem}" for problem in lab.problems]
    table, numbers = lab.out / f"{name}.md", lab.out / f"{name}.csv"
    write_score_table(table, f"{experiment.figure}: {experiment.about}", notes, rows)
    write_curves(numbers, rows)
    return [table, numbers]


def _accuracy(plan: ExperimentPlan, lab: Laboratory) -> list[Path]:
    rows = _rows(
        lab, [(d, m) for d in plan.datasets for m in (*plan.zero_shot, *plan.supervised.get(d.name, ()))]
    )
    # Networks of every data set are called by their role, so that a role has one colour in the figure.
    rows = [replace(row, method=row.method.removeprefix(f"{row.dataset}-")) for row in rows]
    written = _write(lab, "accuracy", rows, plan)
    return written + save_figure(lab.out / "accuracy.png", draw_curves(rows))


def _domains(plan: ExperimentPlan, lab: Laboratory) -> list[Path]:
    """Evaluate the networks trained on all volumes of a data set on every other, beside zero-shot."""
    methods = (*plan.zero_shot, *(found[0] for found in plan.supervised.values() if found))
    rows = _rows(lab, [(d, method) for d in plan.datasets for method in methods if d.test])
    written = _write(lab, "domains", rows, plan) + save_figure(lab.out / "domains.png", draw_bars(rows))
    return written + _slices(lab, "domains", plan, methods, rows)


def _robustness(plan: ExperimentPlan, lab: Laboratory) -> list[Path]:
    found = [
        _row(lab, dataset, method, Condition(corruption=kind, strength=strength))
        for dataset in plan.datasets
        for kind in plan.corruptions
        for method in (*plan.zero_shot, *plan.supervised.get(dataset.name, ())[:1], *plan.peers)
        for strength in CORRUPTIONS[kind].strengths
    ]
    rows = [row for row in found if row is not None]
    written = _write(lab, "robustness", rows, plan)
    return written + save_figure(lab.out / "robustness.png", draw_robustness(rows))


def _peers(plan: ExperimentPlan, lab: Laboratory) -> list[Path]:
    methods = (*plan.zero_shot, *plan.peers)
    rows = _rows(lab, [(d, method) for d in plan.datasets for method in methods])
    written = _write(lab, "peers", rows, plan) + save_figure(lab.out / "peers.png", draw_curves(rows))
    return written + _slices(lab, "peers", plan, methods, rows)


def _ablations(plan: ExperimentPlan, lab: Laboratory) -> list[Path]:
    """Draw the same slice of each data set's first test volume: image, ground truth, and every model."""
    rows = _rows(lab, [(d, m) for d in plan.datasets for m in plan.zero_shot])
    written = _write(lab, "ablations", rows, plan)
    return written + _slices(lab, "ablations", plan, plan.zero_shot, rows)


def _datasets(plan: ExperimentPlan, lab: Laboratory) -> list[Path]:
    path = lab.out / "datasets.md"
    for problem in write_inventory(path, plan.datasets):
        lab.leave_out(problem)
    return [path]


def _slices(
    lab: Laboratory, name: str, plan: ExperimentPlan, methods: Sequence[Method], rows: Sequence[Row]
) -> list[Path]:
    """Draw what the methods found, side by side (Figures 5 and 6B)."""
    return save_figure(lab.out / f"{name}-slices.png", draw_side_by_side(plan.datasets, methods, lab, rows))


_RUNNERS = {
    "datasets": _datasets,
    "accuracy": _accuracy,
    "domains": _domains,
    "robustness": _robustness,
    "ablations": _ablations,
    "peers": _peers,
}
