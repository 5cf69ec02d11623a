"""The objects of all blocks as one table, written as they are read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from anystar.blocks.measure import Measured
from anystar.report.table import TableWriter
from anystar.table import Table, place_columns

__all__ = ["objects_of", "write_tables"]

Vec = tuple[float, float, float]
_GROUP_ROWS = 100_000


def objects_of(paths: Iterator[Path]) -> Iterator[Measured]:
    """Yield the objects of each block."""
    for path in paths:
        with np.load(path) as columns:
            yield Measured(**{name: columns[name] for name in columns.files})


def write_tables(
    path: Path, parts: Iterator[Measured], shape: tuple[int, int, int], *, spacing: Vec | None
) -> None:
    """Write a table whose name ends in ``.csv`` or ``.parquet``; it appears whole or not at all.

    Parameters
    ----------
    shape : three ints
        Of the volume.
    spacing : three floats or None
        Micrometres per voxel, if known.
    """
    with TableWriter(path) as writer:
        for part in _gathered(parts):
            writer.add(Table(columns=place_columns(part, shape, spacing=spacing)))


def _gathered(parts: Iterator[Measured]) -> Iterator[Measured]:
    """Join small parts, so that a group of rows is worth its overhead."""
    waiting: list[Measured] = []
    for part in parts:
        waiting.append(part)
        if sum(map(len, waiting)) >= _GROUP_ROWS:
            yield Measured.joined(waiting)
            waiting = []
    if waiting:
        yield Measured.joined(waiting)
