"""Start-up of a worker process: it ends with its parent, and keeps freed memory."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from multiprocessing import resource_tracker

from anystar.runtime.own_process import keep_freed_memory

__all__ = ["begin_worker", "signals_left_to_parent"]


@contextlib.contextmanager
def signals_left_to_parent() -> Iterator[None]:
    """Let processes that are started meanwhile never get a signal that ends a run.

    ``timeout``, schedulers and terminals send one to all processes of a group. The parent decides what
    becomes of it, and workers end with the parent. Blocked signals are inherited.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    try:
        resource_tracker.ensure_running()  # first: it unblocks the others when it starts
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def begin_worker() -> None:
    """Keep freed memory, leave Ctrl-C (sent to all processes) to the parent, end when the parent ends."""
    keep_freed_memory()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _end_with_parent()


def _end_with_parent() -> None:
    """End this process as soon as the one that started it is gone.

    The parent's number does not help: under ``forkserver`` it is that of the server, which lives on.
    """
    parent = multiprocessing.parent_process()

    def follow() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
