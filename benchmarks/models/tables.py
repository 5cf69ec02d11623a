"""Outcomes to Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from benchmarks.models.score import Outcome, add_outcomes
from benchmarks.models.suite import Group


@dataclass(frozen=True, kw_only=True)
class Row:
    """One volume, segmented three ways."""

    group: Group
    name: str
    seed: int
    model: Outcome
    classical: Outcome
    smoothed: Outcome


@dataclass(frozen=True, kw_only=True)
class Summary:
    """One condition over its seeds."""

    name: str
    total: Outcome
    half: list[float]
    "Accuracy at an overlap of 0.5, a seed."
    mean: list[float]
    "Mean accuracy over 0.1 to 0.9, a seed."


def markdown(names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table, the first column flush left.

    Examples
    --------
    >>> print(markdown(["a", "b"], [["c", "1"]]))
    | a | b |
    | --- | ---: |
    | c | 1 |
    """
    lines = [names, ["---"] + ["---:"] * (len(names) - 1), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def summarise(rows: Sequence[Row], which: str) -> list[Summary]:
    """Return one summary a name, in their order; ``which`` is the field of :class:`Row` to read."""
    summaries = []
    for name in dict.fromkeys(r.name for r in rows):
        same = [r for r in rows if r.name == name]
        seeds = [
            add_outcomes([getattr(r, which) for r in same if r.seed == seed])
            for seed in sorted({r.seed for r in same})
        ]
        summaries.append(
            Summary(
                name=name,
                total=add_outcomes(seeds),
                half=[o.accuracies[len(o.accuracies) // 2] for o in seeds],
                mean=[o.mean for o in seeds],
            )
        )
    return summaries


def _spread(values: Sequence[float]) -> str:
    return f"{fmean(values):.2f}" + (f" ± {stdev(values):.2f}" if len(values) > 1 else "")


def labels_table(rows: Sequence[Row]) -> str:
    """Return a line a condition, and the means of all of them."""
    model, classical, smoothed = (summarise(rows, w) for w in ("model", "classical", "smoothed"))
    lines = []
    for ours, plain, smooth in zip(model, classical, smoothed, strict=True):
        diameter = ours.total.diameter_vox
        lines.append(
            [
                ours.name,
                f"{ours.total.num_true}",
                f"{ours.total.num_pred}",
                _spread(ours.half),
                _spread(ours.mean),
                f"{fmean(plain.half):.2f} / {fmean(plain.mean):.2f}",
                f"{fmean(smooth.half):.2f} / {fmean(smooth.mean):.2f}",
                f"{diameter:.1f}" if diameter else "",
                f"{ours.total.seconds:.1f}",
            ]
        )
    lines.append(
        [
            "**mean of all**",
            str(sum(s.total.num_true for s in model)),
            str(sum(s.total.num_pred for s in model)),
            *(f"**{fmean(fmean(getattr(s, w)) for s in model):.2f}**" for w in ("half", "mean")),
            *(
                " / ".join(f"{fmean(fmean(getattr(s, w)) for s in other):.2f}" for w in ("half", "mean"))
                for other in (classical, smoothed)
            ),
            "",
            f"{sum(s.total.seconds for s in model):.1f}",
        ]
    )
    names = ["volume", "true", "found", "accuracy at IoU 0.5", "mean of 0.1 to 0.9"]
    names += ["classical, at 0.5 / mean", "classical, smoothed distances", "scaled for (voxels)", "seconds"]
    return markdown(names, lines)


def centres_table(rows: Sequence[Row]) -> str:
    """Return a line a volume whose ground truth is its centres."""
    lines = [
        [
            r.name,
            f"{r.model.num_true}",
            f"{r.model.num_pred}",
            *(f"{o.f1:.2f}" for o in (r.model, r.classical, r.smoothed)),
            f"{r.model.diameter_vox:.1f}" if r.model.diameter_vox else "",
            f"{r.model.seconds:.1f}",
        ]
        for r in rows
    ]
    names = ["volume", "true centres", "found", "F1", "classical F1", "classical, smoothed distances"]
    return markdown([*names, "scaled for (voxels)", "seconds"], lines)


def empty_table(rows: Sequence[Row]) -> str:
    """Return a line a condition in which there is nothing to find."""
    lines = [
        [s.name, str(s.total.num_pred), str(len(s.half)), f"{s.total.seconds:.1f}"]
        for s in summarise(rows, "model")
    ]
    return markdown(["empty volume", "found", "seeds", "seconds"], lines)
