"""Make the screenshots of napari in docs/how-to: python scripts/napari_screenshots.py [FOLDER].

It needs a display, or xvfb-run. The same actions are a test: tests/napari/test_user_actions.py.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from qtpy.QtWidgets import QApplication

import napari
from anystar.napari.corrections import Mode
from anystar.napari.corrections_panel import CorrectionsPanel
from anystar.napari.samples import embryo
from anystar.napari.segment_panel import SegmentPanel

FOLDER = Path(__file__).absolute().parents[1] / "docs" / "images"
COLOURS = 128


def wait(panel: SegmentPanel) -> None:
    """Wait until nothing runs."""
    while panel.run is not None or panel.live.busy:
        QApplication.processEvents()
        time.sleep(0.02)


def save(viewer: Any, path: Path) -> None:
    """Save the window, with few colours: the files stay small."""
    for _ in range(20):
        QApplication.processEvents()
    picture = Image.fromarray(np.asarray(viewer.screenshot(canvas_only=False, flash=False))[..., :3])
    picture.quantize(COLOURS, method=Image.Quantize.MEDIANCUT).save(path, optimize=True)
    print(f"wrote {path}")


def corrected(viewer: Any, panel: SegmentPanel, path: Path) -> None:
    """Correct a copy of the objects in a panel beside, and save the window."""
    layer = viewer.layers["mouse embryo objects"]
    data, kwargs, _ = layer.as_layer_data_tuple()
    copy = viewer.add_labels(np.array(data), **{**kwargs, "name": "objects to correct", "metadata": {}})
    copy.contour = 2
    layer.visible = False
    corrections = CorrectionsPanel(viewer)
    own = viewer.window.add_dock_widget(corrections, name="Correct objects", area="right", tabify=True)
    corrections.labels.setCurrentText(copy.name)
    corrections.start()
    edited = corrections.edited
    assert edited is not None
    first, second = sorted(edited.corrections.rows.values(), key=lambda row: -row.volume)[:2]
    corrections.set_mode(Mode.DELETE)
    corrections.message.setText(edited.show(edited.corrections.delete(first.label)))
    edited.show(edited.corrections.review([second.label]))
    corrections.update_state()
    viewer.dims.set_point(0, float(copy.data_to_world(second.centroid)[0]))
    save(viewer, path)
    viewer.window.remove_dock_widget(own)
    corrections.close()
    viewer.layers.remove(copy)
    layer.visible = True


def main(folder: Path) -> None:
    """Go through the plugin as a user does."""
    place = Path(tempfile.gettempdir()) / "embryo"  # its name is in a picture
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    os.environ["XDG_DATA_HOME"] = str(place / "kept")
    folder = folder.absolute()
    os.chdir(place)
    viewer = napari.Viewer(title="napari")
    viewer.window.resize(1280, 860)
    for data, kwargs, _ in embryo():
        viewer.add_image(data, **kwargs)
    panel = SegmentPanel(viewer)
    viewer.window.add_dock_widget(panel, name="Segment 3D objects", area="right")
    panel.try_here()
    wait(panel)
    save(viewer, folder / "napari-try.png")
    panel.segment()
    wait(panel)
    panel.filters.threshold.setValue(0.6)
    panel.filters.border.setChecked(True)
    wait(panel)
    panel.table.selectRow(1)
    save(viewer, folder / "napari-objects.png")
    corrected(viewer, panel, folder / "napari-corrections.png")
    panel.table.clearSelection()
    panel.results.show_surfaces()
    viewer.scene.camera.angles = (5, 30, 140)
    viewer.reset_view()
    save(viewer, folder / "napari-surfaces.png")
    viewer.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
