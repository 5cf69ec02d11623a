"""Work on Dask workers: a real local cluster, workers that die, and a stand-in for SLURM."""

import os
import signal
import stat
import sys
import time
from functools import partial

import pytest

from anystar.runtime.cluster import ClusterError, check_where, connect, each_done


def square(number):
    return number * number


def fail_at(bad, number):
    if number == bad:
        raise OSError(28, "No space left on device", "somewhere")
    return number


def die_once(folder, number):
    """End the worker the first time that 3 is asked for."""
    mark = folder / "died"
    if number == 3 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.05)
    return number


def die(number):
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture(scope="module")
def client():
    with connect("local", workers=2) as client:
        yield client


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("locl", r"no cluster 'locl'; did you mean 'local'\? Or give a scheduler as tcp://HOST:PORT"),
        ("tcp://host", r"no cluster 'tcp://host'; known: local, slurm\. Or give a scheduler"),
        ("slurm", "there is no sbatch here; start where SLURM jobs can be submitted"),
    ],
)
def test_what_is_no_cluster(where, message, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ClusterError, match=message):
        check_where(where)


def test_without_the_packages(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ClusterError, match="needs distributed; pip install dask distributed"):
        check_where("local")


def test_every_item_once(client):
    taken = []

    def items():
        for number in range(30):
            taken.append(number)
            yield number

    done = {}
    for number, result in each_done(client, square, items(), ahead=2):
        assert number not in done
        done[number] = result
        assert len(taken) - len(done) <= 4, "two tasks ahead for each of two workers"
    assert done == {n: n * n for n in range(30)}
    assert list(each_done(client, square, [])) == []


def test_what_a_task_raises_is_raised_here(client):
    with pytest.raises(OSError, match="No space left") as caught:
        list(each_done(client, partial(fail_at, 5), range(100)))
    assert caught.value.filename == "somewhere"


@pytest.mark.slow
def test_a_lost_worker_costs_nothing_but_time(client, tmp_path):
    done = dict(each_done(client, partial(die_once, tmp_path), range(20)))
    assert done == {n: n for n in range(20)}
    assert (tmp_path / "died").exists()
    with pytest.raises(ClusterError, match="7 lost 4 workers in a row; they ran out of memory"):
        list(each_done(client, die, [7]))


def test_a_running_scheduler_stays(client):
    client.wait_for_workers(2)  # the test before has killed some; Dask trips over news of them in a handshake
    address = client.scheduler_info()["address"]
    for where in (address, address.removeprefix("tcp://")):
        with connect(where) as other:
            assert dict(each_done(other, square, [4])) == {4: 16}
    assert dict(each_done(client, square, [5])) == {5: 25}
    with (
        pytest.raises(ClusterError, match="is the running scheduler's to choose"),
        connect(address, workers=2),
    ):
        pytest.fail("connected")


def test_nobody_answers_and_nobody_works():
    from distributed import LocalCluster

    with (
        pytest.raises(ClusterError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9"),
        connect("127.0.0.1:9", patience=0.3),
    ):
        pytest.fail("connected")
    with (
        LocalCluster(n_workers=0, dashboard_address=":0") as empty,
        pytest.raises(ClusterError, match="has no workers; start some with 'dask worker tcp://"),
        connect(empty.scheduler_address, patience=0.5),
    ):
        pytest.fail("connected")


@pytest.mark.slow
def test_slurm_jobs(tmp_path, monkeypatch):
    """``sbatch`` is a stand-in that runs the job script at once, as a node would."""
    import dask

    for name, script in {
        # Keeps a copy of the script, as SLURM does: whoever submits it deletes it at once
        "sbatch": f'cp "$1" {tmp_path}/job.sh\nbash {tmp_path}/job.sh > {tmp_path}/job.log 2>&1 &\n'
        'echo "Submitted batch job $!"',
        "scancel": 'kill "$@"',
    }.items():
        (tmp_path / name).write_text(f"#!/bin/bash\n{script}\n")
        (tmp_path / name).chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(ClusterError, match=r"set cores and memory under jobqueue\.slurm"), connect("slurm"):
        pytest.fail("connected")
    described = {
        "jobqueue.slurm.cores": 1,
        "jobqueue.slurm.memory": "2GB",
        "jobqueue.slurm.python": sys.executable,
        "jobqueue.slurm.scheduler-options": {"host": "127.0.0.1"},
        "jobqueue.slurm.job-script-prologue": ["export THEIRS=kept"],
    }
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    with dask.config.set(described), connect("slurm", workers=1) as client:
        assert dict(each_done(client, abs, [-4])) == {-4: 4}
        names = ["OMP_WAIT_POLICY", "THEIRS"]
        assert dict(each_done(client, os.getenv, names)) == {
            "OMP_WAIT_POLICY": "PASSIVE",
            "THEIRS": "kept",
        }
