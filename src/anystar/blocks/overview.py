"""The overview image of a run: a task surveys each block of the result, then three slices are read."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from anystar.arrays import LengthUnit
from anystar.blocks.checksum import read_columns, write_columns
from anystar.blocks.tasks import Run, noted, numbered
from anystar.io.label_store import LabelStore
from anystar.report.overview import save_panels, surveyed_panels
from anystar.report.survey import Extent, Survey, merge, survey
from anystar.runtime.atomic import staged

__all__ = ["Surveyor", "draw"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Surveyor:
    """A run whose labels are on the disk, and which of them are kept; surveys a block when called."""

    strip: ClassVar[int] = 1 << 24
    """Voxels of a slice that are read at once."""

    run: Run
    labels: LabelStore
    version: str
    """Of what is kept, see :meth:`of`."""

    @classmethod
    def of(cls, run: Run, labels: LabelStore, kept: np.ndarray) -> Surveyor:
        """Return a surveyor for the labels in ``kept``, a bool for each number, which goes to a file."""
        made = cls(run=run, labels=labels, version=hashlib.sha256(kept.tobytes()).hexdigest()[:16])
        with staged(made._kept_path) as (temporary,), open(temporary, "wb") as file:
            np.save(file, kept)
        return made

    @property
    def extent(self) -> Extent:
        """The volume that is drawn."""
        return Extent(self.run.shape, self.run.plan.voxel_size.spacing)

    def __call__(self, number: int) -> dict[str, Any]:
        """Survey a block and return what the journal is to note."""
        began = time.perf_counter()
        box = self.run.boxes[number]
        image, reading = self.run.displayed(box)
        found = survey(image, self.kept(box), self.extent, [s.start for s in box])
        looked = time.perf_counter()
        path = self._path(number)
        check = write_columns(path, vars(found))
        name = path.relative_to(self.run.folder).as_posix()
        seconds = {"reading": reading, "overview": looked - began - reading}
        return noted(began, seconds, kept=self.version, name=name, file=check)

    def kept(self, box: Sequence[slice]) -> np.ndarray:
        """Return the labels of a box without those that were dropped."""
        labels = self.labels.read(box)
        kept = np.load(self._kept_path, mmap_mode="r")
        labels[~kept[labels]] = 0
        return labels

    def found(self, number: int) -> Survey:
        """Return what was found when this was called."""
        return Survey(**read_columns(self._path(number)))

    def cut(
        self, axis: int, index: int, rows: np.ndarray, columns: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return some rows and columns of a slice of the image and of the labels."""
        height, width = np.delete(self.run.shape, axis).tolist()
        depth = max(1, self.strip // width)
        parts = []
        for start in range(0, height, depth):
            here = rows[(rows >= start) & (rows < start + depth)] - start
            box = [slice(start, min(start + depth, height)), slice(0, width)]
            box.insert(axis, slice(index, index + 1))
            for read in (lambda part: self.run.displayed(part)[0], self.kept):
                parts.append(read((box[0], box[1], box[2])).squeeze(axis)[np.ix_(here, columns)])
        return np.concatenate(parts[::2]), np.concatenate(parts[1::2])

    @property
    def _kept_path(self) -> Path:
        return self.run.folder / "overview" / f"kept.{self.version}.npy"

    def _path(self, number: int) -> Path:
        return numbered(self.run.folder / "overview", number, f"{self.version}.npz")


def draw(path: Path, surveyor: Surveyor, title: str, length_unit: LengthUnit) -> None:
    """Write the overview image as PNG, when all blocks have been surveyed."""
    found = merge(map(surveyor.found, range(len(surveyor.run.boxes))), surveyor.extent)
    metric = surveyor.run.plan.voxel_size.unit == "um"
    views = surveyed_panels(found, surveyor.extent, surveyor.cut)
    save_panels(path, views, metric=metric, length_unit=length_unit, title=title)
