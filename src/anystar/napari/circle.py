"""A circle that the user draws around an object, as a layer of shapes that goes when it is done."""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.layers import Shapes
from qtpy.QtCore import QObject, Signal

from anystar.napari.layers import LayerVolume

__all__ = ["CircleTool"]

_NAME = "draw around an object"


class CircleTool(QObject):
    """Adds a layer to draw in, and reports the ellipse that was drawn."""

    drawn = Signal(object)
    """Corners of the ellipse in voxels of the image, ``(4, ndim)``."""

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self.viewer = viewer
        self.layer: Any = None

    def start(self, source: LayerVolume) -> None:
        """Let the user draw on an image."""
        self.stop()
        place = source.place
        self.layer = Shapes(
            ndim=len(place.index),
            name=_NAME,
            edge_color="orange",
            face_color=[1, 0.6, 0, 0.15],
            edge_width=0.5,
            **place.transform,
        )
        self.viewer.add_layer(self.layer)
        self.viewer.layers.selection.active = self.layer
        self.layer.mode = "add_ellipse"
        self.layer.mouse_drag_callbacks.append(self._follow)

    def stop(self) -> None:
        """Remove the layer."""
        if self.layer is not None and self.layer in self.viewer.layers:
            self.viewer.layers.remove(self.layer)
        self.layer = None

    def _follow(self, layer: Any, event: Any) -> Any:
        """Wait for the end of a drag."""
        yield
        while event.type == "mouse_move":
            yield
        self.report()

    def report(self) -> None:
        """Report the last ellipse, if there is one that is not a dot."""
        if self.layer is not None and len(self.layer.data):
            corners = np.asarray(self.layer.data[-1])
            if len(corners) == 4 and np.ptp(corners, axis=0).max() > 1:
                self.drawn.emit(corners)
