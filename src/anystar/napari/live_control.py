"""From the sliders to the labels layer: at once what is known, and the exact result soon after."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, QTimer, Signal

from anystar.napari.filters_form import FiltersForm
from anystar.napari.layers import features_of
from anystar.napari.segmentation import Segmentation, segmentation_of
from anystar.napari.worker import Run
from anystar.runtime.progress import Progress

if TYPE_CHECKING:
    from anystar.napari.live import Drawing, Live
    from anystar.predict.result import Result

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
    def live(self) -> Live | None:
        """What the sliders change; nothing of labels that were corrected."""
        found = self.segmentation
        return None if found is None or found.corrected else found.live

    @property
    def busy(self) -> bool:
        """Whether something is computed, or will be."""
        return bool(self._runs) or self._timer.isActive()

    def follow(self, layer: Any) -> None:
        """Take another labels layer; ``None`` for none."""
        self.stop()
        self.layer = layer
        found, live = self.segmentation, self.live
        self.form.setEnabled(live is not None)
        if found is None or live is None:
            self.form.volume.display(None, "")
            self.form.count.setText("no objects yet" if found is None else "corrected: the sliders are fixed")
            return
        candidates = None if found.result is None else found.result.candidates
        floor = live.exact.prob_thresh if candidates is None else candidates.floor
        self.form.start(floor=floor, threshold=live.prob_thresh, filters=live.filters)
        self._draw_counts(live, other=True)
        if live.lowest is None and candidates is not None and len(candidates) <= _MANY:
            self._draw_at(found.result, floor, lambda drawing: setattr(live, "lowest", drawing))

    def stop(self) -> None:
        """Stop whatever is computed for the layer."""
        with contextlib.suppress(RuntimeError):  # Qt destroys the timer first when the program ends
            self._timer.stop()
        for run in self._runs:
            run.cancel()
        self.layer = None

    def update(self) -> None:
        """Display what the sliders say, and make it exact when they rest."""
        live = self.live
        if live is None:
            if self.segmentation is not None:
                self.follow(self.layer)
            return
        threshold = self.form.threshold.value()
        if abs(threshold - live.exact.prob_thresh) < 0.005:  # the slider's steps are coarser
            threshold = live.exact.prob_thresh
        before = live.canvas.drawing
        live.update(threshold, self.form.filters())
        self._draw(live, other=live.canvas.drawing is not before)
        self._timer.start()

    def _draw(self, live: Live, *, other: bool) -> None:
        """Draw counts and labels, of another drawing than before or of the same one."""
        self._draw_counts(live, other=other)
        # Only the visible slice is drawn anew: the extent stays, and the thumbnail waits until they rest.
        self.layer.refresh(extent=False, thumbnail=False, highlight=False)

    def _draw_counts(self, live: Live, *, other: bool) -> None:
        from anystar.napari.live import histogram, size_edges

        drawing, kept = live.canvas.drawing, live.canvas.kept
        if other:
            self._edges = size_edges(drawing.sizes)
        self.form.volume.display(histogram(drawing.sizes, kept, self._edges), drawing.size_unit)
        self.form.display_count(kept, exact=live.is_exact)

    def _rest(self) -> None:
        """Make the exact result if it is not displayed yet; then the features."""
        found, live = self.segmentation, self.live
        if found is None or live is None:
            return
        if not live.is_exact:
            for run in self._runs:
                run.cancel()
            self._draw_at(live.exact.result, live.prob_thresh, lambda drawing: self._take(live, drawing))
            return
        found.result = live.result() or found.result
        self.layer.features = features_of(live.canvas.table)
        self.layer.refresh(data_displayed=False, extent=False, highlight=False)  # the thumbnail
        self.rested.emit()

    def _take(self, live: Live, exact: Drawing) -> None:
        """Display the exact result, unless the sliders, the layer or its labels have changed meanwhile."""
        if self.live is live and live.prob_thresh == exact.prob_thresh:
            live.replace(exact)
            self._draw(live, other=True)
            self._rest()

    def _draw_at(self, result: Result | None, threshold: float, take: Callable[[Drawing], object]) -> None:
        """Draw the objects of a threshold in the background."""
        assert result is not None

        def work(progress: Progress) -> Drawing:
            from anystar.napari.live import draw

            thresholded = result.rethreshold(threshold)
            progress(1, 2, "measuring")
            return draw(thresholded)

        run = Run("", work)
        run.finished.connect(take)
        run.ended.connect(lambda: self._runs.remove(run))
        self._runs.append(run)
        run.start()
