"""The sliders: which of the objects that were found are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QCheckBox, QComboBox, QFormLayout, QLabel, QVBoxLayout, QWidget
from superqt import QLabeledDoubleSlider
from superqt.utils import signals_blocked

from anystar.napari.histogram_view import HistogramView

if TYPE_CHECKING:
    from anystar.objects.filter_options import FilterOptions

__all__ = ["FiltersForm"]

_SIGNS: dict[str, Literal["bright", "dark"] | None] = {
    "bright and dark": None,
    "bright": "bright",
    "dark": "dark",
}
_MOST_CONTRAST = 10.0


class FiltersForm(QWidget):
    """Threshold, volume, roundness, contrast and border, with the count of what is kept."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.count = QLabel("no objects yet")
        self.count.setStyleSheet("font-weight: bold")
        self.volume = HistogramView()
        self.threshold = _slider(1.0, "Keep objects that the network is at least this sure of")
        self.roundness = _slider(1.0, "Keep objects at least this round: 1 is a ball")
        self.contrast = _slider(
            _MOST_CONTRAST,
            "Keep objects that differ from their surroundings by this many standard deviations",
        )
        self.sign = QComboBox()
        self.sign.addItems(list(_SIGNS))
        self.sign.setToolTip("Keep objects that are brighter or darker than their surroundings")
        self.border = QCheckBox("leave out those it cuts")
        self.border.setToolTip("Leave out objects that the border of the image cuts: they are not whole")
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("Probability", self.threshold)
        form.addRow("Roundness", self.roundness)
        form.addRow("Contrast", self.contrast)
        form.addRow("Objects", self.sign)
        form.addRow("Border", self.border)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.count)
        layout.addWidget(self.volume)
        layout.addLayout(form)
        for slider in (self.threshold, self.roundness, self.contrast):
            slider.valueChanged.connect(self.changed)
        self.volume.moved.connect(self.changed)
        self.sign.currentIndexChanged.connect(self.changed)
        self.border.toggled.connect(self.changed)

    def start(self, *, floor: float, threshold: float, filters: FilterOptions) -> None:
        """Begin with a result: its lowest threshold, and what the sliders are to stand at."""
        with signals_blocked(self):
            self.threshold.setRange(floor, 1.0)
            self.threshold.setValue(threshold)
            self.roundness.setValue(filters.min_sphericity or 0.0)
            self.contrast.setValue(filters.min_contrast or 0.0)
            self.sign.setCurrentIndex(list(_SIGNS.values()).index(filters.polarity))
            self.border.setChecked(filters.drop_border)
            self.volume.low, self.volume.high = filters.min_volume, filters.max_volume
            self.volume.update()

    def filters(self) -> FilterOptions:
        """Return the conditions as :class:`anystar.objects.FilterOptions`."""
        from anystar.objects.filter_options import FilterOptions

        return FilterOptions(
            min_volume=self.volume.low,
            max_volume=self.volume.high,
            min_sphericity=self.roundness.value() or None,
            min_contrast=self.contrast.value() or None,
            polarity=_SIGNS[self.sign.currentText()],
            drop_border=self.border.isChecked(),
        )

    def display_count(self, kept: np.ndarray, *, exact: bool) -> None:
        """Show how many objects are kept."""
        num = int(kept.sum())
        text = "1 object" if num == 1 else f"{num} objects"
        out = f", {len(kept) - num} left out" if num < len(kept) else ""
        self.count.setText(f"{text}{out}" if exact else f"{text} (preview)")


def _slider(most: float, tip: str) -> QLabeledDoubleSlider:
    slider = QLabeledDoubleSlider(Qt.Orientation.Horizontal)
    slider.setRange(0.0, most)
    slider.setDecimals(2)
    slider.setToolTip(tip)
    return slider
