"""What a new user does, with the real network: open the sample, try, segment, adjust, look, save."""

import numpy as np
import pytest
from npe2 import PluginManager

import anystar
from tests.napari.conftest import rest, run
from tests.napari.test_manifest import MANIFEST

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


def test_from_the_embryo_to_saved_labels(make_napari_viewer_proxy, qtbot, tmp_path):
    viewer = make_napari_viewer_proxy()  # which discovers the plugins that are installed
    if "anystar" not in PluginManager.instance():
        PluginManager.instance().register(str(MANIFEST))
    viewer.open_sample("anystar", "embryo")
    _, panel = viewer.window.add_plugin_dock_widget("anystar", "Segment 3D objects")
    assert panel.form.origin.text() == "from the layer"

    run(qtbot, panel, "try_here")
    assert viewer.layers["mouse embryo try"].data.any()

    run(qtbot, panel)
    layer = viewer.layers["mouse embryo objects"]
    found = len(layer.features)
    assert 7 <= found <= 12

    sure = float(layer.features["probability"].min()) + 0.02
    panel.filters.threshold.setValue(sure)
    rest(qtbot, panel)
    assert len(layer.features) < found

    panel.table.selectRow(0)
    assert layer.selected_label == layer.features["label"][0]

    path = tmp_path / "embryo labels.ome.tif"
    assert layer.save(str(path), plugin="anystar")
    saved = anystar.read_labels(path)
    np.testing.assert_array_equal(saved.data, layer.data)
    assert saved.spacing == pytest.approx((1.75, 0.8, 0.8), rel=1e-5)
    panel.shut_down()
