"""What a run in blocks returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from anystar.arrays import VoxelSize
from anystar.predict.notes import Note
from anystar.predict.other_sizes import RunnerUp

__all__ = ["Outcome"]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The result of a run in blocks."""

    labels: Path
    """The label image."""
    num_objects: int
    """Objects that own at least one voxel and were kept."""
    num_filtered: int
    """Objects that did not meet the condition."""
    volume_vox: np.ndarray
    """Their volumes, int64, in the order of the table."""
    diameter_vox: float | None
    """Object diameter that the volume was scaled for, in voxels of the finest axis."""
    voxel_size: VoxelSize
    """Voxel size that lengths are measured by: micrometres if they are known, else in shortest edges."""
    notes: tuple[Note, ...]
    """Remarks for the user."""
    prob_thresh: float
    """Lowest probability of an object."""
    nms_thresh: float
    """Largest overlap of two objects."""
    second_diameter_vox: float | None = None
    """The same of further objects of a much different size, if there are any."""
    runner_up: RunnerUp | None = None
    """The next best size of objects, if the diameter was estimated and there is one."""
    timings: dict[str, float] = field(default_factory=dict)
    """Seconds of work per kind, summed over processes and earlier attempts."""
