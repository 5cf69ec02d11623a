"""Make the screenshots of docs/napari.md: python scripts/napari_screenshots.py [FOLDER].

It needs a display, or xvfb-run. The same actions are a test: tests/napari/test_walk.py.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from qtpy.QtWidgets import QApplication

import napari
from anystar.napari.samples import embryo
from anystar.napari.segment_panel import SegmentPanel

FOLDER = Path(__file__).parents[1] / "docs" / "images"
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


def main(folder: Path) -> None:
    """Go through the plugin as a user does."""
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
    panel.table.clearSelection()
    panel.results.show_surfaces()
    viewer.scene.camera.angles = (5, 30, 140)
    viewer.reset_view()
    save(viewer, folder / "napari-surfaces.png")
    viewer.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
