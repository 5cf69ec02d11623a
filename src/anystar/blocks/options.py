"""How a run in blocks is carried out, and which objects it keeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from anystar.errors import InputError
from anystar.objects.table import Table

__all__ = ["RunOptions", "Selection"]


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """How a run is carried out; nothing here changes its result."""

    memory: int | None = None
    """Bytes that each process may use; by default 70% of what is free, shared among the workers."""
    cluster: str | None = None
    """Run on Dask workers: ``"local"``, ``"slurm"``, or the address of a scheduler."""
    workers: int | None = None
    """Number of workers, see :func:`anystar.runtime.cluster.connect`."""
    resume: bool = False
    """Continue an interrupted run, or begin one that was not begun."""
    overwrite: bool = False
    """Replace what exists, finished or not."""

    def __post_init__(self) -> None:
        if self.workers is not None and self.cluster is None:
            raise InputError("workers are those of a cluster; give cluster, or leave workers out")


@dataclass(frozen=True, kw_only=True, eq=False)
class Selection:
    """Which objects are kept: the condition, and its words."""

    keep: Callable[[Table], np.ndarray] | None = None
    """Takes a part of the table and returns a mask of the rows to keep; all by default."""
    text: str = ""
    """The condition in words: a run is resumed only with the same."""
