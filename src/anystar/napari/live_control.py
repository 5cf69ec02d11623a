"""From the sliders to the labels layer: at once what is known, and the exact result soon after."""

from __future__ import annotations

import contextlib
from typing import Any

from qtpy.QtCore import QObject, QTimer, Signal

from anystar.napari.filters_form import FiltersForm
from anystar.napari.layers import features_of
from anystar.napari.segmentation import Segmentation, segmentation_of
from anystar.napari.worker import Run

__all__ = ["LiveControl"]

_REST = 250
"""Milliseconds without a change of the sliders after which tables and exact results are made."""
_MANY = 500_000
"""Number of candidates above which the lowest threshold is drawn only when it is needed."""


class LiveControl(QObject):
    """Follows the sliders of a form, for the labels layer that is chosen."""

    rested = Signal()
    """The displayed objects and their table changed, and do not change further by themselves."""

    def __init__(self, form: FiltersForm) -> None:
        super().__init__()
        self.form = form
        self.layer: Any = None
        self._edges: Any = None
        self._runs: list[Run] = []
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_REST)
        self._timer.timeout.connect(self._rest)
        form.changed.connect(self.update)
        form.setEnabled(False)

    @property
    def segmentation(self) -> Segmentation | None:
        """What the layer displays."""
        return segmentation_of(self.layer)

    @property
    def busy(self) -> bool:
        """Whether something is computed, or will be."""
        return bool(self._runs) or self._timer.isActive()

    def follow(self, layer: Any) -> None:
        """Take another labels layer; ``None`` for none."""
        self.stop()
        self.layer = layer
        found = self.segmentation
        live = None if found is None or found.corrected else found.live
        self.form.setEnabled(live is not None)
        if found is None or live is None:
            self.form.volume.display(None, "")
            self.form.count.setText("no objects yet" if found is None else "corrected: the sliders are fixed")
            return
        floor = found.result.candidates.floor if found.result is not None else live.exact.prob_thresh
        self.form.start(floor=floor, threshold=live.prob_thresh, filters=live.filters)
        self._new_edges()
        self._draw_counts()
        if live.lowest is None and found.result is not None and len(found.result.candidates) <= _MANY:
            self._draw_lowest()

    def stop(self) -> None:
        """Stop whatever is computed for the layer."""
        with contextlib.suppress(RuntimeError):  # Qt destroys the timer first when the program ends
            self._timer.stop()
        for run in self._runs:
            run.cancel()
        self.layer = None

    def update(self) -> None:
        """Display what the sliders say, and make it exact when they rest."""
        found = self.segmentation
        if found is not None and found.corrected:
            self.follow(self.layer)
        if found is None or found.live is None or found.corrected:
            return
        threshold = self.form.threshold.value()
        if abs(threshold - found.live.exact.prob_thresh) < 0.005:  # the slider's steps are coarser
            threshold = found.live.exact.prob_thresh
        before = found.live.canvas.drawing
        found.live.update(threshold, self.form.filters())
        if found.live.canvas.drawing is not before:
            self._new_edges()
        self._draw_counts()
        self._draw_labels()
        self._timer.start()

    def _draw_labels(self) -> None:
        """Draw the visible slice anew; its extent stays, and the thumbnail can wait until they rest."""
        self.layer.refresh(extent=False, thumbnail=False, highlight=False)

    def _new_edges(self) -> None:
        from anystar.napari.live import size_edges

        found = self.segmentation
        if found is not None and found.live is not None:
            self._edges = size_edges(found.live.canvas.drawing.sizes)

    def _draw_counts(self) -> None:
        from anystar.napari.live import histogram

        found = self.segmentation
        if found is None or found.live is None:
            return
        canvas = found.live.canvas
        self.form.volume.display(
            histogram(canvas.drawing.sizes, canvas.kept, self._edges), canvas.drawing.size_unit
        )
        self.form.display_count(canvas.kept, exact=found.live.is_exact)

    def _rest(self) -> None:
        """Make the exact result if it is not displayed yet; then the features."""
        found = self.segmentation
        if found is None or found.live is None or found.corrected:
            return
        if not found.live.is_exact:
            self._make_exact(found, found.live.prob_thresh)
            return
        result = found.live.result()
        if result is not None:
            found.result = result
        self.layer.features = features_of(found.live.canvas.table)
        self.layer.refresh(data_displayed=False, extent=False, highlight=False)  # the thumbnail
        self.rested.emit()

    def _make_exact(self, found: Segmentation, threshold: float) -> None:
        from anystar.napari.live import draw

        for run in self._runs:
            run.cancel()
        before = found.live.exact.result if found.live is not None else None
        assert before is not None

        def work(progress: Any) -> Any:
            thresholded = before.rethreshold(threshold)
            progress(1, 2, "measuring")
            return draw(thresholded)

        def take(drawing: Any) -> None:
            if found.live is None or self.segmentation is not found or found.corrected:
                return
            if found.live.prob_thresh == drawing.prob_thresh:
                found.live.replace(drawing)
                self._new_edges()
                self._draw_counts()
                self._draw_labels()
                self._rest()

        self._start(work, take)

    def _draw_lowest(self) -> None:
        """Draw the objects of the lowest threshold in the background: previews come from them."""
        from anystar.napari.live import draw

        found = self.segmentation
        assert found is not None
        result = found.result
        assert result is not None

        def work(progress: Any) -> Any:
            lowest = result.rethreshold(result.candidates.floor)
            progress(1, 2, "measuring")
            return draw(lowest)

        def take(drawing: Any) -> None:
            if found.live is not None:
                found.live.lowest = drawing

        self._start(work, take)

    def _start(self, work: Any, take: Any) -> None:
        run = Run("", work)
        run.finished.connect(take)
        run.ended.connect(lambda: self._runs.remove(run))
        self._runs.append(run)
        run.start()
