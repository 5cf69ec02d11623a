"""Remarks for the user on one segmented image."""

from __future__ import annotations

from collections.abc import Sequence

from anystar.blocks.outcome import Outcome
from anystar.io.lazy import LazyImage
from anystar.predict.notes import CONSTANT
from anystar.predict.result import Result

__all__ = ["notes_of"]


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
    if image.plane is not None:
        return []  # the note on the estimate says it
    if image.spacing is None:
        if len(set(voxel_size)) > 1:
            return []
        return ["no voxel size is known, it is taken as equal along Z, Y and X; else give spacing=(Z, Y, X)"]
    if image.unit == "relative":
        return [
            "the file does not name the unit of its voxel size, so lengths are in voxels of the finest axis; "
            "else give spacing=(Z, Y, X)"
        ]
    return []
