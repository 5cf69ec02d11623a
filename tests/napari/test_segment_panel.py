"""The panel, in a viewer."""

import numpy as np
import pytest

from anystar.napari import segmenting
from anystar.napari.segment_panel import SegmentPanel
from anystar.napari.segmentation import segmentation_of
from tests.predict.stub import stub_model
from tests.scenes import noisy_balls

TIMEOUT = 120_000
PLACE = {"scale": (1.0, 0.5, 0.5), "translate": (5, 6, 7), "units": ("um",) * 3}


@pytest.fixture
def stub(monkeypatch):
    model = stub_model()
    monkeypatch.setattr(segmenting, "load_model", lambda name, device: model)
    return model


@pytest.fixture
def panel(make_napari_viewer_proxy, qtbot, stub):
    viewer = make_napari_viewer_proxy()
    made = SegmentPanel(viewer)
    qtbot.addWidget(made)
    return made


@pytest.fixture
def balls(panel):
    image, _ = noisy_balls((32, 48, 48), seed=0)
    return panel.viewer.add_image(image, name="balls", **PLACE)


def run(qtbot, panel):
    panel.segment()
    with qtbot.waitSignal(panel.run.ended, timeout=TIMEOUT):
        pass


def test_labels_lie_on_the_image_with_their_table(panel, balls, qtbot):
    run(qtbot, panel)
    layer = panel.viewer.layers["balls objects"]
    found = segmentation_of(layer)
    assert len(layer.features) == len(found.result.objects) > 0
    np.testing.assert_array_equal(layer.data, found.result.labels)
    np.testing.assert_array_equal(layer.scale, balls.scale)
    np.testing.assert_array_equal(layer.translate, balls.translate)
    assert layer.units == balls.units
    assert layer.features["probability"].is_monotonic_decreasing
    assert found.result.voxel_size.spacing == (1.0, 0.5, 0.5)


def test_without_an_image_the_panel_says_what_to_do(panel):
    assert panel.message.text() == "there is no image layer; open a 3D image"
    assert not panel.segment_button.isEnabled()
