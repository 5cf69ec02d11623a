"""The fields that say what to segment, and with what."""

from __future__ import annotations

import contextlib
from importlib import resources
from pathlib import Path
from typing import Any

from napari.layers import Image
from psygnal.containers import EventedList
from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QToolButton,
    QWidget,
)
from superqt.utils import signals_blocked

from anystar.arrays import VoxelSize
from anystar.box import triple
from anystar.errors import InputError
from anystar.napari.layers import LayerVolume, LayerVoxelSize, layer_volume, voxel_size_of
from anystar.napari.widgets import button, message, row

__all__ = ["MODELS", "ImageForm"]

MODELS: EventedList[Path] = EventedList()
"""Files of models that were learnt from corrections since napari began; every form offers them."""
_DEFAULT, _FILE = "default", "from a file…"
_THINNEST = 4
_ALL = (
    "Edges of a voxel along Z, Y, X in µm. From the scale and the units of the layer; enter what is wrong.\n"
    "Without them, the distance between planes is estimated."
)


class ImageForm(QWidget):
    """Image layer, voxel size, diameter, model and device."""

    changed = Signal()
    drawing = Signal(bool)
    """Whether a circle is to be drawn on the canvas."""

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self.viewer = viewer
        self._entered = False
        self.image = QComboBox()
        self.image.setToolTip("The image layer to segment: a 3D stack, possibly with time and channels")
        self.voxel = [_length(3) for _ in "ZYX"]
        self.reset = QToolButton()
        self.reset.setText("↺")
        self.reset.setToolTip("Take the voxel size of the layer again")
        self.origin, self.where = message(), message()
        self.diameter = _length(2, "automatic")
        self.diameter.setToolTip("Typical diameter of the objects; 0 to estimate it from the image")
        self.draw = button("Draw", "Draw a circle around a typical object on the canvas")
        self.draw.setCheckable(True)
        self.model, self.device = QComboBox(), QComboBox()
        bundled = Path(str(resources.files("anystar") / "models")).glob("*.safetensors")
        self.model.addItems([_DEFAULT, *sorted(path.stem for path in bundled), _FILE])
        self.model.setToolTip("Which network finds the objects; the default suits any image")
        for path in MODELS:
            self.offer_model(path, choose=False)
        MODELS.events.inserted.connect(self._offer_learnt)
        self.device.addItems(["auto", "cpu", "cuda", "mps"])
        self.device.setToolTip("Where the network runs: auto takes a graphics card if there is one")
        for box in (self.image, self.model, self.device):  # long names must not widen the panel
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(8)
        self._lay_out()
        self._connect()
        self.list_layers()

    def _lay_out(self) -> None:
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("Image", self.image)
        voxel = row(*self.voxel, self.reset)
        voxel.setToolTip(_ALL)
        form.addRow("Voxel size", voxel)
        form.addRow("", self.origin)
        form.addRow("", self.where)
        form.addRow("Diameter", row(self.diameter, self.draw))
        form.addRow("Model", self.model)
        form.addRow("Device", self.device)

    def _connect(self) -> None:
        self.image.currentIndexChanged.connect(self.take_layer)
        for field in self.voxel:
            field.valueChanged.connect(self._enter)
        self.reset.clicked.connect(self.take_layer)
        self.diameter.valueChanged.connect(self.changed)
        self.draw.toggled.connect(self.drawing)
        self.model.activated.connect(self._choose_model)
        for event in self._list_events():
            event.connect(self.list_layers)
        self.viewer.dims.events.point.connect(self._follow_sliders)
        self._layer: Any = None

    def _list_events(self) -> tuple[Any, ...]:
        layers = self.viewer.layers.events
        return layers.inserted, layers.removed, layers.reordered

    def disconnect_viewer(self) -> None:
        """Stop listening to the viewer, and to models that are learnt."""
        for event in self._list_events():
            event.disconnect(self.list_layers)
        self.viewer.dims.events.point.disconnect(self._follow_sliders)
        MODELS.events.inserted.disconnect(self._offer_learnt)
        self._listen(None)

    @property
    def layer(self) -> Any:
        """The image layer that is chosen, if there is one."""
        return next((layer for layer in self.viewer.layers if layer.name == self.image.currentText()), None)

    def list_layers(self, event: Any = None) -> None:
        """Offer the image layers of the viewer; the chosen one stays, else the last one is taken."""
        names = [layer.name for layer in self.viewer.layers if isinstance(layer, Image)]
        before = self.image.currentText()
        with signals_blocked(self.image):
            self.image.clear()
            self.image.addItems(names)
            self.image.setCurrentText(before if before in names else (names or [""])[-1])
        if self.image.currentText() != before or not names or self._layer is None:
            self.take_layer()
        self.changed.emit()

    def take_layer(self, *_: object) -> None:
        """Fill in what the layer says of itself."""
        self._listen(self.layer)
        self._entered = False
        size = None
        with contextlib.suppress(InputError, AttributeError):  # there is no layer
            size = self.size().size
        for field, edge in zip(self.voxel, (0.0, 0.0, 0.0) if size is None else size.spacing, strict=True):
            with signals_blocked(field):
                field.setValue(edge)
        self.changed.emit()

    def _listen(self, layer: Any) -> None:
        """Follow the scale and the units of a layer."""
        for old, connect in ((self._layer, False), (layer, True)):
            if old is None:
                continue
            for event in (old.events.scale, old.events.units, old.events.affine, old.events.name):
                (event.connect if connect else event.disconnect)(self._layer_changed)
        self._layer = layer

    def _layer_changed(self, event: Any) -> None:
        if event.type == "name":
            self.list_layers()
        elif not self._entered:
            self.take_layer()

    def _enter(self) -> None:
        self._entered = True
        self.changed.emit()

    def _follow_sliders(self, event: Any = None) -> None:
        self.changed.emit()

    def source(self) -> LayerVolume:
        """Return the volume that is chosen; ``InputError`` if there is none."""
        found = layer_volume(self.layer, self.viewer.dims.point)
        if min(found.shape) < _THINNEST:
            shape = " x ".join(map(str, found.shape))
            raise InputError(
                f"{found.name} has {shape} voxels; choose an image with at least {_THINNEST} along every axis"
            )
        return found

    def size(self) -> LayerVoxelSize:
        """Return the voxel size that is entered, or that of the layer; ``InputError`` if it is none."""
        edges = triple(field.value() for field in self.voxel)
        if not self._entered:
            return voxel_size_of(self.layer)
        if not any(edges):
            return LayerVoxelSize(None, "not known: estimated")
        if not all(edges):
            raise InputError("the voxel size has an edge of 0; enter all three, or 0 0 0 to estimate them")
        size = VoxelSize(edges)
        _ = size.aspect  # refuses what no microscope makes
        return LayerVoxelSize(size, "entered, in µm")

    def describe(self) -> None:
        """Display the unit, where the voxel size comes from, and the chosen time point and channel."""
        size, origin, chosen = None, "", []
        with contextlib.suppress(InputError, AttributeError):  # there is no layer, or none of a volume
            stated = self.size()
            size = stated.size
            place = self.source().place
            origin = stated.origin
            for axis in place.others:
                name = place.transform["axis_labels"][axis]
                chosen.append(f"{_AXES.get(name.lower(), name)} {place.index[axis]}")
        self.diameter.setSuffix(" µm" if size is not None and size.unit == "um" else " voxels")
        self.origin.setText(origin)
        self.where.setText(f"{', '.join(chosen)} (as the sliders stand)")
        self.where.setVisible(bool(chosen))

    @property
    def model_name(self) -> str | None:
        """Name or path of the model; None for the default."""
        path = self.model.currentData()
        if path:
            return str(path)
        return None if self.model.currentText() in (_DEFAULT, _FILE) else self.model.currentText()

    def offer_model(self, path: str | Path, *, choose: bool = True) -> None:
        """Add a model file to the list, and choose it."""
        self.model.insertItem(self.model.count() - 1, Path(path).stem, str(path))
        if choose:
            self.model.setCurrentIndex(self.model.count() - 2)

    def _offer_learnt(self, index: int, path: Path) -> None:
        self.offer_model(path)

    def _choose_model(self) -> None:
        if self.model.currentText() != _FILE:
            return
        path, _ = QFileDialog.getOpenFileName(self, "Model file", "", "Models (*.safetensors)")
        self.model.setCurrentIndex(0)
        if path:
            self.offer_model(path)


_AXES = {"t": "time point", "time": "time point", "c": "channel", "channel": "channel"}


def _length(decimals: int, empty: str = "?") -> QDoubleSpinBox:
    field = QDoubleSpinBox()
    field.setDecimals(decimals)
    field.setRange(0.0, 1e6)
    field.setSpecialValueText(empty)
    field.setKeyboardTracking(False)
    field.setButtonSymbols(QDoubleSpinBox.ButtonSymbols.NoButtons)
    field.setMinimumWidth(48)
    return field
