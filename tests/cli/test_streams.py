"""Closed streams and signals: what daemons, schedulers and closed terminals do to a run."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from anystar import io
from anystar.arrays import Volume

CODE = "from anystar.cli import main; main()"


@pytest.mark.parametrize("closed", ["1>&-", "2>&-", "0<&- 1>&- 2>&-"])
def test_closed_streams(tmp_path, closed):
    """The work is done, and nothing that is printed gets into a file."""
    labels = np.zeros((6, 8, 8), np.uint16)
    labels[2:4, 2:5, 2:5] = 3
    io.write(tmp_path / "l.tif", Volume(data=labels))
    command = f"{sys.executable} -c '{CODE}' measure l.tif --table t.csv --overwrite {closed}"
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, check=False)
    assert done.returncode == 0
    assert (tmp_path / "t.csv").read_text().splitlines()[1].startswith("3,")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_no_temporary_files(tmp_path, number):
    """While something is written, in the words of the command line, and with its exit code."""
    code = (
        "import signal, time, click, anystar.cli.group as g\n"
        "from anystar.runtime.atomic import staged\n"
        "signal.signal(signal.SIGHUP, signal.SIG_DFL)\n"  # ignored where the tests run without a terminal
        "@click.command()\n"
        "def wait():\n"
        "    with staged('a.txt') as (path,):\n"
        "        print('begun', flush=True)\n"
        "        time.sleep(60)\n"
        "g._Group.get_command = lambda *_: wait\n"
        "g.main(['segment'])\n"
    )
    words = [sys.executable, "-c", code]
    with subprocess.Popen(words, cwd=tmp_path, stdout=-1, stderr=-1, text=True) as process:
        assert process.stdout.readline() == "begun\n"
        assert len(list(tmp_path.iterdir())) == 1
        process.send_signal(number)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert errors.strip() == "anystar: interrupted; finished files are kept, nothing is half-written"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("delay", [0.0, 0.5, 1.5])
def test_sigterm_to_all_processes_while_training_starts(tmp_path, delay):
    """What ``timeout`` and schedulers send; one line or a clean stop, whenever it comes."""
    config = tmp_path / "c.toml"
    config.write_text(
        'recipes = ["mild"]\niterations = 100000\npatch = [16, 16, 16]\nworkers = 2\n'
        "[network]\nchannels = [4, 8]\nnum_rays = 32\nhead_channels = 8\ngrid = 2\n"
    )
    words = [sys.executable, "-c", CODE, "train", "--config", str(config), "--out", str(tmp_path / "run")]
    process = subprocess.Popen(words, stdout=-1, stderr=-1, text=True, process_group=0)
    deadline = time.monotonic() + 120
    while not (tmp_path / "run" / "config.toml").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(delay)
    os.killpg(process.pid, signal.SIGTERM)
    _, errors = process.communicate(timeout=120)
    assert "Traceback" not in errors
    assert process.returncode in (0, 130), errors
