"""The panel that segments an image layer, and adjusts what was found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from napari.viewer import Viewer

from anystar.arrays import VoxelSize
from anystar.errors import InputError
from anystar.napari.boxes import box_around
from anystar.napari.circle import CircleTool
from anystar.napari.layers import HEADER, LayerVolume, features_of
from anystar.napari.measures import drawn_diameter
from anystar.napari.results_view import camera_of
from anystar.napari.segment_form import SegmentForm
from anystar.napari.segmentation import Segmentation, attach, segmentation_of
from anystar.napari.segmenting import Request, segment
from anystar.napari.worker import Run

__all__ = ["SegmentPanel"]


class SegmentPanel(SegmentForm):
    """Segments an image layer of a viewer and adds a layer of labels."""

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__(napari_viewer)
        self.viewer = napari_viewer
        self.run: Run | None = None
        self._of: Any = None  # the layer that is segmented
        self._request: Any = None  # what is segmented
        self._diameters: dict[str, float] = {}  # found by the last run of each image, in shortest edges
        self.circle = CircleTool(napari_viewer)
        self._connect()
        self.check()

    def _connect(self) -> None:
        self.form.changed.connect(self.check)
        self.form.drawing.connect(self._draw_circle)
        self.circle.drawn.connect(self._take_circle)
        self.try_button.clicked.connect(self.try_here)
        self.segment_button.clicked.connect(self.segment)
        self.cancel_button.clicked.connect(self.cancel)
        self.results.complained.connect(self.complain)
        self._forget_layer = self._forget  # one object, to disconnect it
        self.viewer.layers.events.removed.connect(self._forget_layer)
        self.destroyed.connect(_Close(self))

    # What is chosen

    def check(self) -> None:
        """Say what is wrong with the fields, if anything."""
        self.form.describe()
        wrong = ""
        try:
            self.form.source()
            self.form.size()
        except InputError as error:
            wrong = str(error)
        self.complain(wrong)
        for button in (self.try_button, self.segment_button):
            button.setEnabled(not wrong and self.run is None)

    def _draw_circle(self, begin: bool) -> None:
        try:
            if begin:
                self.circle.start(self.form.source())
            else:
                self.circle.stop()
        except InputError as error:
            self.complain(str(error))
            self.form.draw.setChecked(False)

    def _take_circle(self, corners: np.ndarray) -> None:
        axes, size = self.form.source().place.axes, self.form.size().size
        self.form.diameter.setValue(drawn_diameter(corners, axes, size))
        self.form.draw.setChecked(False)

    # Runs

    def segment(self) -> None:
        """Segment the whole image in a thread."""
        self._start(try_it=False)

    def try_here(self, point: Any = None) -> None:
        """Segment a box in the middle of the view, or around a point of the world, in a thread."""
        self._start(try_it=True, point=None if isinstance(point, bool) else point)

    def _start(self, *, try_it: bool, point: Any = None) -> None:
        if self.run is not None:
            return
        try:
            source, size = self.form.source(), self.form.size().size
        except InputError as error:
            self.complain(str(error))
            return
        diameter = self.form.diameter.value() or None
        box = None
        if try_it:
            box = self._box(source, size, diameter, self._middle() if point is None else point)
            diameter = diameter or self._found_diameter(source, size)
        request = Request(
            source=source,
            size=size,
            box=box,
            diameter=diameter,
            model=self.form.model_name,
            device=self.form.device.currentText(),
        )
        self._request = request
        layer = self.form.layer
        work: Any = segment
        if not try_it and self._large(source):
            from anystar.napari.large import output_beside, segment_large

            try:
                output = output_beside(layer.source.path, source.name)
            except InputError as error:
                self.complain(str(error))
                return

            def work(request: Request, progress: Any) -> Any:
                return segment_large(request, output, progress)

        self._of = layer
        title = f"{'Trying' if try_it else 'Segmenting'} {source.name}"
        self.run = Run(title, lambda progress: work(request, progress))
        self.run.progressed.connect(self.draw_progress)
        self.run.finished.connect(self._display)
        self.run.failed.connect(self.complain)
        self.run.cancelled.connect(self._report_cancelled)
        self.run.ended.connect(self._ended)
        self.inform("")
        self.progress.setRange(0, 0)
        self.show_running(True)
        self.run.start()

    def _large(self, source: LayerVolume) -> bool:
        """Return whether the volume must be segmented in blocks."""
        from anystar.napari.large import needs_blocks

        return needs_blocks(source)

    def _middle(self) -> np.ndarray:
        """Return the middle of the view, in the world."""
        dims = self.viewer.dims
        point = np.array(dims.point, float)
        displayed = list(dims.displayed)
        point[displayed] = np.array(camera_of(self.viewer).center)[-len(displayed) :]
        return point

    def _box(self, source: LayerVolume, size: VoxelSize | None, diameter: float | None, point: Any) -> Any:
        aspect = (1.0, 1.0, 1.0) if size is None else size.aspect
        in_edges = self._diameters.get(source.name)
        if diameter is not None:
            in_edges = diameter / min((1.0, 1.0, 1.0) if size is None else size.lengths.spacing)
        at = np.array(self.form.layer.world_to_data(point))[list(source.place.axes)]
        return box_around(list(at), source.shape, aspect=aspect, diameter=in_edges)

    def _found_diameter(self, source: LayerVolume, size: VoxelSize | None) -> float | None:
        """Return the diameter of the last run of an image, in the unit of the field; None if not known."""
        found = self._diameters.get(source.name)
        return None if found is None or size is None else found * min(size.lengths.spacing)

    def cancel(self) -> None:
        """Stop the run."""
        if self.run is not None:
            self.run.cancel()
            self.inform("cancelling …")

    def _report_cancelled(self) -> None:
        self.inform("cancelled")

    def _ended(self) -> None:
        text, self.run, self._of = self.message.text(), None, None
        self.show_running(False)
        self.check()
        if text and not self.message.text():
            self.inform(text)

    # Results

    def _display(self, found: Segmentation | Path) -> None:
        """Add a layer with the labels, or replace those of the last try."""
        if isinstance(found, Path):
            self._display_store(found)
            return
        assert found.live is not None
        assert found.result is not None
        if found.result.diameter_vox:
            self._diameters[found.source.name] = found.result.diameter_vox
        kind = "objects" if found.whole else "try"
        name = f"{found.source.name} {kind}"
        labels = found.live.canvas.labels
        for layer in list(self.viewer.layers):
            before = segmentation_of(layer)
            if before is not None and layer.name == f"{found.source.name} try" and not before.corrected:
                self.viewer.layers.remove(layer)
        layer = self.viewer.add_labels(
            found.place.to_layer(labels),
            name=name,
            features=features_of(found.live.canvas.table),
            metadata={HEADER: found.source.header} if found.whole and found.source.header else {},
            **found.place.kwargs(),
        )
        attach(layer, found)
        self.results.follow(layer)
        self.inform("\n".join(map(str, found.result.notes)))

    def _display_store(self, output: Path) -> None:
        """Add the labels of a store, which are read as they are displayed."""
        from anystar.napari.large import layers_of

        source = self._request.source
        data, kwargs, live = layers_of(output, source)
        layer = self.viewer.add_labels(data, name=output.stem, **kwargs)
        made = Segmentation(
            result=None,
            place=source.place,
            source=source,
            live=live,
            model=self._request.model,
            device=self._request.device,
        )
        attach(layer, made)
        self.results.follow(layer)
        self.inform(
            f"wrote {output}, of all objects, and their table beside it; the sliders leave some out of the "
            "layer, which File > Save writes. A lower probability takes another run."
        )

    # Ends

    def _forget(self, event: Any) -> None:
        """A layer was removed."""
        self._diameters.pop(event.value.name, None)  # another image may get its name
        if event.value is self._of or event.value == self._of:
            self.cancel()
        if event.value == self.circle.layer:
            self.circle.layer = None
            self.form.draw.setChecked(False)

    def closeEvent(self, event: Any) -> None:
        """Stop what runs when the panel closes, as Qt calls it."""
        self.shut_down()
        super().closeEvent(event)

    def shut_down(self) -> None:
        """Stop what runs, and stop listening to the viewer; Qt may have destroyed the panel already."""
        _Close(self)()


class _Close:
    """Ends what a panel does, also once Qt has destroyed it, when its widgets can no longer be used."""

    def __init__(self, panel: SegmentPanel) -> None:
        self._panel = panel.__dict__

    def __call__(self, *_: object) -> None:
        if self._panel.get("run") is not None:
            self._panel["run"].cancel()
        if self._panel.get("closed"):
            return
        self._panel["closed"] = True
        for part in (self._panel["form"], self._panel["results"]):
            part.disconnect_viewer()
        self._panel["viewer"].layers.events.removed.disconnect(self._panel["_forget_layer"])
