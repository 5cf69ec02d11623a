"""What the panel for corrections looks like; it does nothing by itself."""

from __future__ import annotations

from qtpy.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QComboBox,
    QFormLayout,
    QFrame,
    QGridLayout,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from anystar.napari.corrections import Mode

__all__ = ["CorrectionsForm"]


class CorrectionsForm(QWidget):
    """The widgets of :class:`anystar.napari.corrections_panel.CorrectionsPanel`."""

    def __init__(self) -> None:
        super().__init__()
        self.labels = QComboBox()
        self.start_button = QPushButton("Correct these labels")
        self.message, self.summary, self.kept = QLabel(), QLabel(), QLabel()
        for line in (self.message, self.summary, self.kept):
            line.setWordWrap(True)
        self.message.setMinimumHeight(36)
        self.kept.setStyleSheet("color: gray")
        layout = QVBoxLayout(self)
        form = QFormLayout()
        form.addRow("Labels", self.labels)
        layout.addLayout(form)
        layout.addWidget(self.start_button)
        layout.addWidget(self._offer())
        self.tools = QWidget()
        inner = QVBoxLayout(self.tools)
        inner.setContentsMargins(0, 0, 0, 0)
        for widget in (
            self._modes(),
            self._history(),
            self.message,
            self.summary,
            self._review(),
            self._save(),
        ):
            inner.addWidget(widget)
        inner.addWidget(self.kept)
        layout.addWidget(self.tools)
        layout.addStretch()

    def _offer(self) -> QWidget:
        """Edits of an earlier time, which can be restored."""
        self.offer = QFrame()
        self.offer.setFrameShape(QFrame.Shape.StyledPanel)
        self.offer_text = QLabel()
        self.offer_text.setWordWrap(True)
        self.restore_button, self.dismiss_button = QPushButton("Restore"), QPushButton("Not now")
        layout, row = QVBoxLayout(self.offer), QHBoxLayout()
        layout.addWidget(self.offer_text)
        row.addWidget(self.restore_button)
        row.addWidget(self.dismiss_button)
        layout.addLayout(row)
        self.offer.hide()
        return self.offer

    def _modes(self) -> QWidget:
        box = QGroupBox("A click")
        self.buttons: dict[Mode, QPushButton] = {}
        grid, group = QGridLayout(box), QButtonGroup(self)
        for number, mode in enumerate(Mode):
            button = QPushButton()
            button.setCheckable(True)
            button.setText(f"{mode.value.title}  [{_short(mode.value.key)}]")
            button.setToolTip(mode.value.help)
            group.addButton(button)
            grid.addWidget(button, number // 2, number % 2)
            self.buttons[mode] = button
        self.help = QLabel()
        self.help.setWordWrap(True)
        self.help.setMinimumHeight(36)
        self.new_button, self.fit_button = QPushButton("New object  [n]"), QPushButton("Fit a body  [f]")
        row = QHBoxLayout()
        row.addWidget(self.new_button)
        row.addWidget(self.fit_button)
        grid.addLayout(row, 4, 0, 1, 2)
        grid.addWidget(self.help, 5, 0, 1, 2)
        return box

    def _history(self) -> QWidget:
        widget = QWidget()
        row = QHBoxLayout(widget)
        row.setContentsMargins(0, 0, 0, 0)
        self.undo_button, self.redo_button = (
            QPushButton("Undo  [Ctrl+Z]"),
            QPushButton("Redo  [Ctrl+Shift+Z]"),
        )
        row.addWidget(self.undo_button)
        row.addWidget(self.redo_button)
        return widget

    def _review(self) -> QWidget:
        box = QGroupBox("Reviewed (what learning may trust)")
        row = QHBoxLayout(box)
        self.view_button, self.all_button = QPushButton("Confirm what is in view"), QPushButton("Confirm all")
        self.view_button.setToolTip(
            "Objects in view and the background between them, in all planes, are right."
        )
        self.all_button.setToolTip("Everything is right, the background too.")
        row.addWidget(self.view_button)
        row.addWidget(self.all_button)
        return box

    def _save(self) -> QWidget:
        box = QGroupBox("Labels, table, overview image")
        layout, row = QVBoxLayout(box), QHBoxLayout()
        self.path = QLineEdit()
        self.path.setToolTip(
            "Labels as OME-TIFF, NIfTI, NRRD, HDF5, NumPy or OME-Zarr, by the ending; "
            "beside them table, overview image and provenance."
        )
        self.choose_button = QToolButton()
        self.choose_button.setText("…")
        row.addWidget(self.path)
        row.addWidget(self.choose_button)
        self.replace = QCheckBox("Replace")
        self.measure_button, self.save_button = QPushButton("Measure"), QPushButton("Save")
        self.measure_button.setToolTip(
            "Intensities, surfaces and contrast of every object, as features of the layer."
        )
        below = QHBoxLayout()
        for widget in (self.replace, self.measure_button, self.save_button):
            below.addWidget(widget)
        layout.addLayout(row)
        layout.addLayout(below)
        return box


def _short(key: str) -> str:
    return "Esc" if key == "Escape" else key
