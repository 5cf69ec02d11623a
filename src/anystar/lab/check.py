"""Whether what is on the disk is what the paper used: counts, grids, labels, pair by pair."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from anystar.lab.items import SPLITS, Dataset, Item, Split, read_pair
from anystar.lab.layouts import discover
from anystar.lab.sources import SOURCES, PaperDataset
from anystar.lab.tables import markdown_row, write_markdown

__all__ = ["CheckedVolume", "check_dataset", "check_folder", "compare_with_paper", "write_inventory"]


@dataclass(frozen=True, kw_only=True)
class CheckedVolume:
    """What was found in one volume."""

    split: Split
    name: str
    text: str
    """One line: shape, voxel size and objects, or what is wrong and what to do."""
    good: bool
    """Whether it can be used."""


def compare_with_paper(dataset: Dataset) -> list[str]:
    """Return how the numbers of volumes differ from Table 2, a line each; nothing if they agree."""
    source = SOURCES.get(dataset.name)
    if source is None or source.counts is None:
        return []
    lines = []
    for split, expected in zip(SPLITS, source.counts, strict=True):
        if expected is not None and (number := len(dataset.split(split))) != expected:
            lines.append(f"{number} {split} volumes, the paper has {expected}")
    return lines


def check_folder(folder: Path) -> Iterator[tuple[str, bool]]:
    """Find the data sets in a folder, read every pair, and yield lines, and whether each is good."""
    for dataset in discover(folder):
        counts = ", ".join(f"{len(dataset.split(split))} {split}" for split in SPLITS)
        yield f"{dataset.name}: {counts}", True
        for note in (*dataset.notes, *compare_with_paper(dataset)):
            yield f"  note: {note}", True
        for problem in dataset.problems:
            yield problem, False
        for found in check_dataset(dataset):
            yield (f"  {found.split} {found.name}: {found.text}" if found.good else found.text), found.good


def check_dataset(dataset: Dataset) -> Iterator[CheckedVolume]:
    """Read every pair and yield what it is, or what is wrong with it."""
    source = SOURCES.get(dataset.name)
    for split in SPLITS:
        for item in dataset.split(split):
            yield _check(item, split, source)


def _check(item: Item, split: Split, source: PaperDataset | None) -> CheckedVolume:
    try:
        pair = read_pair(item)
    except (ValueError, OSError) as error:
        return CheckedVolume(split=split, name=item.name, text=str(error), good=False)
    numbers = np.unique(pair.labels)
    numbers = numbers[numbers > 0]
    if len(numbers) == 0:
        text = f"{item.labels} has no labelled object; check that it is the right file"
        return CheckedVolume(split=split, name=item.name, text=text, good=False)
    size = "x".join(map(str, pair.image.shape))
    spacing = pair.image.spacing
    voxel = " x ".join(f"{s:g}" for s in spacing) + " um" if spacing else "voxel size unknown"
    text = f"{size}, {voxel}, {len(numbers)} objects"
    if len(numbers) != numbers[-1]:
        text += f" (numbers up to {numbers[-1]}, with gaps)"
    if source is not None and item.part is None and _far(pair.image.shape, source.grid):
        text += f"; Table 2 has {'x'.join(map(str, source.grid))}"
    return CheckedVolume(split=split, name=item.name, text=text, good=True)


def _far(shape: tuple[int, ...], grid: tuple[int, ...]) -> bool:
    """Whether a shape differs from the table's by more than half, in whatever order."""
    return any(abs(a - b) > 0.5 * b for a, b in zip(sorted(shape), sorted(grid), strict=True))


def write_inventory(path: Path, datasets: Sequence[Dataset]) -> list[str]:
    """Write a Markdown table of the paper's data sets and of those that are there; return what is wrong."""
    here = {d.name: d for d in datasets}
    lines = [
        "# Table 2: data sets",
        "",
        markdown_row(("data set", "organism", "modality", "the paper", "here")),
    ]
    lines.append(markdown_row(["---"] * 5))
    problems: list[str] = []
    for source in SOURCES.values():
        grid = "x".join(map(str, source.grid))
        counts = "not annotated"
        if source.counts:
            counts = "/".join("crop" if n is None else str(n) for n in source.counts)
        found = _summary(here[source.name], problems) if source.name in here else "not there"
        lines.append(
            markdown_row((source.title, source.organism, source.modality, f"{grid}, {counts}", found))
        )
    for dataset in datasets:
        if dataset.name not in SOURCES:
            lines.append(f"| {dataset.name} | | | not in the paper | {_summary(dataset, problems)} |")
    lines += ["", "Numbers of volumes are for training / validation / test.", ""]
    write_markdown(path, [*lines, *(f"- {problem}" for problem in problems)])
    return problems


def _summary(dataset: Dataset, problems: list[str]) -> str:
    findings = list(check_dataset(dataset))
    problems += [*dataset.problems, *(f.text for f in findings if not f.good)]
    counts = "/".join(str(len(dataset.split(s))) for s in SPLITS)
    test = "; ".join(f.text for f in findings if f.good and f.split == "test")
    differs = "".join(f"; {line}" for line in compare_with_paper(dataset))
    return f"{counts}{differs}; test: {test or 'nothing that can be used'}"
