"""How a worker process begins: it ends with the process that it works for, and keeps its memory."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading

from anystar.runtime.allocator import keep_freed_memory

__all__ = ["begin_worker"]


def begin_worker() -> None:
    """Keep memory; leave Ctrl-C, which a terminal sends to all, to the parent; end when that is gone."""
    keep_freed_memory()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _end_with_parent()


def _end_with_parent() -> None:
    """Let this process end as soon as the one that asked for it is gone.

    Not by the parent's number: under ``forkserver`` that is the server, which lives as long as its workers.
    """
    parent = multiprocessing.parent_process()

    def follow() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
