"""Files of an interrupted run that are missing or changed: forgotten, so that they are made again.

A power cut, a full disk or a bad copy leaves files that are cut off, empty or not there. The journal notes a
checksum of everything that a task wrote. Tasks are deterministic: what is made again is what was there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from anystar.blocks.checksum import checksum, checksum_of_file
from anystar.blocks.journal import Journal
from anystar.blocks.tasks import FOUND, Run
from anystar.io.label_store import LabelStore

__all__ = ["forget_damaged_files", "forget_damaged_labels"]

_LATER = ("suppression", "votes", "overlaps")
"""Stages after the network, each of which decides by what the neighbouring blocks decided."""


def _intact(path: Path, entry: dict[str, Any]) -> bool:
    try:
        return checksum_of_file(path) == entry.get("file")
    except FileNotFoundError:
        return False


def forget_damaged_files(run: Run, journal: Journal) -> int:
    """Let the journal forget the blocks whose candidates, objects or surveys are damaged; return how many."""
    forgotten = 0
    network, newest = journal.of("network"), dict[int, tuple[str, dict[str, Any]]]()
    for stage in ("network", *_LATER):
        newest |= {number: (stage, entry) for number, entry in journal.of(stage).items()}
    found = [n for n, entry in network.items() if not _intact(run.candidates_path(n, FOUND), entry)]
    later = [
        n
        for n, (stage, entry) in newest.items()
        if stage != "network" and not _intact(run.candidates_path(n, entry["version"]), entry)
    ]
    if later:  # what they were made from may be gone: begin again from what the network found
        for stage in _LATER:
            for number in journal.of(stage):
                journal.forget(stage, number)
        forgotten += len(later)
    if later or not _votes_done(journal):
        for number in found:
            journal.forget("network", number)
        forgotten += len(found)
    for number, entry in journal.of("labels").items():
        if not _intact(run.table_path(number), entry):
            journal.forget("labels", number)
            forgotten += 1
    for number, entry in journal.of("overview").items():
        if not _intact(run.folder / str(entry.get("name")), entry):
            journal.forget("overview", number)
            forgotten += 1
    return forgotten


def _votes_done(journal: Journal) -> bool:
    """Return whether what the network found is no longer needed, and may have been removed."""
    suppressed = journal.of("suppression")
    if journal.of("overlaps"):
        return True
    holding = [n for n, entry in suppressed.items() if entry["kept"]]
    undecided = any(e["open"] for n, e in journal.of("network").items() if n not in suppressed)
    undecided |= any(entry["open"] for entry in suppressed.values())
    return not undecided and all(n in journal.of("votes") for n in holding)


def forget_damaged_labels(run: Run, journal: Journal, labels: LabelStore) -> int:
    """Let the journal forget the blocks whose labels are not those that were written; return how many."""
    forgotten = 0
    for number, entry in journal.of("labels").items():
        box = run.boxes[number]
        try:
            same = checksum(labels.read(box)) == entry.get("labels")
        except MemoryError:
            raise
        except Exception:  # whatever a decoder makes of damaged bytes
            same = False
        if not same:  # removed, as a block without labels is not written again
            labels.write([s.start for s in box], np.zeros([s.stop - s.start for s in box], np.uint8))
            journal.forget("labels", number)
            forgotten += 1
    return forgotten
