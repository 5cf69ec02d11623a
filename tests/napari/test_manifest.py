"""What the plugin offers to napari, and what that costs before a click."""

import os
import subprocess
import sys
from pathlib import Path

from npe2 import PluginManifest

import anystar.napari

MANIFEST = Path(anystar.napari.__file__).with_name("napari.yaml")


def test_the_manifest_is_valid_and_its_commands_exist():
    manifest = PluginManifest.from_file(MANIFEST)
    manifest.validate_imports()
    assert "napari/layers/segment" in manifest.contributions.menus


HEAVY = (
    "torch",
    "numba",
    "skimage",
    "h5py",
    "nibabel",
    "zarr",
    "anystar.predict",
    "anystar.io",
    "anystar.objects",
)
LISTED = """
import sys
from npe2 import PluginManager
import napari, napari.viewer, napari.qt.threading
before = set(sys.modules)
manager = PluginManager.instance()
manager.discover(); manager.register({manifest!r}) if "anystar" not in manager else None
{more}
print(*sorted(set(sys.modules) - before))
"""
WIDGET = """
from qtpy.QtWidgets import QApplication
from napari.components import ViewerModel
app = QApplication([])
from anystar.napari.segment_panel import SegmentPanel
panel = SegmentPanel(ViewerModel())
"""


def imported(more):
    code = LISTED.format(manifest=str(MANIFEST), more=more)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_nothing_heavy_is_imported_before_a_click():
    modules = imported(WIDGET)
    assert "anystar.napari.segment_panel" in modules
    assert [m for m in modules if m.startswith(HEAVY)] == []
