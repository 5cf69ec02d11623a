"""Volumes that do not fit into memory."""

import numpy as np
import pytest
from napari.layers import Image, Labels

import anystar
from anystar.errors import Cancelled, InputError
from anystar.napari import large, segmenting
from anystar.napari.large import layers_of, needs_blocks, output_beside, segment_large
from anystar.napari.layers import layer_volume
from anystar.napari.segmenting import Request, segment
from tests.napari.conftest import PLACE, grey
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
    data, kwargs = layers_of(output, source)
    layer = Labels(data, **kwargs)
    finest = np.asarray(layer.data[0] if layer.multiscale else layer.data)
    whole = segment(request(source), silent).result
    assert finest.shape == (1, *grey().shape)
    np.testing.assert_array_equal(finest[0] > 0, whole.labels > 0)
    assert len(layer.features) == len(whole.objects) > 10
    np.testing.assert_allclose(layer.data_to_world((0, 2, 3, 4)), (1, 7, 7.5, 9))


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
