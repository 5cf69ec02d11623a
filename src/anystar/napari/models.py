"""Models that were learnt from corrections since napari began, which the panels offer."""

from __future__ import annotations

from pathlib import Path

from psygnal.containers import EventedList

__all__ = ["MODELS"]

MODELS: EventedList[Path] = EventedList()
"""Their files; panels listen to what is inserted."""
