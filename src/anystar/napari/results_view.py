"""What was found: sliders that say which objects are kept, the table, and surfaces in 3D."""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.layers import Labels
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

from anystar.napari.filters_form import FiltersForm
from anystar.napari.live_control import LiveControl
from anystar.napari.measures import surfaces
from anystar.napari.objects_view import ObjectsView
from anystar.napari.segmentation import segmentation_of
from anystar.napari.widgets import button, group

__all__ = ["ResultsView", "camera_of"]


def camera_of(viewer: Any) -> Any:
    """Return the camera, where napari 0.9 has it, or 0.7."""
    return (viewer.scene if hasattr(viewer, "scene") else viewer).camera


class ResultsView(QWidget):
    """Follows the labels layer that was made last, or that is chosen in the list of layers."""

    complained = Signal(str)

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self.viewer = viewer
        self._labels: Any = None
        self.filters = FiltersForm()
        self.live = LiveControl(self.filters)
        self.table = ObjectsView()
        self.surface_button = button(
            "Show surfaces in 3D", "Add the surfaces of the selected rows, or of all objects, as a layer"
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(group("2  Which objects to keep", self.filters))
        layout.addWidget(group("3  Objects", self.table, self.surface_button), 1)
        self.live.rested.connect(self._display_table)
        self.table.chosen.connect(self.centre_on)
        self.surface_button.clicked.connect(self.show_surfaces)
        viewer.layers.events.removed.connect(self._forget)
        viewer.layers.selection.events.active.connect(self._follow_active)
        self._display_table()

    def disconnect_viewer(self) -> None:
        """Stop what is computed, and stop listening to the viewer and its layers."""
        self.viewer.layers.events.removed.disconnect(self._forget)
        self.viewer.layers.selection.events.active.disconnect(self._follow_active)
        self._listen(None)
        self.live.stop()

    def _forget(self, event: Any) -> None:
        if self._labels is not None and event.value == self._labels:
            self.follow(None)

    def follow(self, layer: Any) -> None:
        """Let the sliders and the table be those of a labels layer."""
        self._listen(layer)
        self.live.follow(layer)
        self._display_table()

    def _listen(self, layer: Any) -> None:
        """Follow the selected label and the features of a layer."""
        if self._labels is not None:
            self._labels.events.selected_label.disconnect(self._select_row)
            self._labels.events.features.disconnect(self._display_table)
        self._labels = layer
        if layer is not None:
            layer.events.selected_label.connect(self._select_row)
            layer.events.features.connect(self._display_table)

    def _follow_active(self, event: Any) -> None:
        layer = event.value
        if isinstance(layer, Labels) and segmentation_of(layer) is not None and layer is not self._labels:
            self.follow(self.viewer.layers[layer.name])

    def _display_table(self, event: Any = None) -> None:
        self.table.display({} if self._labels is None else self._labels.features)
        found = segmentation_of(self._labels)
        self.surface_button.setEnabled(found is not None and found.result is not None)

    def _select_row(self, event: Any = None) -> None:
        self.table.select(int(self._labels.selected_label))

    def centre_on(self, label: int) -> None:
        """Select an object in the layer and move the view to it."""
        layer, found = self._labels, segmentation_of(self._labels)
        if layer is None or found is None:
            return
        with layer.events.selected_label.blocker(self._select_row):
            layer.selected_label = label
        rows = layer.features[layer.features["label"] == label]
        position = np.zeros(layer.ndim)
        position[list(found.place.axes)] = [rows[f"{axis}_vox"].iloc[0] for axis in "zyx"]
        world = np.array(layer.data_to_world(position))
        self.viewer.dims.set_point(range(self.viewer.dims.ndim)[-layer.ndim :], world)
        displayed = [axis - (self.viewer.dims.ndim - layer.ndim) for axis in self.viewer.dims.displayed]
        centre = np.array(camera_of(self.viewer).center, float)
        centre[-len(displayed) :] = world[displayed]
        camera_of(self.viewer).center = tuple(centre)

    def show_surfaces(self) -> None:
        """Add the surfaces of the selected objects, or of all, and turn the view to 3D."""
        found = segmentation_of(self._labels)
        result = None if found is None or found.live is None else found.live.result()
        if found is None or result is None:
            return
        chosen = self.table.labels
        wanted = np.isin(result.objects.label, chosen) if chosen else np.ones(len(result.objects), bool)
        vertices, faces, labels = surfaces(
            result.objects.select(wanted), result.rays, result.voxel_size.aspect
        )
        if not len(faces):
            self.complained.emit("there are no objects to show")
            return
        numbers, of = np.unique(labels, return_inverse=True)
        colours = np.array([self._labels.get_color(int(number)) for number in numbers])
        place = found.place
        points = np.zeros((len(vertices), len(place.index)))
        points[:, list(place.axes)] = vertices
        self.viewer.add_surface(
            (points, faces),
            name=f"{found.source.name} surfaces",
            shading="smooth",
            vertex_colors=colours[of],
            **place.kwargs(),
        )
        self._labels.visible = False
        self.viewer.dims.ndisplay = 3
