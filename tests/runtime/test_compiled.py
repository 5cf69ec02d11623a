"""Compiled kernels are kept where they can be, and say when they must be compiled."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from anystar.runtime.compiled import cache_folder

SCRIPT = """
from anystar.runtime.compiled import announced, kernel

@kernel()
def double(x):
    return 2 * x

with announced(lambda: print("compiling")):
    print(double(2), double(2.5))
"""


@pytest.fixture
def run(tmp_path):
    """Run a module with a kernel in a new process, its own folder not writable."""
    module = tmp_path / "package" / "kernels.py"
    module.parent.mkdir()
    module.write_text(SCRIPT)
    (module.parent / "__pycache__").write_text("a file, so that nobody can make a folder of this name")

    def call(**variables):
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("NUMBA", "XDG"))}
        command = [sys.executable, "-W", "error", str(module)]
        ran = subprocess.run(command, env=kept | variables, capture_output=True, text=True, check=True)
        assert ran.stderr == ""
        return ran.stdout.split()

    return call


@pytest.mark.skipif(sys.platform != "linux", reason="the folders of Linux")
def test_a_package_that_cannot_be_written_is_cached_in_the_users_folder(run, tmp_path):
    here = {"HOME": str(tmp_path), "XDG_CACHE_HOME": ""}
    assert run(**here) == ["compiling", "4", "5.0"]
    assert run(**here) == ["4", "5.0"]
    kept = [path for path in (tmp_path / ".cache" / "anystar").rglob("*") if path.suffix == ".nbi"]
    assert [path.name.split("-")[0] for path in kept] == ["kernels.double"]
    chosen = {"NUMBA_CACHE_DIR": str(tmp_path / "chosen")}
    assert run(**here, **chosen)[0] == "compiling"
    assert run(**here, **chosen) == ["4", "5.0"]
    assert list(Path(chosen["NUMBA_CACHE_DIR"]).rglob("*.nbi"))


@pytest.mark.skipif(sys.platform != "linux", reason="the folders of Linux")
def test_where_nothing_can_be_written_it_compiles_every_time(run):
    for _ in range(2):
        assert run(HOME="/dev/null", XDG_CACHE_HOME="/dev/null") == ["compiling", "4", "5.0"]


def test_the_folder_is_named_after_the_source():
    assert cache_folder().name.startswith("kernels-")
    assert cache_folder() == cache_folder()
