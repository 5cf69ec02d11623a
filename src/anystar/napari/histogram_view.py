"""A histogram of the objects' volumes with two handles: the smallest and the largest that are kept."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from qtpy.QtCore import QPointF, QRectF, QSize, Qt, Signal
from qtpy.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import QSizePolicy, QWidget

if TYPE_CHECKING:
    from anystar.napari.live import Histogram

__all__ = ["HistogramView", "short"]

_KEPT, _DROPPED, _HANDLE = QColor(87, 170, 255), QColor(110, 110, 118), QColor(255, 176, 60)
_TEXT = QColor(190, 190, 195)
_FOOT = 16
"""Height of the line of numbers, in pixels."""
_NEAR = 12
"""How near to a handle a click must be, in pixels."""


class HistogramView(QWidget):
    """Bars at equal ratios of the volume; handles are dragged."""

    moved = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.counts: Histogram | None = None
        self.unit = ""
        self.low: float | None = None
        """Smallest volume that is kept; ``None`` for no limit."""
        self.high: float | None = None
        self._dragged = ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setToolTip(
            "Volumes of the objects. Drag the orange handles to leave out small or large ones;\n"
            "double-click to keep all sizes."
        )

    def sizeHint(self) -> QSize:
        """Return the preferred size, as Qt calls it."""
        return QSize(220, 96)

    def display(self, counts: Histogram | None, unit: str) -> None:
        """Show other counts."""
        self.counts, self.unit = counts, unit
        self.update()

    @property
    def _ends(self) -> tuple[float, float]:
        """The smallest and the largest volume of the bars."""
        assert self.counts is not None
        return float(self.counts.edges[0]), float(self.counts.edges[-1])

    @property
    def _handles(self) -> tuple[float, float]:
        """The volumes at which the handles are."""
        first, last = self._ends
        return self.low or first, self.high or last

    def _x(self, volume: float) -> float:
        first, last = self._ends
        share = math.log(volume / first) / math.log(last / first)
        return min(max(share, 0.0), 1.0) * (self.width() - 2) + 1

    def _volume(self, x: float) -> float:
        first, last = self._ends
        return float(first * (last / first) ** ((x - 1) / max(1, self.width() - 2)))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw, as Qt calls it."""
        painter = QPainter(self)
        height = self.height() - _FOOT
        if self.counts is None:
            painter.setPen(_TEXT)
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, "no objects yet")
            return
        highest = max(1, int(self.counts.all.max()))
        step = (self.width() - 2) / len(self.counts.all)
        for counts, colour in ((self.counts.all, _DROPPED), (self.counts.kept, _KEPT)):
            for i, count in enumerate(counts):
                tall = (height - 4) * float(count) / highest
                painter.fillRect(QRectF(1 + i * step, height - tall, max(1.0, step - 1), tall), colour)
        painter.setPen(_TEXT)
        low, high = self._handles
        foot = QRectF(0, height, self.width(), _FOOT)
        painter.drawText(foot, Qt.AlignmentFlag.AlignLeft, short(low))
        painter.drawText(foot, Qt.AlignmentFlag.AlignHCenter, self.unit)
        painter.drawText(foot, Qt.AlignmentFlag.AlignRight, short(high))
        painter.setPen(QPen(_HANDLE, 2))
        for volume in (low, high):
            x = self._x(volume)
            painter.drawLine(QPointF(x, 0), QPointF(x, height))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take the handle that is near, as Qt calls it."""
        if self.counts is None:
            return
        low, high = (abs(event.position().x() - self._x(volume)) for volume in self._handles)
        away = {"low": low, "high": high}
        nearest = min(away, key=away.__getitem__)
        self._dragged = nearest if away[nearest] <= _NEAR else ""

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move the handle, as Qt calls it."""
        if not self._dragged or self.counts is None:
            return
        (first, last), (low, high) = self._ends, self._handles
        volume = self._volume(event.position().x())
        if self._dragged == "low":
            self.low = None if volume <= first else min(volume, high)
        else:
            self.high = None if volume >= last else max(volume, low)
        self.update()
        self.moved.emit()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let the handle go, as Qt calls it."""
        self._dragged = ""

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Keep all sizes, as Qt calls it."""
        self.low = self.high = None
        self.update()
        self.moved.emit()


def short(value: float) -> str:
    """Return a number with three digits, or with all before the point.

    >>> short(1234.5), short(12.345)
    ('1,234', '12.3')
    """
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
