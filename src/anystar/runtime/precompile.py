"""Compile the kernels of a command's first run in processes of their own, while it loads its libraries."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numba

from anystar.runtime.compiled import kernel_folder
from anystar.runtime.cores import num_cores

__all__ = ["Wait", "precompiled"]

Wait = Callable[[Callable[[], object]], None]
"""Waits until kernels are compiled; calls a function first if it must wait."""


@contextlib.contextmanager
def precompiled(module: str, parts: Sequence[str]) -> Iterator[Wait]:
    """Start to compile kernels if none is kept yet, and give a function that waits until all are.

    Nothing is started where compiled code cannot be kept, or on a single core. What fails is compiled when it
    is needed, as without this. Processes that still run at the end are stopped.

    Parameters
    ----------
    module : str
        Run as ``python -m MODULE PART ...``, in one process per core at most.
    parts : sequence of str
        Dealt out to the processes in turn.

    Yields
    ------
    Wait

    Examples
    --------
    >>> with precompiled("anystar.first_run", []) as wait:
    ...     wait(lambda: print("compiling, first run only"))  # nothing to do
    """
    started: list[subprocess.Popen[bytes]] = []
    if _worth_it():
        num = min(len(parts), num_cores())
        for own in (parts[first::num] for first in range(num)):
            with contextlib.suppress(OSError):
                started.append(
                    subprocess.Popen(
                        [sys.executable, "-P", "-m", module, *own],  # -P: nothing from the user's folder
                        stdin=subprocess.DEVNULL,
                        stdout=subprocess.DEVNULL,
                        stderr=subprocess.DEVNULL,
                    )
                )

    def wait(announce: Callable[[], object]) -> None:
        if any(process.poll() is None for process in started):
            announce()
        for process in started:
            process.wait()

    try:
        yield wait
    finally:
        for process in started:
            if process.poll() is None:
                process.terminate()
        for process in started:
            process.wait()


def _worth_it() -> bool:
    """Return whether kernels must be compiled, can be kept, and there are cores to do it beside."""
    if not sys.executable or getattr(sys, "frozen", False) or num_cores() < 2:
        return False
    config: Any = numba.config
    folder = Path(config.CACHE_DIR or kernel_folder())
    if config.DISABLE_JIT or any(folder.rglob("*.nbi")):
        return False
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)
