"""Correcting a labels layer, in a viewer."""

import shutil
from types import SimpleNamespace

import numpy as np
import pytest

import anystar
from anystar.correction import find_unsaved
from anystar.napari import segmenting
from anystar.napari.corrections import Mode, corrections_of
from anystar.napari.corrections_panel import CorrectionsPanel
from anystar.napari.layers import layer_volume
from anystar.napari.segmentation import Segmentation, attach, segmentation_of
from tests.correction.scenes import PLACES, SHAPE, labels_of_four, result_of_four
from tests.predict.stub import stub_model

TIMEOUT = 120_000
PLACE = {"scale": (2.0, 0.5, 0.5), "translate": (5, 6, 7), "units": ("um",) * 3}


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def viewer(make_napari_viewer_proxy):
    return make_napari_viewer_proxy()


@pytest.fixture
def panel(viewer, qtbot):
    made = CorrectionsPanel(viewer)
    qtbot.addWidget(made)
    yield made
    made.close()


@pytest.fixture
def segmented(panel, tmp_path):
    """A layer of three objects of four, the last is below the threshold."""
    result = result_of_four()
    path = tmp_path / "monday" / "embryo.tif"
    anystar.write(path, result.image)
    panel.viewer.open(str(path), plugin="napari", name="embryo", **PLACE)
    image = panel.viewer.layers["embryo"]
    source = layer_volume(image, panel.viewer.dims.point)
    layer = panel.viewer.add_labels(
        result.labels, name="embryo objects", features=result.table().to_pandas(), **source.place.kwargs()
    )
    attach(layer, Segmentation(result=result, place=source.place, source=source))
    panel.labels.setCurrentText("embryo objects")
    panel.start()
    return layer


def click(panel, layer, voxel, mode=None):
    """Press and release at a voxel, as the canvas reports it."""
    if mode is not None:
        panel.set_mode(mode)
    event = SimpleNamespace(type="mouse_press", position=layer.data_to_world(voxel))
    for callback in list(layer.mouse_drag_callbacks):
        steps = callback(layer, event)
        if steps is None:
            continue
        next(steps)
        event.type = "mouse_release"
        next(steps, None)
        event.type = "mouse_press"


def press(layer, key):
    """Press a key while the layer is chosen."""
    from napari.utils.key_bindings import coerce_keybinding

    layer.keymap[coerce_keybinding(key)](layer)


def test_clicks_add_delete_merge_and_split_and_all_can_be_undone(panel, segmented):
    layer = segmented
    result = segmentation_of(layer).result
    before = layer.data.copy()
    click(panel, layer, PLACES[3], Mode.ADD)
    assert layer.data[PLACES[3]] == 4
    assert "added 4" in panel.message.text()
    click(panel, layer, PLACES[0], Mode.DELETE)
    assert layer.data[PLACES[0]] == 0
    click(panel, layer, PLACES[1], Mode.MERGE)
    click(panel, layer, PLACES[2])
    assert layer.data[PLACES[1]] == layer.data[PLACES[2]]
    click(panel, layer, PLACES[1], Mode.SPLIT)
    click(panel, layer, PLACES[2])
    assert layer.data[PLACES[1]] != layer.data[PLACES[2]]
    click(panel, layer, PLACES[3], Mode.CONFIRM)
    kinds = dict(zip(layer.features["label"], layer.features["provenance"], strict=True))
    assert sorted(kinds.values()) == ["added", "split", "split"]
    assert "3 objects: " in panel.summary.text()
    assert "3 reviewed" in panel.summary.text()
    for _ in range(5):
        press(layer, "Control-Z")
    np.testing.assert_array_equal(layer.data, before)
    assert not panel.undo_button.isEnabled()
    press(layer, "Control-Shift-Z")
    assert layer.data[PLACES[3]] == 4
    np.testing.assert_array_equal(result.labels, before)  # the segmentation stays as it was
    assert segmentation_of(layer).corrected


def test_a_drag_is_no_click_and_nothing_happens_on_background(panel, segmented):
    before = segmented.data.copy()
    panel.set_mode(Mode.DELETE)
    event = SimpleNamespace(type="mouse_press", position=segmented.data_to_world(PLACES[0]))
    steps = panel._clicked(segmented, event)
    next(steps)
    event.type = "mouse_move"
    for _ in range(5):
        next(steps)
    event.type = "mouse_release"
    assert next(steps, "over") == "over"
    click(panel, segmented, (1, 1, 1), Mode.DELETE)
    assert panel.message.text() == "there is no object here; click one"
    np.testing.assert_array_equal(segmented.data, before)


