"""Learning from corrected layers, in a viewer."""

import numpy as np
import pytest
from qtpy.QtCore import Qt

import anystar
from anystar.napari.correcting import correct
from anystar.napari.image_form import MODELS, ImageForm
from anystar.napari.layers import layer_volume
from anystar.napari.learn_panel import LearnPanel
from anystar.napari.segmentation import Segmentation, attach
from tests.correction.scenes import labels_of_four, result_of_four

TIMEOUT = 300_000


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def panel(make_napari_viewer_proxy, qtbot):
    MODELS.clear()
    made = LearnPanel(make_napari_viewer_proxy())
    qtbot.addWidget(made)
    yield made
    MODELS.clear()


@pytest.fixture
def edited(panel):
    """A layer that is corrected; nothing is reviewed yet."""
    result = result_of_four()
    image = panel.viewer.add_image(result.image.data, name="embryo", units=("um",) * 3)
    source = layer_volume(image, panel.viewer.dims.point)
    layer = panel.viewer.add_labels(result.labels.copy(), name="embryo objects", **source.place.kwargs())
    attach(layer, Segmentation(result=result, place=source.place, source=source, device="cpu"))
    made = correct(layer)
    panel.sources.refresh()
    return made


def test_without_a_correction_the_panel_says_what_to_do(panel):
    assert panel.place.text() == "Correct a labels layer first, or add files that were saved."
    assert not panel.learn_button.isEnabled()


def test_nothing_reviewed_is_nothing_to_learn_from(panel, edited):
    assert panel.sources.list.item(0).text() == "embryo objects: 0 of 3 reviewed"
    panel.learn()
    assert "no object of embryo objects is reviewed" in panel.message.text()
    assert panel.run is None
    panel.sources.list.item(0).setCheckState(Qt.CheckState.Unchecked)
    assert not panel.learn_button.isEnabled()


def test_labels_without_their_image_cannot_be_learnt_from(panel):
    correct(panel.viewer.add_labels(labels_of_four(), name="by hand")).confirm_all()
    panel.sources.refresh()
    panel.learn()
    assert "the image of by hand is not known" in panel.message.text()


@pytest.mark.slow
def test_a_model_is_learnt_in_the_background_and_offered_by_its_name(panel, edited, qtbot, tmp_path):
    edited.confirm_all()
    panel.name.setText("balls")
    panel.iterations = 2
    form = ImageForm(panel.viewer)
    qtbot.addWidget(form)
    panel.learn()
    assert panel.cancel_button.isEnabled()
    edited.corrections.delete(1)  # the viewer goes on; a copy is learnt from
    with qtbot.waitSignal(panel.run.ended, timeout=TIMEOUT):
        pass
    assert list(MODELS) == [tmp_path / "balls_model" / "balls.safetensors"]
    assert form.model_name == str(MODELS[0])  # chosen in the panel that segments
    assert anystar.load_model(MODELS[0], device="cpu").name == "balls"
    assert [step for step, _ in panel.curve.training] == [1, 2]
    assert "3 objects were learnt from" in panel.message.text()
    panel.learn()  # into another folder
    assert panel.out.name == "balls_model-2" or (tmp_path / "balls_model-2").exists()
    panel.cancel()
    with qtbot.waitSignal(panel.run.ended, timeout=TIMEOUT):
        pass
    assert panel.message.text() == "cancelled; the model in use stays"
    assert len(MODELS) == 1
    form.disconnect_viewer()


def test_where_the_folder_cannot_be_written_the_model_goes_to_your_own(panel, edited, monkeypatch):
    monkeypatch.setattr("os.access", lambda path, mode: False)
    assert panel.out.parts[-3:] == ("anystar", "models", "corrected_model")


def test_the_curve_is_drawn(panel, qtbot):
    panel.curve.resize(200, 140)
    empty = panel.curve.grab().toImage()
    panel.curve.show_points([(1, 2.0), (50, 1.0)], [(50, 1.5)], 100)
    drawn = panel.curve.grab().toImage()
    assert drawn != empty
    assert np.isfinite(panel.curve.total)
