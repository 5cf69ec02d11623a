"""What the forms of the panels are made of: buttons, lines of text, rows and frames of widgets."""

from __future__ import annotations

from qtpy.QtWidgets import QGroupBox, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

__all__ = ["button", "group", "message", "row"]


def button(text: str, tip: str = "") -> QPushButton:
    """Return a button with a tool tip."""
    made = QPushButton(text)
    made.setToolTip(tip)
    return made


def message(least: int = 0) -> QLabel:
    """Return text that is broken into lines; ``least`` is its smallest height in pixels."""
    made = QLabel()
    made.setWordWrap(True)
    made.setMinimumHeight(least)
    return made


def row(*widgets: QWidget) -> QWidget:
    """Return widgets side by side, without a margin."""
    made = QWidget()
    layout = QHBoxLayout(made)
    layout.setContentsMargins(0, 0, 0, 0)
    for widget in widgets:
        layout.addWidget(widget)
    return made


def group(title: str, *widgets: QWidget) -> QGroupBox:
    """Return widgets below each other, in a frame with a title."""
    made = QGroupBox(title)
    layout = QVBoxLayout(made)
    for widget in widgets:
        layout.addWidget(widget)
    return made
