import platform
import subprocess
import sys

import pytest

from anystar.allocator import keep_freed_memory

CODE = """
import resource, sys
import numpy as np
from contextlib import nullcontext
from anystar.allocator import freed_memory_kept, keep_freed_memory
mode = sys.argv[1]
if mode in ("kept", "kept before"):
    assert keep_freed_memory()
def touch():
    np.ones(2**26, np.uint8)  # more than 32 MiB
def new_pages():
    touch()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(4):
        touch()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
with freed_memory_kept() if mode.endswith(("within", "after", "before")) else nullcontext():
    with freed_memory_kept() if mode == "nested, within" else nullcontext():
        touch()
    pages = new_pages()
print(new_pages() if mode.endswith(("after", "before")) else pages)
"""


def new_pages(mode: str) -> int:
    out = subprocess.run([sys.executable, "-c", CODE, mode], stdout=subprocess.PIPE, text=True, check=True)
    return int(out.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_freed_memory_is_used_again():
    usual = new_pages("as usual")
    for mode in ("kept", "within", "nested, within", "kept before"):
        assert new_pages(mode) < 0.02 * usual, mode
    assert new_pages("after") > 0.9 * usual


def test_other_systems_are_left_as_they_are(monkeypatch):
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    assert not keep_freed_memory()
