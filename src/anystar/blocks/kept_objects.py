"""The objects of a run that are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from anystar.blocks.checksum import read_columns
from anystar.blocks.journal import Journal
from anystar.blocks.scheduler import count_objects, survivors
from anystar.blocks.tasks import Run
from anystar.geometry.polyhedra import Polyhedra
from anystar.objects.table import Table

__all__ = ["KeptObjects"]


class KeptObjects:
    """The objects that own at least one voxel and meet the condition; made when all blocks are drawn.

    Parameters
    ----------
    run : Run
    journal : Journal
    condition : callable, optional
        Takes a part of the table and returns which rows to keep.
    """

    def __init__(self, run: Run, journal: Journal, condition: Callable[[Table], np.ndarray] | None) -> None:
        self._run, self._journal = run, journal
        self._paths = [run.table_path(n) for n in sorted(journal.of("labels"))]
        self.kept = np.zeros(int(count_objects(run, journal).sum()) + 1, bool)
        """By label."""
        self.num_filtered = 0
        """Number of objects that do not meet the condition."""
        volumes = [np.zeros(0, np.int64)]
        for path in self._paths:
            part = Table(columns=read_columns(path))
            keep = np.ones(len(part), bool) if condition is None else condition(part)
            self.kept[part["label"][keep]] = True
            self.num_filtered += int((~keep).sum())
            volumes.append(part["volume_vox"][keep])
        self.volume_vox = np.concatenate(volumes)
        """Voxels of each object, int64, in the order of the table."""

    @property
    def labels(self) -> np.ndarray:
        """Ascending, int64."""
        return np.flatnonzero(self.kept)

    def parts(self) -> Iterator[Table]:
        """Yield the objects of each block."""
        for path in self._paths:
            part = Table(columns=read_columns(path))
            yield part.select(self.kept[part["label"]])

    def polyhedra(self) -> Iterator[tuple[np.ndarray, Polyhedra]]:
        """Yield labels and polyhedra of each block, in the order of their labels."""
        for rows, labels in survivors(self._run, self._journal):
            mine = np.flatnonzero(self.kept[labels])
            placed = rows.take(mine).on_voxels(self._run.plan.choices.aspect)
            centres = placed.points + np.array(self._run.plan.choices.preprocessing.origin)
            yield labels[mine], Polyhedra(centres, placed.distances, self._run.rays)

    def relabel(self, labels: np.ndarray) -> np.ndarray:
        """Return labels without the filtered objects."""
        return np.where(self.kept[labels], labels, 0)
