"""What a new user does with the bundled embryo, from the open image to a saved, corrected result."""

from pathlib import Path

import numpy as np
import pytest

import anystar
from anystar.napari.corrections import Mode, corrections_of
from anystar.napari.corrections_panel import CorrectionsPanel
from anystar.napari.segment_panel import SegmentPanel
from tests.napari.test_corrections_panel import click, press

EMBRYO = Path(__file__).parents[2] / "examples" / "mouse_embryo.tif"
TIMEOUT = 600_000


@pytest.mark.slow
def test_from_an_image_to_corrected_measured_saved_objects(
    make_napari_viewer_proxy, qtbot, tmp_path, monkeypatch
):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    image = tmp_path / "embryo.tif"
    image.write_bytes(EMBRYO.read_bytes())
    viewer = make_napari_viewer_proxy()
    viewer.open(str(image), plugin="napari", name="embryo", units=("um",) * 3, scale=(1.0, 0.5, 0.5))

    segment = SegmentPanel(viewer)
    qtbot.addWidget(segment)
    segment.segment()
    with qtbot.waitSignal(segment.run.ended, timeout=TIMEOUT):
        pass
    layer = next(x for x in viewer.layers if x.name != "embryo")
    num = len(layer.features)
    assert num > 5

    panel = CorrectionsPanel(viewer)
    qtbot.addWidget(panel)
    panel.start()
    own = corrections_of(layer).corrections
    start = own.labels.copy()
    by_size = sorted(own.rows.values(), key=lambda row: -row.volume)
    first, second, third = by_size[0], by_size[1], by_size[2]

    click(panel, layer, voxel_of(own, first.label), Mode.DELETE)
    click(panel, layer, voxel_of_background(start, own, first.label), Mode.ADD)
    if panel.run is not None:
        with qtbot.waitSignal(panel.run.ended, timeout=TIMEOUT):
            pass
    assert len(own.rows) == num  # what was deleted was added again
    added = max(own.rows)
    assert own.rows[added].provenance == "added"

    click(panel, layer, voxel_of(own, second.label), Mode.MERGE)
    click(panel, layer, voxel_of(own, third.label))
    assert len(own.rows) == num - 1
    merged = own.label_at(second.centroid) or own.label_at(third.centroid)
    (a, b) = ends_of(own, merged)
    click(panel, layer, a, Mode.SPLIT)
    click(panel, layer, b)
    assert len(own.rows) == num

    press(layer, "n")
    layer.brush_size = 8
    empty = np.argwhere(own.labels == 0)[len(np.argwhere(own.labels == 0)) // 2]
    layer.paint(tuple(empty), layer.selected_label)
    assert len(own.rows) == num + 1
    press(layer, "Control-Z")
    assert len(own.rows) == num

    panel.measure_button.click()
    assert "intensity_mean" in layer.features
    assert set(layer.features["provenance"]) >= {"found", "added", "split"}
    panel.all_button.click()
    panel.save_button.click()
    assert "wrote embryo_labels.ome.tif" in panel.message.text()
    saved = anystar.read_labels(tmp_path / "embryo_labels.ome.tif")
    np.testing.assert_array_equal(saved.data, own.labels)
    assert saved.spacing == pytest.approx((1.0, 0.5, 0.5))
    table, _ = anystar.read_table(tmp_path / "embryo_labels.csv")
    assert len(table) == num
    assert (tmp_path / "embryo_labels.png").stat().st_size > 10_000
    panel.close()
    assert not list(tmp_path.glob("*.corrections*"))  # all of it was saved


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
