"""The manifest of a folder of synthetic pairs: how all were made, then a line a sample."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from anystar.errors import InputError
from anystar.runtime.atomic import named, staged

__all__ = ["Manifest"]


class Manifest:
    """``manifest.jsonl``: the first line says what holds for all samples, each other line what one drew.

    Lines are appended as samples finish, in any order; :meth:`finish` puts them in order, so that a run that
    was interrupted, or had other workers, ends with the same file.

    Parameters
    ----------
    folder : Path
        Where the samples are.
    head : mapping
        Recipe, version, seed and so on.

    Raises
    ------
    ValueError
        If the folder holds samples that were made otherwise.
    """

    def __init__(self, folder: Path, head: Mapping[str, Any]) -> None:
        self.path = folder / "manifest.jsonl"
        self.head = json.loads(json.dumps(head))
        self.samples: dict[int, str] = {}
        if not self.path.exists():
            return
        lines = self.path.read_text(encoding="utf-8", errors="replace").splitlines()
        before = _parsed(lines[0]) if lines else None
        if before is None:
            raise InputError(f"{self.path} is not a manifest of anystar synthesize; choose another folder")
        changed = [
            f"{key} {_brief(before.get(key))} instead of {_brief(value)}"
            for key, value in self.head.items()
            if key != "config" and before.get(key) != value
        ]
        if not changed and before != self.head:
            changed = ["other knobs of the recipe"]
        if changed:
            raise InputError(f"{folder} holds samples of {', '.join(changed)}; choose another folder")
        for line in lines[1:]:
            entry = _parsed(line)
            # The last line of a run that was killed may be half a line.
            if entry is not None and isinstance(entry.get("index"), int):
                self.samples[entry["index"]] = line

    def begin(self) -> None:
        """Write what is known so far, whole."""
        self._write(self.samples)

    def add(self, index: int, drawn: Mapping[str, Any]) -> None:
        """Append one finished sample."""
        line = json.dumps({"index": index, **drawn})
        self.samples[index] = line
        with named(self.path), open(self.path, "a", encoding="utf-8") as file:
            file.write(line + "\n")

    def finish(self) -> None:
        """Write all samples in order."""
        self._write(dict(sorted(self.samples.items())))

    def _write(self, samples: Mapping[int, str]) -> None:
        with staged(self.path) as (temporary,):
            lines = [json.dumps(self.head), *samples.values()]
            temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _parsed(line: str) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except json.JSONDecodeError:
        return None
    return entry if isinstance(entry, dict) else None


def _brief(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
