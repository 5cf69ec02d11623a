"""The objects of all blocks as one table, written as they are read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from anystar.blocks.checksum import checksum_of_file
from anystar.objects.table import Table
from anystar.report.table import TableWriter
from anystar.runtime.atomic import staged

__all__ = ["read_part", "write_part", "write_table"]

_GROUP_ROWS = 100_000


def write_part(path: Path, part: Table) -> int:
    """Write the objects of one block, whole or not at all, and return the checksum of the file."""
    with staged(path) as (temporary,):
        with open(temporary, "wb") as file:
            np.savez(file, allow_pickle=False, **part.columns)
        return checksum_of_file(temporary)


def read_part(path: Path) -> Table:
    """Read what :func:`write_part` wrote."""
    with np.load(path) as columns:
        return Table(columns={name: columns[name] for name in columns.files})


def write_table(path: Path, parts: Iterable[Table], provenance: Callable[[], str]) -> None:
    """Write a table whose name ends in ``.csv`` or ``.parquet``; it appears whole or not at all.

    Parameters
    ----------
    path : Path
    parts : tables
        Objects of the blocks, at least one block.
    provenance : callable
        Returns the provenance that the table contains; called when everything else is written.
    """
    with TableWriter(path) as writer:
        for group in _gathered(parts):
            writer.add(group)
        writer.provenance = provenance()


def _gathered(parts: Iterable[Table]) -> Iterator[Table]:
    """Join small parts, so that a group of rows is worth its overhead."""
    waiting: list[Table] = []
    for part in parts:
        waiting.append(part)
        if sum(map(len, waiting)) >= _GROUP_ROWS:
            yield Table.concat(waiting)
            waiting = []
    if waiting:
        yield Table.concat(waiting)
