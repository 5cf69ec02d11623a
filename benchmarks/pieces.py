"""Long tables in pieces: rows that are kept in a file, so that a later call measures only what is missing."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Generic, TypeVar

__all__ = ["Pieces"]

Row = TypeVar("Row")


class Pieces(Generic[Row]):
    """Rows of a flat dataclass; those of a file first, if there is one.

    Parameters
    ----------
    kind : type
        The dataclass; its values are text, numbers and lists of them.
    path : Path, optional
        A line of JSON per row. Rows are only in memory without it.
    """

    def __init__(self, kind: type[Row], path: Path | None) -> None:
        self._path = path
        lines = path.read_text().splitlines() if path is not None and path.exists() else []
        self.rows = [kind(**json.loads(line)) for line in lines]

    def add(self, rows: Iterable[Row]) -> None:
        """Add rows, and write them down at once."""
        added = list(rows)
        self.rows += added
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with open(self._path, "a", encoding="utf-8") as file:
                file.writelines(f"{json.dumps(_plain(row))}\n" for row in added)


def _plain(row: Any) -> dict[str, Any]:
    return asdict(row)
