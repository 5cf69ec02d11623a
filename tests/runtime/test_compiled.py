"""Compiled kernels are kept where they can be, and say when they must be compiled."""

import ast
import importlib
import os
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numba.core.dispatcher import Dispatcher

import anystar
from anystar.runtime.compiled import kernel_files

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


def test_a_kernel_in_a_new_file_is_found(tmp_path):
    new, other = tmp_path / "a" / "new.py", tmp_path / "other.py"
    new.parent.mkdir()
    new.write_text("@kernel(fastmath=True)\ndef double(x): ...")
    other.write_text("import numba\n\n@numba.njit\ndef double(x): ...")
    assert kernel_files(tmp_path) == [new]


@pytest.fixture(scope="module")
def compiled_functions():
    """All functions of the package that Numba compiles, by the modules that see them."""
    found = {}
    for info in pkgutil.walk_packages(anystar.__path__, "anystar."):
        # Triton, napari, and what runs in environments of its own, may not be there.
        if re.search(r"\.(__main__|triton|gpu_kernels|napari\b.*|peers\.workers\b.*)$", info.name):
            continue
        for value in vars(importlib.import_module(info.name)).values():
            if isinstance(value, Dispatcher):
                found.setdefault(value, set()).add(info.name)
    return found


def test_the_folder_is_named_after_every_file_with_a_kernel(compiled_functions):
    files = {str(path) for path in kernel_files(Path(anystar.__file__).parent)}
    assert len(compiled_functions) > 30
    assert {value.py_func.__code__.co_filename for value in compiled_functions} == files


def test_constants_of_kernels_come_from_files_with_kernels(compiled_functions):
    files = {str(path) for path in kernel_files(Path(anystar.__file__).parent)}
    for function in compiled_functions:
        namespace, code = function.py_func.__globals__, function.py_func.__code__
        assert code.co_filename in files
        tree = ast.parse(Path(code.co_filename).read_text())
        own = {
            name.id
            for node in tree.body
            if isinstance(node, ast.Assign | ast.AnnAssign)
            for name in ast.walk(node)
            if isinstance(name, ast.Name)
        }
        imported = {
            alias.asname or alias.name: node.module
            for node in tree.body
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        for name in set(code.co_names) & set(namespace) - own:
            if isinstance(namespace[name], int | float | tuple | np.generic | np.ndarray):
                source = importlib.import_module(imported[name]).__file__
                assert source in files, f"{name}, used by {function.py_func.__name__}, comes from {source}"
