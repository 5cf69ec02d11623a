"""A first run finds all its kernels compiled."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from anystar.first_run import PARTS
from anystar.runtime.cores import num_cores

WHOLE = """
import sys
from numba.core import event

class Compiled(event.Listener):
    def on_start(self, made):
        print("compiled", made.data["dispatcher"].py_func, file=sys.stderr)

    def on_end(self, made):
        pass

event.register("numba:compile", Compiled())
from anystar.cli import main
main()
"""


@pytest.mark.skipif(num_cores() < 2, reason="on one core nothing is compiled beside")
def test_a_first_segmentation_compiles_nothing_itself(tmp_path):
    image = str(Path(__file__).parents[1] / "examples" / "mouse_embryo.tif")
    words = ["segment", image, "-o", "labels.tif", "--table", "table.csv", "--overview", "overview.png"]
    ran = subprocess.run(
        [sys.executable, "-c", WHOLE, *words],
        cwd=tmp_path,
        env=os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "kernels")},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    assert "compiled" not in ran.stderr
    names = {path.name.split("-")[0] for path in (tmp_path / "kernels").rglob("*.nbi")}
    assert {"numba._suppress_batch", "intensity._describe"} <= names
    assert len(PARTS) == 3
