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
    QLineEdit,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from anystar.napari.corrections import Mode
from anystar.napari.widgets import button, group, message, row

__all__ = ["CorrectionsForm"]


class CorrectionsForm(QWidget):
    """The widgets of :class:`anystar.napari.corrections_panel.CorrectionsPanel`."""

    def __init__(self) -> None:
        super().__init__()
        self.labels = QComboBox()
        self.start_button = button("Correct these labels")
        self.message, self.summary, self.kept = message(36), message(), message()
        self.kept.setStyleSheet("color: gray")
        self.undo_button, self.redo_button = button("Undo  [Ctrl+Z]"), button("Redo  [Ctrl+Shift+Z]")
        self.tools = QWidget()
        inner = QVBoxLayout(self.tools)
        inner.setContentsMargins(0, 0, 0, 0)
        history = row(self.undo_button, self.redo_button)
        for widget in (self._modes(), history, self.message, self.summary, self._review(), self._save()):
            inner.addWidget(widget)
        inner.addWidget(self.kept)
        form = QFormLayout()
        form.addRow("Labels", self.labels)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addWidget(self.start_button)
        layout.addWidget(self._offer())
        layout.addWidget(self.tools)
        layout.addStretch()

    def _offer(self) -> QWidget:
        """Edits of an earlier time, which can be restored."""
        self.offer = QFrame()
        self.offer.setFrameShape(QFrame.Shape.StyledPanel)
        self.offer_text = message()
        self.restore_button, self.dismiss_button = button("Restore"), button("Not now")
        layout = QVBoxLayout(self.offer)
        layout.addWidget(self.offer_text)
        layout.addWidget(row(self.restore_button, self.dismiss_button))
        self.offer.hide()
        return self.offer

    def _modes(self) -> QWidget:
        box = QGroupBox("A click")
        self.buttons: dict[Mode, QPushButton] = {}
        grid, exclusive = QGridLayout(box), QButtonGroup(self)
        for number, mode in enumerate(Mode):
            title, key, tip = mode.value
            self.buttons[mode] = one = button(f"{title}  [{key.replace('Escape', 'Esc')}]", tip)
            one.setCheckable(True)
            exclusive.addButton(one)
            grid.addWidget(one, number // 2, number % 2)
        self.help = message(36)
        self.new_button, self.fit_button = button("New object  [n]"), button("Fit a body  [f]")
        self.painting = row(self.new_button, self.fit_button)
        grid.addWidget(self.painting, 4, 0, 1, 2)
        grid.addWidget(self.help, 5, 0, 1, 2)
        return box

    def _review(self) -> QWidget:
        self.view_button = button(
            "Confirm what is in view",
            "Objects in view and the background between them, in all planes, are right.",
        )
        self.all_button = button("Confirm all", "Everything is right, the background too.")
        return group("Reviewed (what learning may trust)", row(self.view_button, self.all_button))

    def _save(self) -> QWidget:
        self.path = QLineEdit()
        self.path.setToolTip(
            "Labels as OME-TIFF, NIfTI, NRRD, HDF5, NumPy or OME-Zarr, by the ending; "
            "beside them table, overview image and provenance."
        )
        self.choose_button = QToolButton()
        self.choose_button.setText("…")
        self.replace = QCheckBox("Replace")
        self.measure_button = button(
            "Measure", "Intensities, surfaces and contrast of every object, as features of the layer."
        )
        self.save_button = button("Save")
        return group(
            "Labels, table, overview image",
            row(self.path, self.choose_button),
            row(self.replace, self.measure_button, self.save_button),
        )
