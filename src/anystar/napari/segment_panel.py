"""The panel that segments an image layer."""

from __future__ import annotations

from typing import Any

from napari.layers import Image
from napari.viewer import Viewer
from qtpy.QtWidgets import QComboBox, QFormLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from anystar.errors import InputError
from anystar.napari.layers import layer_volume, voxel_size_of
from anystar.napari.segmentation import Segmentation, attach
from anystar.napari.segmenting import Request, segment
from anystar.napari.worker import Run

__all__ = ["SegmentPanel"]


class SegmentPanel(QWidget):
    """Segments an image layer of a viewer and adds a layer of labels."""

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self.viewer = napari_viewer
        self.run: Run | None = None
        self.image = QComboBox()
        self.voxel_size = QLabel()
        self.segment_button = QPushButton("Segment")
        self.cancel_button = QPushButton("Cancel")
        self.progress = QProgressBar()
        self.message = QLabel()
        self.message.setWordWrap(True)
        form = QFormLayout()
        form.addRow("Image", self.image)
        form.addRow("Voxel size", self.voxel_size)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        for widget in (self.segment_button, self.cancel_button, self.progress, self.message):
            layout.addWidget(widget)
        layout.addStretch()
        self.image.currentIndexChanged.connect(self.check)
        self.segment_button.clicked.connect(self.segment)
        self.cancel_button.clicked.connect(self.cancel)
        self.viewer.layers.events.inserted.connect(self.list_layers)
        self.viewer.layers.events.removed.connect(self.list_layers)
        self.list_layers()

    def list_layers(self, event: Any = None) -> None:
        """Offer the image layers of the viewer."""
        chosen = self.image.currentText()
        self.image.blockSignals(True)
        self.image.clear()
        self.image.addItems([layer.name for layer in self.viewer.layers if isinstance(layer, Image)])
        self.image.setCurrentIndex(max(0, self.image.findText(chosen)))
        self.image.blockSignals(False)
        self.check()

    @property
    def layer(self) -> Any:
        """The image layer that is chosen."""
        return next((layer for layer in self.viewer.layers if layer.name == self.image.currentText()), None)

    def check(self) -> None:
        """Say what is wrong with the choice, if anything."""
        try:
            layer_volume(self.layer)
            self.voxel_size.setText(voxel_size_of(self.layer).origin)
            self.message.setText("")
        except InputError as error:
            self.message.setText(str(error))
        self.segment_button.setEnabled(not self.message.text() and self.run is None)
        self.cancel_button.setEnabled(self.run is not None)

    def segment(self) -> None:
        """Segment the chosen layer in a thread."""
        source = layer_volume(self.layer, self.viewer.dims.point)
        request = Request(source=source, size=voxel_size_of(self.layer).size)
        self.run = Run(f"Segment {source.name}", lambda progress: segment(request, progress))
        self.run.finished.connect(self.show_result)
        self.run.failed.connect(self.message.setText)
        self.run.ended.connect(self._ended)
        self.run.start()
        self.check()

    def cancel(self) -> None:
        """Stop the run."""
        if self.run is not None:
            self.run.cancel()

    def _ended(self) -> None:
        self.run = None
        self.check()

    def show_result(self, found: Segmentation) -> None:
        """Add a layer with the labels."""
        layer = self.viewer.add_labels(
            found.place.to_layer(found.result.labels),
            name=f"{found.source.name} objects",
            features=found.result.table().to_pandas(),
            **found.place.kwargs(),
        )
        attach(layer, found)
