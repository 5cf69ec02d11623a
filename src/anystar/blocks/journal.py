"""What is finished, a line each: survives being killed at any moment."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = ["Journal"]


class Journal:
    """A file of JSON lines that is only ever appended to, by one process.

    A line is written when what it says is on the disk. Each begins with its checksum: a line that was cut
    off or changed counts as not written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: dict[tuple[str, int], dict[str, Any]] = {}
        """The newest entry by stage and block."""
        kept = 0
        for line in self._whole_lines():
            kept += len(line)
            entry = _checked(line)
            if entry is not None:
                self._take(entry)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = open(path, "ab")  # noqa: SIM115 (open as long as the run)
        self._file.truncate(kept)

    def _whole_lines(self) -> Iterator[bytes]:
        if not self.path.exists():
            return
        with open(self.path, "rb") as file:
            for line in file:
                if not line.endswith(b"\n"):
                    return
                yield line

    def _take(self, entry: dict[str, Any]) -> None:
        place = (entry["stage"], entry["block"])
        if entry.get("forgotten"):
            self.lines.pop(place, None)
        else:
            self.lines[place] = entry

    def add(self, stage: str, block: int, **entry: Any) -> None:
        """Note that a block is finished."""
        whole = {"stage": stage, "block": block, **entry}
        text = json.dumps(whole).encode()
        self._file.write(b"%08x %s\n" % (zlib.crc32(text), text))
        self._file.flush()
        os.fsync(self._file.fileno())
        self._take(whole)

    def forget(self, stage: str, block: int) -> None:
        """Note that a block is not finished after all."""
        self.add(stage, block, forgotten=True)

    def entry(self, stage: str, block: int) -> dict[str, Any] | None:
        """Return what was noted last, if anything."""
        return self.lines.get((stage, block))

    def of(self, stage: str) -> dict[int, dict[str, Any]]:
        """Return the entries of a stage by block."""
        return {block: entry for (which, block), entry in self.lines.items() if which == stage}

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _checked(line: bytes) -> dict[str, Any] | None:
    """Return the entry of a line, or nothing if it is not as it was written."""
    try:
        check, text = line.rstrip(b"\n").split(b" ", 1)
        return json.loads(text) if int(check, 16) == zlib.crc32(text) else None
    except ValueError:
        return None
