"""Volumes that do not fit into memory."""

import numpy as np
import pytest
from napari.layers import Image, Labels

import anystar
from anystar.errors import Cancelled, InputError
from anystar.napari import large, segmenting
from anystar.napari.corrections_panel import CorrectionsPanel
from anystar.napari.large import layers_of, needs_blocks, output_beside, segment_large
from anystar.napari.layers import layer_volume
from anystar.napari.segmenting import Request, segment
from anystar.napari.writers import write_labels
from anystar.objects import FilterOptions
from anystar.objects.filters import keep_labels
from tests.napari.conftest import PLACE, grey, rest, run
from tests.predict.stub import stub_model


@pytest.fixture
def source(monkeypatch):
    array = pytest.importorskip("dask.array").from_array(grey()[None], chunks=(1, 16, 32, 32))
    for module in (large, segmenting):
        monkeypatch.setattr(module, "load_model", lambda name, device: stub_model())
    place = {
        name: (1, *values) if name in ("scale", "translate") else ("x", *values)
        for name, values in PLACE.items()
    }
    place |= {"units": ("pixel", "um", "um", "um"), "axis_labels": ("t", "z", "y", "x")}
    return layer_volume(Image(array, name="spots", **place))


def request(source):
    return Request(source=source, size=anystar.arrays.VoxelSize((1, 0.5, 0.5)), diameter=4.0, prob_thresh=0.6)


def silent(done, total, stage):
    pass


def test_blocks_give_the_labels_of_the_whole(tmp_path, source):
    output = segment_large(request(source), tmp_path / "spots objects.zarr", silent)
    data, kwargs, _ = layers_of(output, source)
    layer = Labels(data, **kwargs)
    finest = np.asarray(layer.data[0] if layer.multiscale else layer.data)
    whole = segment(request(source), silent).result
    assert finest.shape == (1, *grey().shape)
    np.testing.assert_array_equal(finest[0] > 0, whole.labels > 0)
    assert len(layer.features) == len(whole.objects) > 10
    np.testing.assert_allclose(layer.data_to_world((0, 2, 3, 4)), (1, 7, 7.5, 9))


def test_sliders_leave_objects_out_of_the_display_and_of_what_is_saved(tmp_path, source):
    output = segment_large(request(source), tmp_path / "spots objects.zarr", silent)
    data, kwargs, live = layers_of(output, source)
    layer = Labels(data, **kwargs)
    finest = layer.data[0] if layer.multiscale else layer.data
    everything = np.asarray(finest)[0]
    sizes = live.exact.sizes
    live.update(0.8, FilterOptions(min_volume=float(np.median(sizes))))
    table = live.canvas.table
    assert live.is_exact  # there is nothing to wait for
    assert 0 < len(table) < len(sizes)
    assert table["probability"].min() >= 0.8
    expected = keep_labels(everything, table["label"])
    np.testing.assert_array_equal(np.asarray(finest)[0], expected)
    np.testing.assert_array_equal(finest[0, 20], expected[20])  # as a slice is displayed
    for name in ("kept.ome.zarr", "kept.tif"):
        write_labels(str(tmp_path / name), *layer.as_layer_data_tuple()[:2])
        saved = anystar.read_labels(tmp_path / name)
        np.testing.assert_array_equal(saved.data, expected)
        assert saved.spacing == pytest.approx((1, 0.5, 0.5), rel=1e-5)
    np.testing.assert_array_equal(anystar.read_labels(output).data, everything)


def test_a_window_shows_sliders_and_table_of_blocks_which_can_be_corrected(
    make_panel, qtbot, tmp_path, monkeypatch, stub
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(large, "needs_blocks", lambda source: True)
    monkeypatch.setattr(large, "load_model", lambda name, device: stub)
    panel = make_panel()
    image = panel.viewer.add_image(grey(), name="spots", **PLACE)
    panel.form.diameter.setValue(4.0)
    run(qtbot, panel)
    assert "which File > Save writes" in panel.message.text()
    layer = panel.viewer.layers["spots objects"]
    found = len(layer.features)
    assert panel.filters.isEnabled()
    assert panel.table.model().rowCount() == found > 10
    assert not panel.results.surface_button.isEnabled()  # their outlines are on the disk only
    panel.filters.threshold.setValue(float(layer.features["probability"].median()))
    rest(qtbot, panel)
    kept = len(layer.features)
    assert 0 < kept < found
    assert panel.filters.count.text() == f"{kept} objects, {found - kept} left out"
    panel.table.selectRow(0)
    assert layer.selected_label == layer.features["label"][0]

    corrections = CorrectionsPanel(panel.viewer)
    qtbot.addWidget(corrections)
    corrections.labels.setCurrentText("spots objects")
    corrections.start()
    edited = corrections.edited
    assert edited.layer.name == "spots objects corrected"
    assert not layer.visible
    assert len(edited.corrections.rows) == kept
    np.testing.assert_array_equal(edited.corrections.image.data, image.data)
    label = int(edited.layer.features["label"][0])
    edited.corrections.delete(label)
    assert label in np.unique(np.asarray(layer.data))  # the store stays as it is
    corrections.close()


def test_a_folder_that_cannot_be_written_is_named_before_anything_runs(make_panel, monkeypatch):
    panel = make_panel()
    panel.viewer.add_image(grey(), name="spots", **PLACE)
    monkeypatch.setattr(large, "needs_blocks", lambda source: True)
    with monkeypatch.context() as read_only:
        read_only.setattr("os.access", lambda folder, mode: False)
        panel.segment()
    assert "cannot be written, but the labels go there; copy the image elsewhere" in panel.message.text()
    assert panel.run is None
    assert panel.segment_button.isEnabled()


def test_a_cancelled_run_goes_on(tmp_path, source):
    output, stages = tmp_path / "spots objects.zarr", []

    def stop(done, total, stage):
        stages.append(stage)
        if stage == "labels" or len(set(stages)) > 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        segment_large(request(source), output, stop)
    assert not output.exists()
    segment_large(request(source), output, silent)
    assert anystar.read_labels(output).data.max() > 10


def test_it_is_about_the_memory_that_is_free(source):
    assert needs_blocks(source, free=1 << 30)
    assert not needs_blocks(source, free=1 << 40)


def test_labels_go_beside_the_image(tmp_path, monkeypatch):
    (tmp_path / "brain.zarr").mkdir()
    assert output_beside(str(tmp_path / "brain.zarr" / "0"), "brain") == tmp_path / "brain objects.zarr"
    monkeypatch.setattr("os.access", lambda folder, mode: False)
    with pytest.raises(InputError, match="cannot be written, but the labels go there"):
        output_beside(str(tmp_path / "brain.tif"), "brain")
