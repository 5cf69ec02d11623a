import os
import subprocess
import sys

import pytest

from anystar.runtime.openmp import wait_passively

CODE = """
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
    done = subprocess.run([sys.executable, "-c", CODE], env=env, capture_output=True, text=True, check=True)
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
