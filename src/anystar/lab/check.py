"""Whether what is on the disk is what the paper used: counts, grids, labels, pair by pair."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from anystar.lab.items import Dataset, Item, Split, read_pair
from anystar.lab.layouts import discover
from anystar.lab.sources import SOURCES, PaperDataset

__all__ = ["CheckedVolume", "check_dataset", "check_folder", "compare_with_paper"]

_SPLIT_NAMES: tuple[Split, ...] = ("train", "validation", "test")


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
    for split, expected in zip(_SPLIT_NAMES, source.counts, strict=True):
        if expected is not None and (number := len(dataset.split(split))) != expected:
            lines.append(f"{number} {split} volumes, the paper has {expected}")
    return lines


def check_folder(folder: Path) -> Iterator[tuple[str, bool]]:
    """Find the data sets in a folder, read every pair, and yield lines, and whether each is good."""
    for dataset in discover(folder):
        counts = ", ".join(f"{len(dataset.split(split))} {split}" for split in _SPLIT_NAMES)
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
    for split in _SPLIT_NAMES:
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
