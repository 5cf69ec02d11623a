"""Corrections that were saved, in the list of what is learnt from."""

import dataclasses

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog

import anystar
from tests.napari.test_learn_panel import TIMEOUT, _own_folder, edited, panel

__all__ = ["_own_folder", "edited", "panel"]


def saved(edited, folder, *, image=True):
    """Save corrections, with their image beside them."""
    folder.mkdir(exist_ok=True)
    path = folder / "embryo.tif"
    if image:
        anystar.write(path, edited.corrections.image)
        edited.key = dataclasses.replace(edited.key, path=path)
    edited.save(folder / "embryo_labels.ome.tif")
    return folder / "embryo_labels.ome.tif"


def test_saved_corrections_are_added_with_their_image(panel, edited, qtbot, tmp_path, monkeypatch):
    edited.corrections.review([1, 2])
    labels = saved(edited, tmp_path / "monday")
    panel.viewer.layers.clear()
    assert not panel.learn_button.isEnabled()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *args: str(tmp_path / "monday"))
    panel.sources.folder_button.click()
    assert panel.sources.list.item(0).text() == "embryo_labels.ome.tif with embryo.tif"
    panel.sources.add_files([labels])  # again
    assert panel.sources.files == [(labels, tmp_path / "monday" / "embryo.tif")]
    assert panel.learn_button.isEnabled()
    assert panel.out == tmp_path / "monday" / "corrected_model"
    request = panel._request()
    assert (request.volumes, request.files) == ((), tuple(panel.sources.files))
    panel.sources.list.item(0).setCheckState(Qt.CheckState.Unchecked)
    assert not panel.learn_button.isEnabled()


def test_an_image_that_is_not_known_is_asked_for(panel, edited, tmp_path, monkeypatch):
    edited.confirm_all()
    labels = saved(edited, tmp_path / "elsewhere", image=False)
    asked = []
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *args: (asked.append(args[1]), "")[1:] * 2)
    panel.sources.add_files([labels])
    assert asked == ["The image of embryo_labels.ome.tif"]
    assert panel.message.text() == "embryo_labels.ome.tif was not added, as its image is not known"
    panel.sources.add_folder(tmp_path / "elsewhere")
    assert "holds no labels that were saved here" in panel.message.text()
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *args: (str(labels), ""))
    panel.sources.add_files([labels])
    assert "was given as its own image" in panel.message.text()
    image = tmp_path / "image.tif"
    anystar.write(image, edited.corrections.image)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *args: (str(image), ""))
    panel.sources.add_files([labels])
    assert panel.sources.files == [(labels, image)]


def test_files_that_cannot_be_read_are_named(panel, edited, qtbot, tmp_path):
    edited.confirm_all()
    labels = saved(edited, tmp_path / "monday")
    panel.sources.list.item(0).setCheckState(Qt.CheckState.Unchecked)
    panel.sources.add_files([labels])
    labels.write_bytes(b"no image")
    panel.learn()
    with qtbot.waitSignal(panel.run.ended, timeout=TIMEOUT):
        pass
    assert "embryo_labels.ome.tif is not a TIFF file" in panel.message.text()
