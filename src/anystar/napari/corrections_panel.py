"""The panel in which a segmentation is corrected."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from napari.layers import Image, Labels
from napari.viewer import Viewer
from qtpy.QtWidgets import QFileDialog
from superqt.utils import signals_blocked

from anystar.arrays import Volume
from anystar.box import triple
from anystar.correction import NothingFound, Proposals, find_unsaved, run_around
from anystar.errors import InputError, user_message
from anystar.napari import segmenting
from anystar.napari.correcting import correct, in_memory
from anystar.napari.corrections import LayerCorrections, Mode
from anystar.napari.corrections_form import CorrectionsForm
from anystar.napari.layers import layer_volume, voxel_size_of
from anystar.napari.segmentation import segmentation_of
from anystar.napari.worker import Run, cancel_with
from anystar.runtime.progress import Progress

__all__ = ["CorrectionsPanel"]

Point = tuple[float, float, float]


class CorrectionsPanel(CorrectionsForm):
    """Clicks and strokes on a labels layer become edits that can be undone and are kept on the disk."""

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self.viewer = napari_viewer
        self.edited: LayerCorrections | None = None
        self.mode = Mode.LOOK
        self.run: Run | None = None
        self._connect()
        cancel_with(self)
        self.viewer.layers.events.inserted.connect(self.list_layers)
        self.viewer.layers.events.removed.connect(self.list_layers)
        self.list_layers()

    def _connect(self) -> None:
        self.labels.currentIndexChanged.connect(self._choose)
        actions = {
            self.start_button: self.start,
            self.restore_button: self.restore,
            self.dismiss_button: self.offer.hide,
            self.new_button: self.new_object,
            self.fit_button: partial(self.edit, LayerCorrections.refit),
            self.undo_button: partial(self.edit, LayerCorrections.undo),
            self.redo_button: partial(self.edit, LayerCorrections.redo),
            self.view_button: partial(self.edit, self.confirm_view),
            self.all_button: partial(self.edit, LayerCorrections.confirm_all),
            self.choose_button: self.choose_path,
            self.measure_button: partial(self.edit, LayerCorrections.measure),
            self.save_button: partial(self.edit, self.save),
        } | {button: partial(self.set_mode, mode) for mode, button in self.buttons.items()}
        for button, action in actions.items():
            button.clicked.connect(action)  # no lambda: a cycle would be collected in any thread

    def list_layers(self, event: Any = None) -> None:
        """Offer the labels layers of the viewer; a correction ends with its layer."""
        edited = self.edited
        if edited is not None and edited.layer not in self.viewer.layers:
            self.stop()
            edited.close()
        chosen = self.labels.currentText() if self.edited is None else self.edited.layer.name
        with signals_blocked(self.labels):
            self.labels.clear()
            self.labels.addItems([layer.name for layer in self.viewer.layers if isinstance(layer, Labels)])
            self.labels.setCurrentIndex(max(0, self.labels.findText(chosen)))
        self._choose()

    @property
    def layer(self) -> Any:
        """The labels layer that is chosen."""
        name = self.labels.currentText()
        return next((x for x in self.viewer.layers if isinstance(x, Labels) and x.name == name), None)

    def _choose(self) -> None:
        if self.edited is not None and self.edited.layer is not self.layer:
            self.stop()
        self.update_state()
        if self.layer is None:
            self._say("there is no labels layer; segment an image first")

    def start(self) -> None:
        """Begin to correct the chosen layer."""
        layer = self.layer
        try:
            layer = self._in_memory(layer)
            image = self._image_of(layer)
            source = (layer if image is None else image).source.path
            known, volume = segmentation_of(layer), None
            if image is not None and (known is None or known.result is None):
                volume = layer_volume(image).volume(voxel_size_of(image).size)
            self.edited = correct(layer, image=volume, path=None if source is None else Path(source))
        except InputError as error:
            self._say(str(error))
            return
        layer.mouse_drag_callbacks.append(self._clicked)
        layer.events.paint.connect(self._painted)
        layer.events.name.connect(self.list_layers)
        for key, action in self._keys().items():
            layer.bind_key(key, action, overwrite=True)
        self.viewer.layers.selection.active = layer
        path = self.edited.image_path
        folder = Path.cwd() if path is None else path.parent
        stem = layer.name if path is None else path.name.split(".")[0]
        self.path.setText(str(folder / f"{stem}_labels.ome.tif"))
        if found := find_unsaved(self.edited.key):
            self.offer_text.setText(f"There are {found[0].text}.")
            self.offer.show()
        self.set_mode(Mode.ADD)

    def _in_memory(self, layer: Any) -> Any:
        """Return a layer that can be edited; a new one replaces labels of several resolutions in the view."""
        own = None if layer is None else in_memory(layer)
        if own is not None and own is not layer:
            self.viewer.add_layer(own)
            self.labels.setCurrentText(own.name)
            layer.visible = False
        return own

    def stop(self) -> None:
        """End the correction; the edits stay on the disk until they are saved."""
        if self.edited is None:
            return
        layer = self.edited.layer
        if self._clicked in layer.mouse_drag_callbacks:
            layer.mouse_drag_callbacks.remove(self._clicked)
        layer.events.paint.disconnect(self._painted)
        layer.events.name.disconnect(self.list_layers)
        for key in self._keys():
            layer.bind_key(key, None, overwrite=True)
        self.edited.release()
        self.edited = None
        self.offer.hide()

    def _image_of(self, layer: Any) -> Any:
        """Return the image layer that was segmented, or else one on the grid of the labels; None without."""
        found = segmentation_of(layer)
        images = [x for x in self.viewer.layers if isinstance(x, Image)]
        if found is not None:
            return next((x for x in images if x.name == found.source.name), None)
        shape = tuple(layer.data.shape)
        return next((x for x in images if not x.rgb and tuple(x.data.shape) == shape), None)

    def _keys(self) -> dict[str, Callable[[Any], None]]:
        """Return what each key does; napari calls it with the layer."""
        return {mode.value.key: partial(self.set_mode, mode) for mode in Mode} | {
            "n": self.new_object,
            "f": partial(self.edit, LayerCorrections.refit),
            "Control-Z": partial(self.edit, LayerCorrections.undo),
            "Control-Shift-Z": partial(self.edit, LayerCorrections.redo),
        }

    def set_mode(self, mode: Mode, *_: object) -> None:
        """Choose what a click does."""
        self.mode = mode
        if self.edited is not None:
            self.edited.pending = []
            self.edited.layer.mode = "paint" if mode is Mode.PAINT else "pan_zoom"
            known = self.edited.layer.selected_label in self.edited.corrections.rows
            if mode is Mode.PAINT and not known:
                self.edited.new_object()
        self.update_state()

    def _clicked(self, layer: Any, event: Any) -> Iterator[None]:
        """Distinguish a click from a drag, which moves the camera."""
        moved = 0
        yield
        while event.type == "mouse_move":
            moved += 1
            yield
        if moved <= 2 and self.mode not in (Mode.LOOK, Mode.PAINT):
            self.click(event)

    def click(self, event: Any) -> None:
        """Carry out the mode where the mouse was clicked."""
        edited = self.edited
        if edited is None:
            return
        label = None
        if self.viewer.dims.ndisplay == 3:
            if self.mode in (Mode.ADD, Mode.SPLIT):
                self._say("this needs a point in a plane; switch to 2D with Ctrl+Y")
                return
            label = edited.layer.get_value(
                event.position,
                view_direction=event.view_direction,
                dims_displayed=list(event.dims_displayed),
                world=True,
            )
            label = int(label or 0)
        self.edit(partial(self._click_at, position=event.position, label=label))

    def _click_at(self, edited: LayerCorrections, *, position: Any, label: int | None) -> str:
        point = edited.voxel(position)
        try:
            return edited.click(self.mode, point, label=label)
        except NothingFound:
            if edited.corrections.image is None or self.run is not None:
                raise
        return self._look_around(edited, edited.corrections.image, point)

    def _look_around(self, edited: LayerCorrections, image: Volume, point: Point) -> str:
        """Run the model around a point where no candidate was kept."""
        known = edited.segmentation
        name, device = (None, "auto") if known is None else (known.model, known.device)
        voxel = triple(int(p + 0.5) for p in point)

        def work(progress: Progress) -> Proposals:
            progress(0, 0, "looking around the point")
            model, size = segmenting.load_model(name, device), edited.corrections.voxel_size
            return run_around(model, image.data, size, diameter=edited.diameter)(voxel)

        self.run = Run("Look around the point", work)
        self.run.finished.connect(partial(self._add_found, edited, point))
        self.run.failed.connect(self._say)
        self.run.ended.connect(self._run_ended)
        self.run.start()
        return "looking around the point with the model …"

    def _add_found(self, edited: LayerCorrections, point: Point, found: Proposals) -> None:
        self._try(lambda: edited.click(Mode.ADD, point, propose=lambda _: found))

    def _run_ended(self) -> None:
        self.run = None
        self.update_state()

    def _painted(self, event: Any) -> None:
        self.edit(lambda edited: edited.stroke(event.value))

    def new_object(self, *_: object) -> None:
        """Paint a new object."""
        if self.edited is not None:
            self.set_mode(Mode.PAINT)
            self._say(f"paint object {self.edited.new_object()}; f fits a body to the sketch")

    def confirm_view(self, edited: LayerCorrections) -> str:
        """Confirm what the canvas shows, in all planes."""
        corners = edited.layer.corner_pixels
        low, high = ([float(corners[end, axis]) for axis in edited.place.axes] for end in (0, 1))
        for position, axis in enumerate(edited.place.axes):
            if axis in self.viewer.dims.not_displayed:
                low[position], high[position] = 0.0, float(edited.layer.data.shape[axis] - 1)
        return edited.confirm_box(low, high)

    def restore(self) -> None:
        """Go on with edits of an earlier time."""
        self.offer.hide()
        if self.edited is not None and (found := find_unsaved(self.edited.key)):
            self.edit(lambda edited: edited.restore(found[0]))

    def choose_path(self) -> None:
        """Choose the file of the labels in a dialog."""
        name, _ = QFileDialog.getSaveFileName(self, "Save corrected labels", self.path.text())
        if name:
            self.path.setText(name)
            self.replace.setChecked(Path(name).exists())  # the dialog has confirmed it

    def save(self, edited: LayerCorrections) -> str:
        """Write labels, table, overview image and provenance."""
        try:
            return edited.save(Path(self.path.text()), overwrite=self.replace.isChecked())
        except (InputError, OSError) as error:
            text = user_message(error) or str(error)
            return text.replace("add overwrite=True", "tick Replace")

    def edit(self, action: Callable[[LayerCorrections], str], *_: object) -> None:
        """Do something with the corrections, if they have begun, and show what it was."""
        edited = self.edited
        if edited is not None:
            self._try(lambda: action(edited))

    def _try(self, action: Callable[[], str]) -> None:
        try:
            self._say(action())
        except InputError as error:
            self._say(str(error))
        self.update_state()

    def _say(self, text: str) -> None:
        if text:
            self.message.setText(text)

    def update_state(self) -> None:
        """Show what holds now."""
        edited = self.edited
        self.start_button.setVisible(edited is None)
        self.start_button.setEnabled(self.layer is not None)
        self.tools.setVisible(edited is not None)
        for mode, button in self.buttons.items():
            button.setChecked(mode is self.mode)
        self.help.setText(self.mode.value.help)
        self.painting.setVisible(self.mode is Mode.PAINT)
        if edited is not None:
            self.undo_button.setEnabled(edited.corrections.can_undo)
            self.redo_button.setEnabled(edited.corrections.can_redo)
            self.summary.setText(edited.summary)
            self.kept.setText(edited.kept)
            self.kept.setStyleSheet(f"color: {'#ff8a65' if edited.at_risk else 'gray'}")

    def enterEvent(self, event: Any) -> None:
        """Bring the list up to date when the mouse comes in: layers may have other names."""
        self.list_layers()
        super().enterEvent(event)

    def closeEvent(self, event: Any) -> None:
        """Leave the layer as it is; edits stay on the disk until they are saved."""
        edited = self.edited
        if self.run is not None:
            self.run.cancel()
        self.stop()
        if edited is not None:
            edited.close()
        self.viewer.layers.events.inserted.disconnect(self.list_layers)
        self.viewer.layers.events.removed.disconnect(self.list_layers)
        super().closeEvent(event)
