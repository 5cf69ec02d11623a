"""What the panel that segments looks like; it does nothing by itself."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QSize, Qt
from qtpy.QtWidgets import QFrame, QProgressBar, QScrollArea, QVBoxLayout, QWidget

from anystar.napari.image_form import ImageForm
from anystar.napari.results_view import ResultsView
from anystar.napari.widgets import button, group, message, row

__all__ = ["SegmentForm"]


class SegmentForm(QWidget):
    """The widgets of :class:`anystar.napari.segment_panel.SegmentPanel`."""

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self.form = ImageForm(viewer)
        self.try_button = button(
            "Try here", "Segment a small box in the middle of the view: takes a few seconds"
        )
        self.segment_button = button("Segment", "Segment the whole image")
        self.cancel_button = button("Cancel")
        self.progress, self.message = QProgressBar(), message()
        self.results = ResultsView(viewer)
        self.filters, self.table, self.live = self.results.filters, self.results.table, self.results.live
        self._lay_out()

    def sizeHint(self) -> QSize:
        """Return the preferred size, as Qt calls it."""
        return QSize(380, 800)

    def _lay_out(self) -> None:
        self.message.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.progress.hide()
        self.cancel_button.hide()
        buttons = row(self.try_button, self.segment_button, self.cancel_button)
        content = QWidget()
        layout = QVBoxLayout(content)
        layout.addWidget(group("1  Image", self.form, buttons, self.progress, self.message))
        layout.addWidget(self.results, 1)
        layout.setContentsMargins(4, 4, 4, 4)
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.area.setFrameShape(QFrame.Shape.NoFrame)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setWidget(content)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self.area)

    def complain(self, message: str) -> None:
        """Show what is wrong, in one line; nothing if all is well."""
        self.message.setStyleSheet("color: #ff8a65" if message else "")
        self.inform(message)

    def inform(self, message: str) -> None:
        """Show a remark."""
        self.message.setText(message)
        self.message.setVisible(bool(message))

    def show_running(self, running: bool) -> None:
        """Show the buttons of a run, or those that begin one."""
        self.progress.setVisible(running)
        self.cancel_button.setVisible(running)
        self.try_button.setVisible(not running)
        self.segment_button.setVisible(not running)

    def draw_progress(self, done: int, total: int, stage: str) -> None:
        """Show how far a run is."""
        self.progress.setRange(0, total)
        self.progress.setValue(done)
        self.progress.setFormat(f"{stage} %p%" if total else stage)

    def showEvent(self, event: Any) -> None:
        """Be as wide as the fields need with the fonts of the window, as Qt calls it."""
        super().showEvent(event)
        bar = self.area.verticalScrollBar().sizeHint().width()
        self.setMinimumWidth(self.area.widget().minimumSizeHint().width() + bar)
