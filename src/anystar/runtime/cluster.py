"""Run the work of one command on workers of Dask.

The packages (``dask``, ``distributed``, ``dask-jobqueue``) are the extra ``scale``; nothing here imports them
before a cluster is requested.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pickle
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from anystar.config import nearest
from anystar.errors import InputError
from anystar.runtime.own_process import WAIT_POLICY

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["ClusterError", "check_where", "connect", "each_done"]

Item = TypeVar("Item")
Result = TypeVar("Result")

_KINDS = ("local", "slurm")
_ADDRESS = re.compile(r"(?:(?:tcp|tls|ucx|ws|wss)://)?(?:[\w.-]+|\[[0-9a-fA-F:]+\]):\d{1,5}")
_ANY_PORT = ":0"
"""Where the dashboard is: several runs on a machine must not meet on one port."""
_PACKAGES = {"distributed": "distributed", "dask_jobqueue": "dask-jobqueue"}


class ClusterError(InputError):
    """A cluster that cannot be used, or was lost; the message says what to do."""


def check_where(where: str) -> None:
    """Raise :class:`ClusterError` unless ``where`` names a cluster and the packages for it are installed.

    Parameters
    ----------
    where : str
        ``"local"`` (processes of this machine), ``"slurm"``, or the address of a running scheduler.

    Examples
    --------
    >>> check_where("locl")
    Traceback (most recent call last):
        ...
    anystar.runtime.cluster.ClusterError: no cluster 'locl'; did you mean 'local'? Or give a scheduler as tcp://HOST:PORT
    """
    if where not in _KINDS and not _ADDRESS.fullmatch(where):
        hint = nearest(where, _KINDS).removesuffix("?")
        hint = f"{hint}?" if "did you mean" in hint else f"{hint}."
        raise ClusterError(f"no cluster {where!r}{hint} Or give a scheduler as tcp://HOST:PORT")
    for module in ["distributed"] if where != "slurm" else _PACKAGES:
        if importlib.util.find_spec(module) is None:
            raise ClusterError(
                f"a Dask cluster needs {_PACKAGES[module]}; pip install dask distributed dask-jobqueue"
            )
    if where == "slurm" and shutil.which("sbatch") is None:
        raise ClusterError("there is no sbatch here; start where SLURM jobs can be submitted, or use local")


@contextlib.contextmanager
def connect(where: str, *, workers: int | None = None, patience: float = 60.0) -> Iterator[Client]:
    """Yield a Dask client. What it started ends with it; a scheduler that was there before stays.

    Parameters
    ----------
    where : str
        ``"local"``: processes of one thread each on this machine. ``"slurm"``: one job per worker, described
        in Dask's configuration (``jobqueue.slurm`` in ``~/.config/dask/jobqueue.yaml``: cores, memory, queue,
        walltime, GPUs); waits in the queue as long as it takes. Else the address of a running scheduler.
    workers : int, optional
        Number of processes or jobs to start: by default one per core for ``"local"`` and 4 for ``"slurm"``.
        Leave it out for a running scheduler, which has its own workers.
    patience : float
        Seconds to wait for a scheduler to answer (20 at most), and for its first worker.

    Raises
    ------
    ClusterError
        If there is no such cluster, or it does not answer.
    """
    check_where(where)
    from distributed import Client

    with contextlib.ExitStack() as stack:
        place: Any = where
        if where == "local":
            place = stack.enter_context(_local(workers))
        elif where == "slurm":
            place = stack.enter_context(_slurm(workers or 4))
        elif workers is not None:
            raise ClusterError("the number of workers is the running scheduler's to choose; leave it out")
        elif "://" not in where:
            place = f"tcp://{where}"
        try:
            client = stack.enter_context(Client(place, timeout=min(patience, 20), set_as_default=False))
        except (OSError, ValueError) as error:  # TimeoutError is an OSError
            what = f"no Dask scheduler answers at {place} ({_brief(error)})"
            raise ClusterError(f"{what}; start one with 'dask scheduler', or use local") from None
        try:
            client.wait_for_workers(1, timeout=None if where == "slurm" else patience)
        except TimeoutError:
            what = f"the Dask scheduler at {where} has no workers"
            raise ClusterError(f"{what}; start some with 'dask worker {place}'") from None
        yield client


def _local(workers: int | None) -> Any:
    import logging

    from distributed import LocalCluster

    return LocalCluster(
        n_workers=workers,
        env={name: os.environ.get(name, value) for name, value in WAIT_POLICY.items()},
        threads_per_worker=1,
        dashboard_address=_ANY_PORT,
        silence_logs=logging.CRITICAL,  # a lost worker is reported by what it costs, not by a log
        memory_limit=0,  # what runs here bounds its own memory; Dask would kill it at a guess
    )


def _slurm(workers: int) -> Any:
    import dask
    from dask_jobqueue import SLURMCluster  # its import brings the defaults of the configuration

    unknown = [key for key in ("cores", "memory") if not dask.config.get(f"jobqueue.slurm.{key}", None)]
    if unknown:
        what = f"SLURM jobs are not described; set {' and '.join(unknown)} under jobqueue.slurm"
        raise ClusterError(f"{what} in ~/.config/dask/jobqueue.yaml")
    given = dask.config.get("jobqueue.slurm.scheduler-options", None) or {}
    before = dask.config.get("jobqueue.slurm.job-script-prologue", None) or []
    exports = [f'export {name}="${{{name}:-{value}}}"' for name, value in WAIT_POLICY.items()]
    cluster = SLURMCluster(
        scheduler_options={"dashboard_address": _ANY_PORT, **given},
        job_script_prologue=[*exports, *before],
    )
    cluster.scale(jobs=workers)
    return cluster


def _brief(error: BaseException) -> str:
    return str(error).splitlines()[0].rstrip(": ,") if str(error) else type(error).__name__


def each_done(
    client: Client, function: Callable[[Item], Result], items: Iterable[Item], *, ahead: int = 4
) -> Iterator[tuple[Item, Result]]:
    """Yield each item with ``function(item)`` as it is finished, in any order.

    At most ``ahead`` tasks for every thread of the workers are with the scheduler at a time, so that millions
    of items cost no memory and workers that join late get their share. A task whose worker is lost runs again
    on another one. What ``function`` raises is raised here; tasks that have not begun are then cancelled.

    Parameters
    ----------
    client : distributed.Client
    function : callable
        Importable by the workers (or picklable); runs in several threads if their workers have several.
    items : iterable
        Picklable.
    ahead : int
        At least 1.

    Raises
    ------
    ClusterError
        If one item lost several workers in a row, or the scheduler is gone.
    """
    from concurrent.futures import CancelledError

    from distributed import Future, as_completed
    from distributed.protocol.pickle import dumps
    from distributed.scheduler import KilledWorker

    packed = dumps(function)
    waiting = iter(items)
    running: dict[Future, Item] = {}
    completed = as_completed(loop=client.loop)

    def submit_some() -> None:
        room = ahead * max(1, sum(client.nthreads().values())) - len(running)
        for _ in range(max(0, room)):
            for item in waiting:
                future = client.submit(_call, packed, item, pure=False)
                running[future] = item
                completed.add(future)
                break
            else:
                return

    try:
        submit_some()
        while running:
            future = next(completed)
            item = running.pop(future)
            try:
                result = future.result()
            except KilledWorker as error:
                times = error.allowed_failures + 1
                what = f"{item!r} lost {times} workers in a row"
                raise ClusterError(
                    f"{what}; they ran out of memory or were ended: give them more, or use fewer a machine"
                ) from None
            except CancelledError:
                raise ClusterError(
                    "the Dask scheduler is gone; start it again, and then this command: it goes on"
                ) from None
            finally:
                future.release()
            submit_some()
            yield item, result
    finally:
        with contextlib.suppress(Exception):  # the scheduler may be gone
            client.cancel(list(running))


def _call(packed: bytes, item: Any) -> Any:
    """Unpack a function and call it, all in the thread of the task.

    Dask unpacks in the thread of its connections. What opens files there fails now and then: Python 3.11
    cannot read the headers of two NumPy files in two threads (``AST constructor recursion depth mismatch``),
    and the connection would be lost with it.
    """
    return _unpacked(packed)(item)


@lru_cache(maxsize=4)
def _unpacked(packed: bytes) -> Callable[[Any], Any]:
    return pickle.loads(packed)
