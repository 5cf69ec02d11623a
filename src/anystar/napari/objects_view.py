"""The table of objects: a selected row selects the object in the layer, and the other way round."""

from __future__ import annotations

from typing import Any

import numpy as np
from qtpy.QtCore import QAbstractTableModel, QModelIndex, QSortFilterProxyModel, Qt, Signal
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView

from anystar.napari.histogram_view import short

__all__ = ["ObjectsView"]

_COLUMNS = {
    "label": "object",
    "provenance": "origin",
    "probability": "probability",
    "calibrated_probability": "chance",
    "volume_um3": "volume µm³",
    "volume_vox": "volume voxels",
    "volume_uncertainty": "volume ±",
    "sphericity": "roundness",
    "contrast": "contrast",
    "intensity_mean": "intensity",
    "touches_border": "at border",
}
"""What is displayed, as far as the features have it, and its heading."""


class _Features(QAbstractTableModel):
    """The features of a labels layer."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.columns: dict[str, np.ndarray] = {}

    def fill(self, features: Any) -> None:
        self.beginResetModel()
        self.columns = {}
        for name in _COLUMNS:
            if name not in features:
                continue
            values = np.asarray(features[name])
            unknown = values.dtype.kind == "f" and bool(np.isnan(values).all())
            if not unknown and not (name == "volume_vox" and "volume_um3" in self.columns):
                self.columns[name] = values
        self.names = list(self.columns)
        self.endResetModel()

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        return len(self.columns[self.names[0]]) if self.names else 0

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        return len(self.names)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.UserRole):
            return None
        value: Any = self.columns[self.names[index.column()]][index.row()]
        if role == Qt.ItemDataRole.UserRole:  # what is sorted by
            return value if isinstance(value, str) else float(value)
        if isinstance(value, bool | np.bool_):
            return "yes" if value else ""
        if isinstance(value, float | np.floating):
            return short(float(value))
        return str(value)

    def headerData(self, section: int, orientation: Any, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        name = self.names[section]
        if role == Qt.ItemDataRole.ToolTipRole:
            from anystar.objects.table import column

            known = column(name)
            return None if known is None else known.meaning
        return _COLUMNS[name] if role == Qt.ItemDataRole.DisplayRole else None


class ObjectsView(QTableView):
    """A sortable table over the features of a labels layer."""

    chosen = Signal(int)
    """The label of a row that the user selected."""

    def __init__(self) -> None:
        super().__init__()
        self._features = _Features()
        self._sorted = QSortFilterProxyModel()
        self._sorted.setSourceModel(self._features)
        self._sorted.setSortRole(Qt.ItemDataRole.UserRole)
        self.setModel(self._sorted)
        self.setSortingEnabled(True)
        self.sortByColumn(-1, Qt.SortOrder.AscendingOrder)  # as the features are: most probable first
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(20)
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.horizontalHeader().setResizeContentsPrecision(32)  # of a thousand rows, the first ones suffice
        self.setMinimumHeight(140)
        self.setToolTip("Select a row to see its object; hold Ctrl for several. Click a heading to sort.")
        self._quiet = False
        self.selectionModel().selectionChanged.connect(self._report)

    def display(self, features: Any) -> None:
        """Show the features of a layer."""
        self._quiet = True
        self._features.fill(features)
        self._quiet = False

    @property
    def labels(self) -> list[int]:
        """The labels of the selected rows."""
        rows = [self._sorted.mapToSource(index).row() for index in self.selectionModel().selectedRows()]
        return [int(self._features.columns["label"][row]) for row in rows]

    def select(self, label: int) -> None:
        """Select the row of a label without a signal; no row if there is none."""
        self._quiet = True
        self.clearSelection()
        found = np.flatnonzero(self._features.columns.get("label", np.zeros(0)) == label)
        if len(found):
            index = self._sorted.mapFromSource(self._features.index(int(found[0]), 0))
            self.selectRow(index.row())
            self.scrollTo(index)
        self._quiet = False

    def _report(self, *_: object) -> None:
        index = self.currentIndex()
        if not self._quiet and index.isValid() and self.selectionModel().hasSelection():
            row = self._sorted.mapToSource(index).row()
            self.chosen.emit(int(self._features.columns["label"][row]))
