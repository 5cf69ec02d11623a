"""Try the cases of one kind, in this process, within limits of memory and time; a line of JSON for each."""

from __future__ import annotations

import importlib
import json
import resource
import shutil
import signal
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.faults.files import LAYOUTS, damaged_file
from benchmarks.faults.hostile import hostile_file
from benchmarks.faults.outcome import judged
from benchmarks.faults.texts import condition, model_file, table_file, toml_file

__all__ = ["KINDS", "try_cases"]

Make = Callable[[str, Path, np.random.Generator], Callable[[], bool]]
_MEMORY = 6 << 30
"""Bytes of address space of a worker."""
_SECONDS = 30
"""Longest that a case may take."""
_SLOW = {"killed writers": 300, "killed commands": 900}
"""The same for kinds that start processes, on a machine that has other work."""


def _late(module: str, name: str) -> Make:
    """Return what makes cases; its module, which brings PyTorch and the tests' stub, is loaded late."""

    def make(kind: str, folder: Path, rng: np.random.Generator) -> Callable[[], bool]:
        found = importlib.import_module(f"benchmarks.faults.{module}")
        return getattr(found, name)(kind, folder, rng)

    return make


KINDS: dict[str, tuple[Make, float]] = {
    **dict.fromkeys(LAYOUTS, (damaged_file, 12)),
    "hostile files": (hostile_file, 24),
    "model files": (model_file, 24),
    "TOML": (toml_file, 18),
    "conditions": (condition, 18),
    "tables": (table_file, 12),
    "damaged runs": (_late("runs", "damaged_run"), 3),
    "killed writers": (_late("runs", "killed_writer"), 2),
    "killed commands": (_late("kills", "killed_command"), 1.5),
}
"""How a case of a kind is made, and its share of all cases."""


class _TooLong(BaseException):
    """Raised by the alarm clock."""


def _ring(*_: object) -> None:
    raise _TooLong


def try_cases(kind: str, seed: int, first: int, last: int) -> None:
    """Print the outcome of cases ``first`` to ``last - 1``; case i of a seed is always the same."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGALRM, _ring)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # which nohup has the processes of this one ignore
    make, _ = KINDS[kind]
    with tempfile.TemporaryDirectory() as temporary:
        for index in range(first, last):
            _say(begin=index)
            folder = Path(temporary) / "case"
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            rng = np.random.default_rng([seed, list(KINDS).index(kind), index])
            work = make(kind, folder, rng)
            signal.alarm(_SLOW.get(kind, _SECONDS))
            try:
                outcome, detail = judged(work)
            except _TooLong:
                outcome, detail = "hang", ""
            finally:
                signal.alarm(0)
            _say(case=index, outcome=outcome, detail=detail)


def _say(**line: Any) -> None:
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    try_cases(sys.argv[1], *map(int, sys.argv[2:]))
