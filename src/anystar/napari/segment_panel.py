"""The panel that segments an image layer, and adjusts what was found."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from napari.viewer import Viewer

from anystar.arrays import VoxelSize
from anystar.errors import InputError
from anystar.napari.boxes import box_around
from anystar.napari.circle import CircleTool
from anystar.napari.layers import HEADER, features_of
from anystar.napari.measures import drawn_diameter
from anystar.napari.results_view import camera_of
from anystar.napari.segment_form import SegmentForm
from anystar.napari.segmentation import Segmentation, attach, segmentation_of
from anystar.napari.segmenting import Request, segment
from anystar.napari.worker import Run
from anystar.runtime.progress import Progress

__all__ = ["SegmentPanel"]


class SegmentPanel(SegmentForm):
    """Segments an image layer of a viewer and adds a layer of labels."""

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__(napari_viewer)
        self.viewer = napari_viewer
        self.run: Run | None = None
        self._layer: Any = None  # the layer that is segmented
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
        self.destroyed.connect(partial(_close, self.__dict__))

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
            request = self._make_request(try_it, point)
            work = partial(segment, request) if try_it else self._work(request)
        except InputError as error:
            self.complain(str(error))
            return
        self._layer, self._request = self.form.layer, request
        self.run = Run(f"{'Trying' if try_it else 'Segmenting'} {request.source.name}", work)
        self.run.progressed.connect(self.draw_progress)
        self.run.finished.connect(self._display)
        self.run.failed.connect(self.complain)
        self.run.cancelled.connect(partial(self.inform, "cancelled"))
        self.run.ended.connect(self._ended)
        self.inform("")
        self.progress.setRange(0, 0)
        self.show_running(True)
        self.run.start()

    def _make_request(self, try_it: bool, point: Any) -> Request:
        """Return what is to be segmented: all of the layer, or a box around a point, or in the middle."""
        source, size = self.form.source(), self.form.size().size
        entered, found = self.form.diameter.value(), self._diameters.get(source.name)
        diameter, box = entered or None, None
        if try_it:
            edges = VoxelSize((1.0, 1.0, 1.0)) if size is None else size
            shortest = min(edges.lengths.spacing)
            world = self._middle() if point is None else point
            at = np.array(self.form.layer.world_to_data(world))[list(source.place.axes)]
            in_edges = entered / shortest if entered else found
            box = box_around(list(at), source.shape, aspect=edges.aspect, diameter=in_edges)
            if not entered and found is not None and size is not None:
                diameter = found * shortest
        return Request(
            source=source,
            size=size,
            box=box,
            diameter=diameter,
            model=self.form.model_name,
            device=self.form.device.currentText(),
        )

    def _work(self, request: Request) -> Callable[[Progress], Segmentation | Path]:
        """Return what segments a whole layer: in blocks if it does not fit into memory."""
        from anystar.napari.large import needs_blocks, output_beside, segment_large

        if not needs_blocks(request.source):
            return partial(segment, request)
        return partial(
            segment_large, request, output_beside(self.form.layer.source.path, request.source.name)
        )

    def _middle(self) -> np.ndarray:
        """Return the middle of the view, in the world."""
        dims = self.viewer.dims
        point = np.array(dims.point, float)
        displayed = list(dims.displayed)
        point[displayed] = np.array(camera_of(self.viewer).center)[-len(displayed) :]
        return point

    def cancel(self) -> None:
        """Stop the run."""
        if self.run is not None:
            self.run.cancel()
            self.inform("cancelling …")

    def _ended(self) -> None:
        text, self.run, self._layer = self.message.text(), None, None
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
        name = found.source.name
        if found.result.diameter_vox:
            self._diameters[name] = found.result.diameter_vox
        for layer in list(self.viewer.layers):
            before = segmentation_of(layer)
            if before is not None and layer.name == f"{name} try" and not before.corrected:
                self.viewer.layers.remove(layer)
        layer = self.viewer.add_labels(
            found.place.to_layer(found.live.canvas.labels),
            name=f"{name} {'objects' if found.whole else 'try'}",
            features=features_of(found.live.canvas.table),
            metadata={HEADER: found.source.header} if found.whole and found.source.header else {},
            **found.place.kwargs(),
        )
        self._follow(layer, found)
        self.inform("\n".join(map(str, found.result.notes)))

    def _display_store(self, output: Path) -> None:
        """Add the labels of a store, which are read as they are displayed."""
        from anystar.napari.large import layers_of

        source = self._request.source
        data, kwargs, live = layers_of(output, source)
        made = Segmentation(
            result=None,
            place=source.place,
            source=source,
            live=live,
            model=self._request.model,
            device=self._request.device,
        )
        self._follow(self.viewer.add_labels(data, name=output.stem, **kwargs), made)
        self.inform(
            f"wrote {output}, of all objects, and their table beside it; the sliders leave some out of the "
            "layer, which File > Save writes. A lower probability takes another run."
        )

    def _follow(self, layer: Any, found: Segmentation) -> None:
        attach(layer, found)
        self.results.follow(layer)

    # Ends

    def _forget(self, event: Any) -> None:
        """A layer was removed."""
        self._diameters.pop(event.value.name, None)  # another image may get its name
        if event.value == self._layer:
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
        _close(self.__dict__)


def _close(panel: dict[str, Any], *_: object) -> None:
    """End what a panel does, also once Qt has destroyed it, when its widgets can no longer be used."""
    if panel["run"] is not None:
        panel["run"].cancel()
    if panel.get("closed"):
        return
    panel["closed"] = True
    for part in (panel["form"], panel["results"]):
        part.disconnect_viewer()
    panel["viewer"].layers.events.removed.disconnect(panel["_forget_layer"])
