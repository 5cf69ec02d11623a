"""The paper's experiments: which methods run on what, and what is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from anystar.evaluate import ap_curve
from anystar.lab.corruptions import CORRUPTIONS
from anystar.lab.items import Dataset
from anystar.lab.methods import Method, NoLabels, Unavailable
from anystar.lab.plots import draw_bars, draw_curves, draw_robustness, save_figure
from anystar.lab.runner import PLAIN, Condition, Laboratory
from anystar.lab.tables import Row, write_curves, write_score_table
from anystar.rng import stream

__all__ = ["EXPERIMENTS", "Experiment", "ExperimentPlan", "run_experiment"]


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """One table or figure of the paper."""

    name: str
    figure: str
    """Where the paper shows it."""
    about: str
    """One line."""


EXPERIMENTS: dict[str, Experiment] = {
    e.name: e
    for e in (
        Experiment(name="datasets", figure="Table 2", about="what is on the disk beside what the paper used"),
        Experiment(
            name="accuracy",
            figure="Figure 4A",
            about="AP against IoU: zero-shot models, and networks trained on all or one volume",
        ),
        Experiment(
            name="domains",
            figure="Figure 4B",
            about="networks trained on one data set, evaluated on the others, beside zero-shot",
        ),
        Experiment(
            name="robustness",
            figure="Figure 4C",
            about="AP at IoU 0.5 against blur, and eight more corruptions",
        ),
        Experiment(
            name="timecourse",
            figure="Figure 4D",
            about="intensity of regions over time, on a series of your own (--series)",
        ),
        Experiment(name="ablations", figure="Figure 5B", about="all models side by side, in one figure"),
        Experiment(
            name="peers", figure="Figure 6", about="beside StarDist and Cellpose, in their own environments"
        ),
    )
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
    blank = Row(
        dataset=dataset.name,
        method=method.name,
        corruption=condition.corruption,
        strength=condition.strength,
    )
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
    pairs = [
        (dataset, method)
        for dataset in plan.datasets
        for method in (*plan.zero_shot, *plan.supervised.get(dataset.name, ()))
    ]
    rows = _rows(lab, pairs)
    written = _write(lab, "accuracy", _same_names(rows, plan), plan)
    return written + _figure(lab, "accuracy", draw_curves(_same_names(rows, plan)))


def _same_names(rows: Sequence[Row], plan: ExperimentPlan) -> list[Row]:
    """Call the networks of every data set by their role, so that a role has one colour in the figure."""
    return [replace(row, method=row.method.removeprefix(f"{row.dataset}-")) for row in rows]


def _domains(plan: ExperimentPlan, lab: Laboratory) -> list[Path]:
    """Evaluate the networks trained on all volumes of a data set on every other, beside zero-shot."""
    full = {name: methods[0] for name, methods in plan.supervised.items() if methods}
    pairs = [
        (dataset, method)
        for dataset in plan.datasets
        for method in (*plan.zero_shot, *full.values())
        if dataset.test
    ]
    rows = _rows(lab, pairs)
    written = _write(lab, "domains", rows, plan) + _figure(lab, "domains", draw_bars(rows))
    return written + _slices(lab, "domains", plan, (*plan.zero_shot, *full.values()), rows)


def _robustness(plan: ExperimentPlan, lab: Laboratory) -> list[Path]:
    rows = []
    for dataset in plan.datasets:
        methods = (*plan.zero_shot, *plan.supervised.get(dataset.name, ())[:1], *plan.peers)
        for kind in plan.corruptions:
            for method in methods:
                for strength in CORRUPTIONS[kind].strengths:
                    row = _row(lab, dataset, method, Condition(corruption=kind, strength=strength))
                    if row is not None:
                        rows.append(row)
    written = _write(lab, "robustness", rows, plan)
    return written + _figure(lab, "robustness", draw_robustness(rows))


def _peers(plan: ExperimentPlan, lab: Laboratory) -> list[Path]:
    pairs = [(d, method) for d in plan.datasets for method in (*plan.zero_shot, *plan.peers)]
    rows = _rows(lab, pairs)
    written = _write(lab, "peers", rows, plan) + _figure(lab, "peers", draw_curves(rows))
    return written + _slices(lab, "peers", plan, (*plan.zero_shot, *plan.peers), rows)


def _ablations(plan: ExperimentPlan, lab: Laboratory) -> list[Path]:
    """Draw the same slice of each data set's first test volume: image, ground truth, and every model."""
    rows = _rows(lab, [(d, m) for d in plan.datasets for m in plan.zero_shot])
    written = _write(lab, "ablations", rows, plan)
    return written + _slices(lab, "ablations", plan, plan.zero_shot, rows)


def _datasets(plan: ExperimentPlan, lab: Laboratory) -> list[Path]:
    from anystar.lab.inventory import write_inventory

    path = lab.out / "datasets.md"
    for problem in write_inventory(path, plan.datasets):
        lab.leave_out(problem)
    return [path]


def _slices(
    lab: Laboratory, name: str, plan: ExperimentPlan, methods: Sequence[Method], rows: Sequence[Row]
) -> list[Path]:
    """Draw what the methods found, side by side (Figures 5 and 6B)."""
    from anystar.lab.panels import draw_side_by_side

    return _figure(lab, f"{name}-slices", draw_side_by_side(plan.datasets, methods, lab, rows))


def _figure(lab: Laboratory, name: str, figure) -> list[Path]:  # type: ignore[no-untyped-def]
    path = lab.out / f"{name}.png"
    save_figure(path, figure)
    return [path, path.with_suffix(".svg")]


_RUNNERS = {
    "datasets": _datasets,
    "accuracy": _accuracy,
    "domains": _domains,
    "robustness": _robustness,
    "ablations": _ablations,
    "peers": _peers,
}
