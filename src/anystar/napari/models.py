"""Models that were learnt from corrections since napari began, which the panels offer."""

from __future__ import annotations

from pathlib import Path

from psygnal import Signal

__all__ = ["MODELS", "LearntModels"]


class LearntModels:
    """Model files; panels listen to :attr:`added`."""

    added = Signal(object)
    """Emitted with the path of a model that is offered from now on."""

    def __init__(self) -> None:
        self.paths: list[Path] = []

    def offer(self, path: Path) -> str:
        """Offer a model file, and return the name that it has."""
        self.paths.append(path)
        self.added.emit(path)
        return path.stem


MODELS = LearntModels()
"""Those of this napari."""
