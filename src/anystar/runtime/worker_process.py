"""Start-up of a worker process: it ends with its parent, and keeps freed memory."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading

from anystar.runtime.allocator import keep_freed_memory

__all__ = ["begin_worker"]


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
