"""What came of one image file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from anystar.arrays import LengthUnit, Volume, VoxelSize
from anystar.objects.table import Table
from anystar.workflow.outputs import Outputs

__all__ = ["FileResult", "typical_diameter"]


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


def typical_diameter(volume_vox: np.ndarray, voxel_size: VoxelSize) -> tuple[float | None, str]:
    """Return the median diameter of objects, each taken as a ball of its volume, and its unit."""
    spacing, unit = voxel_size.spacing, voxel_size.unit
    if len(volume_vox) == 0:
        return None, unit
    volume = float(np.median(volume_vox)) * float(np.prod(spacing))
    return (6 / np.pi * volume) ** (1 / 3), unit
