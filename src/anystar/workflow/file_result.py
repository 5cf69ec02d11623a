"""What came of one image file, with remarks for the user."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from anystar.arrays import LengthUnit, Volume
from anystar.objects.table import Table
from anystar.outputs import Outputs
from anystar.predict.notes import CONSTANT

if TYPE_CHECKING:
    from anystar.blocks.outcome import Outcome
    from anystar.io.lazy import LazyImage
    from anystar.predict.result import Result
    from anystar.workflow.opened import OpenedImage

__all__ = ["FileResult", "file_result", "notes_of"]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class FileResult:
    """What came of one image."""

    image: Path
    outputs: Outputs
    """The files that were written."""
    num_objects: int
    """Number of objects in the labels."""
    num_filtered: int = 0
    """Number of objects that did not meet the conditions."""
    diameter: float | None = None
    """Median diameter of the objects, each taken as a ball of its volume; None without objects."""
    unit: str = "um"
    """Unit of the diameter: ``um``, or ``relative`` for voxels of the finest axis."""
    length_unit: LengthUnit = "um"
    """Unit of the image's file, in which lengths are reported; ``diameter`` is in micrometres."""
    notes: tuple[str, ...] = ()
    """Remarks for the user, one line each."""
    seconds: float = 0.0
    """Duration of everything."""
    work: dict[str, float] | None = None
    """Seconds of work per kind, summed over processes, if it was done in blocks."""
    constant: Any = None
    """The value of all voxels if they are the same, else None."""
    files: tuple[Path, ...] = ()
    """Files that were written for this image alone."""
    table: Table | None = None
    """The table of objects, if one was required."""
    provenance: str = ""
    """How the result was made, TOML; empty for a run in blocks."""
    labels: Volume | None = None
    """The labels, if they are written together with those of other volumes."""
    already_done: bool = False
    """Whether the labels were complete before, so that nothing was done."""

    def __repr__(self) -> str:
        return f"FileResult({self.image}: {self.num_objects} objects, {self.outputs.labels})"


def file_result(
    opened: OpenedImage, found: Result | Outcome, volume_vox: np.ndarray, num_filtered: int, start: float
) -> FileResult:
    """Return what came of an image.

    Parameters
    ----------
    opened : OpenedImage
    found : Result or Outcome
    volume_vox : numpy.ndarray
        Voxels of each object that was kept.
    num_filtered : int
        Number of objects that were not.
    start : float
        When the work began, by :func:`time.perf_counter`.
    """
    image, num_objects, size = opened.image, len(volume_vox), found.voxel_size
    diameter = None
    if num_objects:
        volume = float(np.median(volume_vox)) * float(np.prod(size.spacing))
        diameter = (6 / np.pi * volume) ** (1 / 3)
    return FileResult(
        image=opened.path,
        outputs=opened.outputs,
        num_objects=num_objects,
        num_filtered=num_filtered,
        diameter=diameter,
        unit=size.unit,
        length_unit=image.length_unit,
        notes=notes_of(image, found, num_objects, num_filtered),
        seconds=time.perf_counter() - start,
    )


def notes_of(
    image: LazyImage, result: Result | Outcome, num_objects: int, num_filtered: int
) -> tuple[str, ...]:
    """Return the remarks on the image, on what was assumed, and on finding nothing."""
    hint = []
    if num_objects == 0 and num_filtered == 0 and all(note.kind != CONSTANT for note in result.notes):
        hint = ["nothing was found; try diameter=D, or a lower prob_thresh=P"]
    elif num_objects == 0 and num_filtered:
        hint = ["no object met the conditions; relax them, or look at the table without these options"]
    return (*_spacing_notes(image, result.voxel_size.aspect), *image.notes, *map(str, result.notes), *hint)


def _spacing_notes(image: LazyImage, voxel_size: Sequence[float]) -> list[str]:
    """Return remarks on a voxel size that is missing (unless a note reports an estimate) or no length."""
    if image.plane is not None or (image.spacing is None and len(set(voxel_size)) > 1):
        return []  # the note on the estimate says it
    if image.spacing is None:
        return ["no voxel size is known, it is taken as equal along Z, Y and X; else give spacing=(Z, Y, X)"]
    if image.unit == "relative":
        return [
            "the file does not name the unit of its voxel size, so lengths are in voxels of the finest axis; "
            "else give spacing=(Z, Y, X)"
        ]
    return []