def test_a_stroke_of_the_brush_is_one_edit(panel, segmented):
    layer = segmented
    press(layer, "n")
    assert (layer.mode, layer.selected_label) == ("paint", 4)
    layer.brush_size = 6
    with layer.block_history():  # as one drag of the mouse
        layer.paint((12, 29, 29), 4)
        layer.paint((12, 29, 33), 4)
        layer.paint((12, 29, 29), 4)
    own = corrections_of(layer).corrections
    assert own.history == ("painted 4",)
    assert own.rows[4].volume == (layer.data == 4).sum() > 30
    press(layer, "f")
    assert own.rows[4].provenance == "refitted"
    assert (layer.data == 4).any(axis=(1, 2)).sum() > 3  # a body now
    press(layer, "Control-Z")
    press(layer, "Control-Z")
    assert not (layer.data == 4).any()
    layer.preserve_labels = False
    layer.paint(PLACES[0], 0)  # the eraser
    assert own.rows[1].provenance == "painted"
    layer.fill((0, 0, 0), 9)
    press(layer, "Control-Z")
    assert 9 not in layer.data


def test_others_keep_their_voxels_under_the_brush(panel, segmented):
    before = segmented.data == 1
    panel.new_object()
    segmented.brush_size = 12
    segmented.paint(PLACES[0], 4)
    np.testing.assert_array_equal(segmented.data == 1, before)


def test_where_no_candidate_was_kept_the_model_looks_again(panel, segmented, qtbot, monkeypatch):
    monkeypatch.setattr(segmenting, "load_model", lambda name, device: stub_model(radius=6.0))
    own = corrections_of(segmented).corrections
    own.proposals = None
    click(panel, segmented, PLACES[3], Mode.ADD)
    assert "looking around" in panel.message.text()
    with qtbot.waitSignal(panel.run.ended, timeout=TIMEOUT):
        pass
    assert own.rows[4].provenance == "added"
    own.proposals = None
    click(panel, segmented, (2, 2, 37), Mode.ADD)
    with qtbot.waitSignal(panel.run.ended, timeout=TIMEOUT):
        pass
    assert "nothing like an object" in panel.message.text()


def test_what_was_corrected_is_saved_beside_the_image(panel, segmented, tmp_path):
    click(panel, segmented, PLACES[3], Mode.ADD)
    folder = tmp_path / "monday"
    assert (folder / "embryo.tif.corrections").exists()
    panel.all_button.click()
    panel.save_button.click()
    assert {p.name for p in folder.iterdir()} == {
        "embryo.tif",
        "embryo.tif.corrections",
        "embryo_labels.ome.tif",
        "embryo_labels.csv",
        "embryo_labels.csv.toml",
        "embryo_labels.png",
        "embryo_labels.toml",
    }
    table, _ = anystar.read_table(folder / "embryo_labels.csv")
    assert table["provenance"].tolist() == ["found"] * 3 + ["added"]
    panel.save_button.click()
    assert "exists already; tick Replace" in panel.message.text()
    panel.replace.setChecked(True)
    panel.save_button.click()
    assert "wrote embryo_labels.ome.tif" in panel.message.text()
    panel.path.setText(str(folder / "embryo.tif"))
    panel.save_button.click()
    assert "is an input" in panel.message.text()


def test_where_a_folder_cannot_be_written_the_panel_says_where_edits_go(
    panel, segmented, tmp_path, monkeypatch
):
    shutil.rmtree(tmp_path / "monday")
    (tmp_path / "monday").write_text("no folder, so that nobody can write into it")
    layer, kept = segmented, panel.kept
    click(panel, layer, PLACES[0], Mode.DELETE)
    own = tmp_path / "home" / "anystar" / "corrections"
    assert f"{tmp_path / 'monday'} cannot be written; edits are kept in {own}" in kept.text()
    assert "gray" in kept.styleSheet()
    panel.save_button.click()
    assert panel.message.text().startswith(str(tmp_path / "monday"))
    assert "choose another" in panel.message.text()
    panel.path.setText(str(tmp_path / "labels.tif"))
    panel.save_button.click()
    assert "wrote labels.tif" in panel.message.text()
    assert not panel.edited.at_risk


