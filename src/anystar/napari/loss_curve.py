"""A small plot of the loss while a model learns."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import QPointF, Qt
from qtpy.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from qtpy.QtWidgets import QWidget

__all__ = ["LossCurve"]

_MARGIN = (44, 8, 10, 20)
"""Pixels left, above, right and below of the plot."""
_TRAINING, _HELD_OUT, _TEXT = QColor("#4c9be8"), QColor("#e8a33d"), QColor("#909090")

Points = Sequence[tuple[int, float]]


class LossCurve(QWidget):
    """Loss over steps; dots are the loss on what is held out."""

    def __init__(self) -> None:
        super().__init__()
        self.training: Points = ()
        self.held_out: Points = ()
        self.total = 1
        self.setMinimumHeight(140)

    def show_points(self, training: Points, held_out: Points, total: int) -> None:
        """Draw these points; ``total`` is the last step."""
        self.training, self.held_out, self.total = training, held_out, max(1, total)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the plot."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        left, top, right, bottom = _MARGIN
        width, height = self.width() - left - right, self.height() - top - bottom
        values = [value for _, value in (*self.training, *self.held_out)]
        low, high = (min(values), max(values)) if values else (0.0, 1.0)
        span = max(high - low, 1e-6)

        def place(step: int, value: float) -> QPointF:
            return QPointF(left + width * step / self.total, top + height * (1 - (value - low) / span))

        painter.setPen(QPen(_TEXT, 1))
        painter.drawLine(left, top, left, top + height)
        painter.drawLine(left, top + height, left + width, top + height)
        painter.drawText(left + width - 90, self.height() - 4, f"{self.total} steps")
        if values:
            painter.drawText(2, top + 10, f"{high:.2f}")
            painter.drawText(2, top + height, f"{low:.2f}")
        painter.setPen(QPen(_TRAINING, 2))
        painter.drawPolyline(QPolygonF([place(*point) for point in self.training]))
        if self.training:
            painter.drawText(left + 6, self.height() - 4, "learning")
        painter.setPen(QPen(_HELD_OUT, 1))
        painter.setBrush(_HELD_OUT)
        for point in self.held_out:
            painter.drawEllipse(place(*point), 4, 4)
        if self.held_out:
            painter.drawText(left + 70, self.height() - 4, "held out")
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.end()
