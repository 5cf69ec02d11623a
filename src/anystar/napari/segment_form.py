"""What the panel that segments looks like; it does nothing by itself."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QSize, Qt
from qtpy.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from anystar.napari.image_form import ImageForm
from anystar.napari.results_view import ResultsView, group

__all__ = ["SegmentForm"]


class SegmentForm(QWidget):
    """The widgets of :class:`anystar.napari.segment_panel.SegmentPanel`."""

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self.form = ImageForm(viewer)
        self.try_button = QPushButton("Try here")
        self.try_button.setToolTip("Segment a small box in the middle of the view: takes a few seconds")
        self.segment_button = QPushButton("Segment")
        self.segment_button.setToolTip("Segment the whole image")
        self.cancel_button = QPushButton("Cancel")
        self.progress = QProgressBar()
        self.message = QLabel()
        self.results = ResultsView(viewer)
        self.filters, self.table, self.live = self.results.filters, self.results.table, self.results.live
        self._lay_out()

    def sizeHint(self) -> QSize:
        """Return the preferred size, as Qt calls it."""
        return QSize(380, 800)

    def _lay_out(self) -> None:
        self.message.setWordWrap(True)
        self.message.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.progress.hide()
        self.cancel_button.hide()
        buttons = QHBoxLayout()
        for button in (self.try_button, self.segment_button, self.cancel_button):
            buttons.addWidget(button)
        row = QWidget()
        row.setLayout(buttons)
        buttons.setContentsMargins(0, 0, 0, 0)
        first = group("1  Image", self.form, row, self.progress, self.message)
        content = QWidget()
        layout = QVBoxLayout(content)
        layout.addWidget(first)
        layout.addWidget(self.results, 1)
        layout.setContentsMargins(4, 4, 4, 4)
        self.area = area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(content)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(area)

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
