"""How a volume is segmented in blocks, and which objects are kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from anystar.blocks.memory import Sizes
from anystar.errors import InputError
from anystar.objects.table import Table
from anystar.predict.options import PredictionOptions
from anystar.report.meshes import MeshKind

__all__ = ["BlockOptions", "Selection"]


@dataclass(frozen=True, kw_only=True)
class BlockOptions(PredictionOptions):
    """How an image is segmented in blocks, and what is written beside the labels."""

    distances: bool = False
    """Whether the table contains the polyhedra."""
    mesh_format: MeshKind = "ply"
    """Format of the files in a folder of meshes."""
    memory: int | None = None
    """Work in blocks, within this number of bytes per process; by default 70% of the free memory, shared
    among the workers."""
    sizes: Sizes | None = None
    """Sizes of the blocks; by default the largest that the memory allows."""
    dask: str | None = None
    """Work in blocks on Dask workers: ``local``, ``slurm``, or the address of a scheduler."""
    workers: int | None = None
    """Number of workers to start, see :func:`anystar.runtime.cluster.connect`."""
    resume: bool = False
    """Continue an interrupted run in blocks, or begin one that was not begun."""
    overwrite: bool = False
    """Replace outputs that exist, finished or not."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.workers and not self.dask:
            raise InputError("workers belong to dask; give both, or neither")


@dataclass(frozen=True, kw_only=True, eq=False)
class Selection:
    """Which objects are kept: the condition, and its words."""

    keep: Callable[[Table], np.ndarray] | None = None
    """Takes a part of the table and returns a mask of the rows to keep; all by default."""
    text: str = ""
    """The condition in words: a run is resumed only with the same."""
