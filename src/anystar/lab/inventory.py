"""Table 2 beside what is on the disk."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from anystar.lab.check import check_dataset, compare_with_paper
from anystar.lab.items import Dataset
from anystar.lab.sources import SOURCES
from anystar.runtime.atomic import staged

__all__ = ["write_inventory"]


def write_inventory(path: Path, datasets: Sequence[Dataset]) -> list[str]:
    """Write a Markdown table of the paper's data sets and of those that are there; return what is wrong."""
    here = {d.name: d for d in datasets}
    lines = ["# Table 2: data sets", "", "| data set | organism | modality | the paper | here |"]
    lines.append("| --- | --- | --- | --- | --- |")
    problems: list[str] = []
    for source in SOURCES.values():
        grid = "x".join(map(str, source.grid))
        counts = "not annotated"
        if source.counts:
            counts = "/".join("crop" if n is None else str(n) for n in source.counts)
        found = _summary(here[source.name], problems) if source.name in here else "not there"
        lines.append(
            f"| {source.title} | {source.organism} | {source.modality} | {grid}, {counts} | {found} |"
        )
    for dataset in datasets:
        if dataset.name not in SOURCES:
            lines.append(f"| {dataset.name} | | | not in the paper | {_summary(dataset, problems)} |")
    lines += ["", "Numbers of volumes are for training / validation / test.", ""]
    lines += [f"- {problem}" for problem in problems]
    with staged(path) as (temporary,):
        temporary.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    return problems


def _summary(dataset: Dataset, problems: list[str]) -> str:
    findings = list(check_dataset(dataset))
    problems += [*dataset.problems, *(f.text for f in findings if not f.good)]
    counts = "/".join(str(len(dataset.split(s))) for s in ("train", "validation", "test"))
    test = "; ".join(f.text for f in findings if f.good and f.split == "test")
    differs = "".join(f"; {line}" for line in compare_with_paper(dataset))
    return f"{counts}{differs}; test: {test or 'nothing that can be used'}"
