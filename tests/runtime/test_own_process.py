"""Processes of our own keep freed memory, look for garbage rarely and wait passively; no others do."""

import gc
import os
import platform
import subprocess
import sys
import weakref

import pytest

from anystar.runtime.own_process import collect_rarely, keep_freed_memory, wait_passively

CODE = """
import os, sys
import numpy as np
from anystar.runtime.own_process import keep_freed_memory
def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
def kept(before=resident()):
    np.ones(2**26, np.uint8)  # more than 32 MiB, freed at once
    return resident() - before
if sys.argv[1] == "kept":
    assert keep_freed_memory()
print(kept())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
@pytest.mark.parametrize(("mode", "share"), [("as usual", 0), ("kept", 1)])
def test_memory_of_a_freed_array_stays_with_the_process(mode, share):
    out = subprocess.run([sys.executable, "-c", CODE, mode], stdout=subprocess.PIPE, text=True, check=True)
    assert int(out.stdout) / 2**26 == pytest.approx(share, abs=0.2)


def test_other_systems_are_left_as_they_are(monkeypatch):
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    assert not keep_freed_memory()


def test_loading_a_library_starts_few_collections():
    code = (
        "import gc\nfrom anystar.runtime.own_process import collect_rarely\ncollect_rarely()\n"
        "before = sum(kind['collections'] for kind in gc.get_stats())\nimport numpy.testing, scipy.ndimage\n"
        "print(sum(kind['collections'] for kind in gc.get_stats()) - before)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) <= 5


def test_cycles_are_still_freed():
    class Node:
        pass

    before = gc.get_threshold()
    try:
        collect_rarely()
        assert gc.isenabled()
        node = Node()
        node.own, freed = node, weakref.ref(node)
        del node
        kept = [[] for _ in range(2 * gc.get_threshold()[0])]
        assert freed() is None
        assert kept
    finally:
        gc.set_threshold(*before)


MODELS = """
import os, sys
from anystar.cli import main
sys.argv = ["anystar", "models"]
try:
    main()
except SystemExit:
    pass
print(os.environ["OMP_WAIT_POLICY"], "torch" in sys.modules)
"""


@pytest.mark.parametrize("chosen", [None, "ACTIVE"])
def test_the_command_waits_passively_unless_the_user_chose_otherwise(chosen):
    env = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    env |= {"OMP_WAIT_POLICY": chosen} if chosen else {}
    done = subprocess.run([sys.executable, "-c", MODELS], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.split()[-2:] == [chosen or "PASSIVE", "True"]


def test_the_library_leaves_the_environment_alone():
    code = "import os, anystar; anystar.load_model; print('OMP_WAIT_POLICY' in os.environ)"
    env = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_it_is_kept_for_processes_that_are_started(monkeypatch):
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    wait_passively()
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"
