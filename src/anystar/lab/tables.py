"""Results as CSV for machines and Markdown for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from anystar.evaluate import Curve
from anystar.runtime.atomic import staged, write_csv

__all__ = ["Row", "markdown_row", "write_curves", "write_markdown", "write_score_table"]


@dataclass(frozen=True, kw_only=True)
class Row:
    """One method on one data set, perhaps under one condition; without a curve, why."""

    dataset: str
    method: str
    how: str = ""
    """How its setting was chosen."""
    setting: str = ""
    """Its setting."""
    curve: Curve | None = None
    reason: str = ""
    """Why there is no curve."""
    corruption: str = ""
    strength: float = 0.0


_CURVE_COLUMNS = (
    *("dataset", "method", "corruption", "strength", "setting", "chosen", "volumes", "true", "found"),
    *("iou", "ap", "ap_low", "ap_high", "pq", "pq_low", "pq_high", "left_out"),
)


_READING = """Accuracy is TP / (TP + FP + FN), objects of all volumes pooled; in brackets the 95% interval of
a bootstrap over volumes and instances (over instances alone where there is one volume)."""


def write_curves(path: Path, rows: Iterable[Row]) -> None:
    """Write one line a row and threshold as CSV, with the bounds of the 95% intervals; empty if not run."""
    lines: list[Sequence[object]] = []
    for row in rows:
        start = [row.dataset, row.method, row.corruption, f"{row.strength:g}", row.setting, row.how]
        if row.curve is None:
            lines.append([*start, *[""] * 10, row.reason])
            continue
        c = row.curve
        start += [str(c.num_volumes), str(c.num_true), str(c.num_pred)]
        for t, a, q in zip(c.thresholds, c.ap, c.panoptic_quality, strict=True):
            numbers = [f"{v:.6f}" for i in (a, q) for v in (i.value, i.low, i.high)]
            lines.append([*start, f"{t:g}", *numbers, ""])
    write_csv(path, _CURVE_COLUMNS, lines)


def write_score_table(path: Path, title: str, notes: Iterable[str], rows: Sequence[Row]) -> None:
    """Write a Markdown table of the means and the values at 0.5, then what a reader has to know."""
    with_strength = any(row.corruption for row in rows)
    names = ["data set", "method", *(["condition"] if with_strength else []), "volumes", "objects", "found"]
    names += ["AP at IoU 0.5", "mean AP 0.1 to 0.9", "panoptic quality at 0.5", "setting", "chosen"]
    lines = [f"# {title}", "", markdown_row(names), markdown_row(["---"] * len(names))]
    for row in rows:
        cells = [row.dataset, row.method]
        if with_strength:
            cells.append(f"{row.corruption} {row.strength:g}" if row.strength else "as it is")
        if row.curve is None:
            cells += [*[""] * 7, f"not run: {row.reason}"]
        else:
            c = row.curve
            cells += [str(c.num_volumes), str(c.num_true), str(c.num_pred), str(c.at(0.5))]
            cells += [str(c.mean_ap), str(c.quality_at(0.5)), row.setting, row.how]
        lines.append(markdown_row(cells))
    lines += ["", _READING, "", *(f"- {note}" for note in notes)]
    write_markdown(path, lines)


def write_markdown(path: Path, lines: Iterable[str]) -> None:
    """Write lines of Markdown; the file appears whole or not at all."""
    with staged(path) as (temporary,):
        temporary.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


def markdown_row(cells: Iterable[str]) -> str:
    """Return a row of a Markdown table."""
    return "| " + " | ".join(c.replace("|", "/") for c in cells) + " |"
