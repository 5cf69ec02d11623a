"""Remarks for the user, each with its kind, so that nothing has to read the text."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CONSTANT", "NOTHING", "THRESHOLD", "UNSURE", "Note"]

CONSTANT = "constant"
"""The image is constant."""
NOTHING = "nothing"
"""No size was found at which there are clear objects."""
THRESHOLD = "threshold"
"""The probability threshold was adapted to the image."""
UNSURE = "unsure"
"""Many objects have a probability close to the threshold."""


@dataclass(frozen=True)
class Note:
    """A remark on a segmentation."""

    kind: str
    """What it is about, such as ``"threshold"`` or the name of a preprocessing step."""
    text: str
    """A line for the user."""

    def __str__(self) -> str:
        return self.text
