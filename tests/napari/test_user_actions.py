"""What a new user does, with the real network: from the sample to corrected, measured, saved objects.

Panels are opened from the menu's commands, buttons are pressed, fields typed into, keys pressed and voxels
clicked. Only file dialogs and the pointer on the canvas are left out: a click is the event that napari makes.
"""

import numpy as np
import pytest
from npe2 import PluginManager
from qtpy.QtCore import Qt

import anystar
from anystar.napari.corrections import Mode, corrections_of
from anystar.napari.corrections_panel import CorrectionsPanel
from anystar.napari.segment_panel import SegmentPanel
from tests.napari.conftest import TIMEOUT, rest
from tests.napari.test_corrections_panel import click, press
from tests.napari.test_manifest import MANIFEST

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


def push(qtbot, button):
    """Press a button with the mouse."""
    assert button.isEnabled()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def wait(qtbot, panel):
    """Wait for the run that was begun."""
    qtbot.waitUntil(lambda: panel.run is None, timeout=TIMEOUT)


def test_from_the_sample_to_corrected_measured_saved_objects(
    make_napari_viewer_proxy, qtbot, tmp_path, monkeypatch
):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    viewer = make_napari_viewer_proxy()  # which discovers the plugins that are installed
    if "anystar" not in PluginManager.instance():
        PluginManager.instance().register(str(MANIFEST))
    viewer.open_sample("anystar", "embryo")

    # Segment: try, then all of it
    _, segment = viewer.window.add_plugin_dock_widget("anystar", "Segment 3D objects")
    assert isinstance(segment, SegmentPanel)
    assert segment.form.origin.text() == "from the layer"
    push(qtbot, segment.try_button)
    wait(qtbot, segment)
    assert viewer.layers["mouse embryo try"].data.any()
    push(qtbot, segment.segment_button)
    wait(qtbot, segment)
    rest(qtbot, segment)
    layer = viewer.layers["mouse embryo objects"]
    found = len(layer.features)
    assert 7 <= found <= 12

    # Adjust, look, and save what is left as labels
    segment.filters.threshold.setValue(float(layer.features["probability"].min()) + 0.02)
    rest(qtbot, segment)
    num = len(layer.features)
    assert 5 < num < found
    segment.table.selectRow(0)
    assert layer.selected_label == layer.features["label"][0]
    assert layer.save(str(tmp_path / "labels.ome.tif"), plugin="anystar")
    saved = anystar.read_labels(tmp_path / "labels.ome.tif")
    np.testing.assert_array_equal(saved.data, layer.data)
    assert saved.spacing == pytest.approx((1.75, 0.8, 0.8), rel=1e-5)

    # Correct: delete, add, merge, split, paint, undo
    _, panel = viewer.window.add_plugin_dock_widget("anystar", "Correct objects")
    assert isinstance(panel, CorrectionsPanel)
    panel.labels.setCurrentText("mouse embryo objects")
    push(qtbot, panel.start_button)
    own = corrections_of(layer).corrections
    start = own.labels.copy()
    first, second, third = sorted(own.rows.values(), key=lambda row: -row.volume)[:3]
    press(layer, "d")
    click(panel, layer, voxel_of(own, first.label))
    assert first.label not in own.rows
    press(layer, "a")
    click(panel, layer, voxel_of_background(start, own, first.label))
    wait(qtbot, panel)
    assert len(own.rows) == num  # what was deleted was added again
    assert own.rows[max(own.rows)].provenance == "added"
    press(layer, "g")
    click(panel, layer, voxel_of(own, second.label))
    click(panel, layer, voxel_of(own, third.label))
    assert len(own.rows) == num - 1
    merged = own.label_at(second.centroid) or own.label_at(third.centroid)
    press(layer, "s")
    for end in ends_of(own, merged):
        click(panel, layer, end)
    assert len(own.rows) == num
    press(layer, "n")
    assert panel.mode is Mode.PAINT
    layer.brush_size = 8
    empty = np.argwhere(own.labels == 0)
    layer.paint(tuple(empty[len(empty) // 2]), layer.selected_label)
    assert len(own.rows) == num + 1
    push(qtbot, panel.undo_button)
    assert len(own.rows) == num

    # Measure, confirm, save
    push(qtbot, panel.measure_button)
    assert "intensity_mean" in layer.features
    assert set(layer.features["provenance"]) >= {"found", "added", "split"}
    push(qtbot, panel.all_button)
    panel.path.clear()
    qtbot.keyClicks(panel.path, str(tmp_path / "embryo_labels.ome.tif"))
    push(qtbot, panel.save_button)
    assert "wrote embryo_labels.ome.tif" in panel.message.text()
    saved = anystar.read_labels(tmp_path / "embryo_labels.ome.tif")
    np.testing.assert_array_equal(saved.data, own.labels)
    table, _ = anystar.read_table(tmp_path / "embryo_labels.csv")
    assert len(table) == num
    assert table.known("volume_um3")
    assert (tmp_path / "embryo_labels.png").stat().st_size > 10_000
    panel.close()
    assert not list((tmp_path / "home").rglob("*.corrections*"))  # all of it was saved
    segment.shut_down()


def voxel_of(own, label):
    """A voxel of an object near its middle."""
    inside = np.argwhere(own.labels == label)
    return tuple(inside[np.linalg.norm(inside - np.array(own.rows[label].centroid), axis=1).argmin()])


def voxel_of_background(start, own, label):
    """The middle of an object that was there before."""
    inside = np.argwhere((start == label) & (own.labels == 0))
    return tuple(inside[np.linalg.norm(inside - inside.mean(axis=0), axis=1).argmin()])


def ends_of(own, label):
    """The two voxels of an object that are farthest apart along one axis."""
    inside = np.argwhere(own.labels == label)
    axis = int(np.ptp(inside, axis=0).argmax())
    return tuple(inside[inside[:, axis].argmin()]), tuple(inside[inside[:, axis].argmax()])