def test_edits_that_no_disk_keeps_are_marked_and_stay_in_memory(panel, segmented, tmp_path, monkeypatch):
    shutil.rmtree(tmp_path / "monday")
    (tmp_path / "monday").write_text("")
    (tmp_path / "full").write_text("")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "full"))
    click(panel, segmented, PLACES[0], Mode.DELETE)
    click(panel, segmented, PLACES[1], Mode.DELETE)
    assert panel.kept.text().startswith("edits are not kept on the disk (")
    assert panel.kept.text().endswith("); save them soon")
    assert "#ff8a65" in panel.kept.styleSheet()
    assert segmented.data[PLACES[1]] == 0
    panel.path.setText(str(tmp_path / "labels.tif"))
    panel.save_button.click()
    assert not panel.edited.at_risk
    panel.undo_button.click()
    assert segmented.data[PLACES[1]] == 2
    np.testing.assert_array_equal(anystar.read_labels(tmp_path / "labels.tif").data == 2, False)


def test_a_click_at_another_time_point_edits_nothing(panel, viewer):
    layer = viewer.add_labels(labels_of_four()[None], name="of time 1", translate=(1, 0, 0, 0))
    viewer.add_image(np.zeros((3, *SHAPE)), name="movie")
    panel.labels.setCurrentText("of time 1")
    panel.start()
    before = layer.data.copy()
    click(panel, layer, (1, *PLACES[0]), Mode.DELETE)
    assert panel.message.text() == "of time 1 is of another time point or channel; move the slider there"
    np.testing.assert_array_equal(layer.data, before)
    click(panel, layer, (0, *PLACES[0]), Mode.DELETE)
    assert 1 not in layer.data


def test_a_layer_that_gets_another_name_is_still_edited(panel, segmented, viewer):
    viewer.add_labels(labels_of_four(), name="another")
    segmented.name = "renamed"
    viewer.add_image(np.zeros(SHAPE), name="more")
    assert panel.labels.currentText() == "renamed"
    click(panel, segmented, PLACES[0], Mode.DELETE)
    assert segmented.data[PLACES[0]] == 0


def test_a_panel_that_is_closed_while_the_model_looks_stops_it(panel, segmented, qtbot, monkeypatch):
    monkeypatch.setattr(segmenting, "load_model", lambda name, device: stub_model(radius=6.0))
    corrections_of(segmented).corrections.proposals = None
    before = segmented.data.copy()
    click(panel, segmented, PLACES[3], Mode.ADD)
    held = panel.run
    panel.close()
    assert held.cancelling
    qtbot.waitUntil(lambda: panel.run is None, timeout=TIMEOUT)
    np.testing.assert_array_equal(segmented.data, before)


def test_edits_that_were_not_saved_are_offered_again(panel, segmented, viewer, qtbot):
    click(panel, segmented, PLACES[0], Mode.DELETE)
    labels = segmented.data.copy()
    key = corrections_of(segmented).key
    panel.close()  # without saving
    assert find_unsaved(key)
    viewer.layers.remove(segmented)
    result = result_of_four()
    source = layer_volume(viewer.layers["embryo"], viewer.dims.point)
    layer = viewer.add_labels(result.labels, name="again", **source.place.kwargs())
    attach(layer, Segmentation(result=result, place=source.place, source=source))
    other = CorrectionsPanel(viewer)
    qtbot.addWidget(other)
    other.start()
    assert other.offer.isVisibleTo(other)
    assert "1 edit of" in other.offer_text.text()
    other.restore()
    np.testing.assert_array_equal(layer.data, labels)
    assert not other.offer.isVisibleTo(other)
    other.undo_button.click()
    assert layer.data[PLACES[0]] == 1
    other.close()


def test_labels_from_anywhere_can_be_corrected(panel, viewer):
    layer = viewer.add_labels(labels_of_four().astype(np.uint8)[None], name="by hand")
    panel.labels.setCurrentText("by hand")
    panel.start()
    assert layer.data.dtype == np.int32
    click(panel, layer, (0, *PLACES[0]), Mode.DELETE)
    assert 1 not in layer.data
    click(panel, layer, (0, 12, 29, 14), Mode.MERGE)
    click(panel, layer, (0, 12, 29, 26))
    assert len(corrections_of(layer).corrections.rows) == 2
    layer.brush_size = 4
    layer.n_edit_dimensions = 2
    layer.paint((0, 12, 5, 5), 30)
    assert corrections_of(layer).corrections.rows[30].provenance == "painted"


