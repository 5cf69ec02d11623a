import platform
import subprocess
import sys

import pytest

from anystar.allocator import keep_freed_memory

CODE = """
import resource, sys
import numpy as np
from anystar.allocator import keep_freed_memory
if sys.argv[1] == "kept":
    assert keep_freed_memory()
def touch():
    np.ones(2**26, np.uint8)  # more than 32 MiB
touch()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(4):
    touch()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def new_pages(mode: str) -> int:
    out = subprocess.run([sys.executable, "-c", CODE, mode], stdout=subprocess.PIPE, text=True, check=True)
    return int(out.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_freed_memory_is_used_again():
    assert new_pages("kept") < 0.02 * new_pages("as usual")


def test_other_systems_are_left_as_they_are(monkeypatch):
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    assert not keep_freed_memory()
