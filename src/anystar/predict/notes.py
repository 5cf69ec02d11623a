"""Remarks for the user, each with its kind, so that nothing has to read the text."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CONSTANT", "NOTHING", "THRESHOLD", "Note"]

CONSTANT = "constant"
"""The image is constant."""
NOTHING = "nothing"
"""No size was found at which there are clear objects."""
THRESHOLD = "threshold"
"""A texture has raised the probability threshold."""


@dataclass(frozen=True)
class Note:
    """A remark on a segmentation."""

    kind: str
    """What it is about, such as ``"threshold"`` or the name of a preprocessing step."""
    text: str
    """A line for the user."""

    def __str__(self) -> str:
        return self.text
