"""Memory of freed arrays stays with a process of our own, and with no other."""

import platform
import subprocess
import sys

import pytest

from anystar.runtime.allocator import keep_freed_memory

CODE = """
import os, sys
import numpy as np
from anystar.runtime.allocator import keep_freed_memory
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
