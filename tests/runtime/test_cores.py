"""The cores that a process may use."""

import os
import subprocess
import sys

import pytest

from anystar.runtime.cores import num_cores

ONE = """
import os
os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
from anystar.runtime.cores import num_cores
print(num_cores())
"""


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no affinity of processes")
def test_a_process_that_is_kept_on_one_core_has_one():
    assert num_cores() == len(os.sched_getaffinity(0))
    assert subprocess.check_output([sys.executable, "-c", ONE], text=True).split() == ["1"]


def test_without_an_affinity_the_cores_of_the_machine_count(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 7)
    assert num_cores() == 7
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert num_cores() == 1
