"""Tests of the plugin: skipped where napari or a Qt binding is not installed."""

import gc

import numpy as np
import pytest

pytest.importorskip("napari")
pytest.importorskip("pytestqt")

from anystar.napari import segmenting
from anystar.napari.segment_panel import SegmentPanel
from tests.predict.stub import stub_model
from tests.scenes import spots

TIMEOUT = 300_000
"""Milliseconds: the first run compiles kernels, on a busy machine."""
PLACE = {
    "scale": (1.0, 0.5, 0.5),
    "translate": (5, 6, 7),
    "units": ("um",) * 3,
    "axis_labels": ("z", "y", "x"),
}


def grey():
    """72 spots that differ in brightness, some of them at the border."""
    return spots(list(np.linspace(1.0, 0.2, 72)))


def run(qtbot, panel, action="segment", **kwargs):
    """Press a button of the panel and wait until the run ended."""
    getattr(panel, action)(**kwargs)
    assert panel.run is not None, panel.message.text()
    with qtbot.waitSignal(panel.run.ended, timeout=TIMEOUT):
        pass
    rest(qtbot, panel)


def rest(qtbot, panel):
    """Wait until nothing is computed for the sliders."""
    qtbot.waitUntil(lambda: not panel.live.busy, timeout=TIMEOUT)


@pytest.fixture(scope="session", autouse=True)
def _short_collections():
    """napari collects garbage several times for each viewer; what imports made need not be looked through."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
def stub(monkeypatch):
    """Models are a network that needs no training."""
    model = stub_model()
    monkeypatch.setattr(segmenting, "load_model", lambda name, device: model)
    return model


@pytest.fixture
def make_panel(make_napari_viewer_proxy, qtbot, stub):
    """Make a viewer with the panel in it."""
    panels = []

    def make(**kwargs):
        viewer = make_napari_viewer_proxy(**kwargs)
        panel = SegmentPanel(viewer)
        viewer.window.add_dock_widget(panel, name="Segment 3D objects", area="right")
        panels.append(panel)
        return panel

    yield make
    for panel in panels:
        panel.shut_down()
        qtbot.waitUntil(lambda panel=panel: panel.run is None and not panel.live.busy, timeout=TIMEOUT)


@pytest.fixture
def panel(make_panel):
    return make_panel()


@pytest.fixture
def image(panel):
    """An image layer with a place, in the panel's viewer; objects have a diameter of four voxels along X."""
    layer = panel.viewer.add_image(grey(), name="spots", **PLACE)
    panel.form.diameter.setValue(4.0)
    return layer