def test_labels_on_the_grid_of_an_image_belong_to_it(panel, viewer, qtbot, monkeypatch):
    monkeypatch.setattr(segmenting, "load_model", lambda name, device: stub_model(radius=6.0))
    result = result_of_four()
    viewer.add_image(result.image.data, name="embryo")
    layer = viewer.add_labels(np.where(result.labels == 1, 1, 0), name="by hand")
    panel.labels.setCurrentText("by hand")
    panel.start()
    click(panel, layer, PLACES[1], Mode.ADD)
    with qtbot.waitSignal(panel.run.ended, timeout=TIMEOUT):
        pass
    assert layer.data[PLACES[1]] == 2
    panel.measure_button.click()
    assert layer.features["intensity_mean"].notna().all()
    assert layer.features["index"].tolist() == [1, 2]


def test_the_sliders_work_again_where_nothing_was_edited(panel, segmented):
    assert segmentation_of(segmented).corrected
    panel.stop()
    assert not segmentation_of(segmented).corrected
    panel.start()
    click(panel, segmented, PLACES[0], Mode.DELETE)
    panel.stop()
    assert segmentation_of(segmented).corrected
    panel.start()
    assert corrections_of(segmented).corrections.history == ("deleted 1",)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (np.zeros((8, 8), int), "is a 2D image"),
        (np.zeros((2, 8, 8, 8), int), "has several volumes"),
    ],
)
def test_layers_that_cannot_be_corrected_are_refused(panel, viewer, data, message):
    viewer.add_labels(data, name="odd")
    panel.start()
    assert message in panel.message.text()
    assert panel.edited is None


def test_labels_on_the_disk_that_do_not_fit_into_memory_are_refused(panel, viewer, monkeypatch):
    import dask.array

    layer = viewer.add_labels(dask.array.from_array(labels_of_four(), chunks=(8, 40, 40)), name="large")
    with monkeypatch.context() as little:
        little.setattr("anystar.blocks.memory.available_memory", lambda: 100_000)
        panel.start()
    assert "large needs 0.000346 GB in memory to be corrected; segment a part" in panel.message.text()
    panel.start()
    assert isinstance(layer.data, np.ndarray)


def test_without_labels_the_panel_says_what_to_do(panel, viewer):
    assert panel.message.text() == "there is no labels layer; segment an image first"
    assert not panel.start_button.isEnabled()
    layer = viewer.add_labels(np.zeros(SHAPE, np.int32))
    panel.start()
    viewer.layers.remove(layer)  # while it is being corrected
    assert panel.edited is None
    assert not panel.tools.isVisibleTo(panel)


def test_objects_are_chosen_by_a_ray_in_a_3d_view(panel, segmented):
    panel.viewer.dims.ndisplay = 3
    z, y, x = segmented.data_to_world(PLACES[1])
    ray = {
        "type": "mouse_press",
        "position": (z - 100, y, x),
        "view_direction": np.array([1.0, 0.0, 0.0]),
        "dims_displayed": [0, 1, 2],
    }
    panel.set_mode(Mode.DELETE)
    panel.click(SimpleNamespace(**ray))
    assert 2 not in segmented.data
    assert sorted(corrections_of(segmented).corrections.rows) == [1, 3]
    panel.set_mode(Mode.ADD)
    panel.click(SimpleNamespace(**ray))
    assert "switch to 2D" in panel.message.text()


def test_what_is_in_view_can_be_confirmed(panel, segmented):
    own = corrections_of(segmented)
    own.confirm_box((0, 0, 0), (23, 20, 39))
    assert [own.corrections.rows[n].reviewed for n in (1, 2, 3)] == [True, True, False]
    panel.view_button.click()
    assert "reviewed" in panel.message.text() or "outside" in panel.message.text()


def test_measuring_keeps_what_was_measured_of_the_others(panel, segmented):
    assert segmented.features["intensity_mean"].notna().all()
    click(panel, segmented, PLACES[3], Mode.ADD)
    known = dict(zip(segmented.features["label"], segmented.features["intensity_mean"].notna(), strict=True))
    assert known == {1: True, 2: True, 3: True, 4: False}
    corrections_of(segmented).measure()
    assert segmented.features["intensity_mean"].notna().all()
    assert segmented.features["provenance"].tolist()[-1] == "added"
