"""The table of objects in the panels."""

import numpy as np
from qtpy.QtCore import Qt

from anystar.napari.objects_view import ObjectsView


def headings(view, role):
    model = view.model()
    return [model.headerData(n, Qt.Orientation.Horizontal, role) for n in range(model.columnCount())]


def test_columns_are_those_that_are_known_and_their_headings_explain_them(qtbot):
    view = ObjectsView()
    qtbot.addWidget(view)
    nothing, some = np.full(2, np.nan), np.array([0.9, 0.2])
    view.display(
        {
            "label": np.array([1, 2]),
            "probability": some,
            "calibrated_probability": some,
            "volume_vox": np.array([80, 90]),
            "volume_um3": nothing,
            "volume_uncertainty": some,
            "contrast": nothing,
        }
    )
    display, tip = Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole
    assert headings(view, display) == ["object", "probability", "chance", "volume voxels", "volume ±"]
    assert "share" in headings(view, tip)[-1]
    assert view.model().index(1, 2).data() == "0.2"
