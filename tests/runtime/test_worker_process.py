"""Workers end with those that they work for."""

import os
import signal
import subprocess
import sys
import time

import pytest

TRAINING = """
import os, sys
from anystar.nn.model import NetworkConfig
from anystar.train import TrainConfig, fit

if __name__ == "__main__":
    config = TrainConfig(
        recipes=("mild",), iterations=100_000, patch=(16, 16, 16), workers=1, log_every=1,
        network=NetworkConfig(channels=(4, 8), grid=2, num_rays=32, head_channels=8),
    )
    for event in fit(config, sys.argv[1], device="cpu"):
        if event.step == 1:
            print("learning", flush=True)
"""


def processes(folder):
    """Return the processes of a run by the mark in their environment, as /proc says it."""
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/environ", "rb") as file:
                if f"ANYSTAR_TEST_RUN={folder}".encode() in file.read():
                    found.append(int(entry))
        except OSError:  # gone, or someone else's
            continue
    return found


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_the_worker_of_a_killed_training_ends(tmp_path):
    script = tmp_path / "training.py"
    script.write_text(TRAINING)
    marked = os.environ | {"ANYSTAR_TEST_RUN": str(tmp_path), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(script), str(tmp_path / "run")]
    with subprocess.Popen(command, env=marked, stdout=subprocess.PIPE, text=True) as training:
        assert training.stdout.readline() == "learning\n"
        assert len(processes(tmp_path)) > 1
        training.kill()
        training.stdout.close()
    deadline = time.monotonic() + 10
    while (left := processes(tmp_path)) and time.monotonic() < deadline:
        time.sleep(0.1)
    for number in left:
        os.kill(number, signal.SIGKILL)
    assert not left
