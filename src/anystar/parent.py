"""A worker process ends with the process that it works for, even if that is killed."""

from __future__ import annotations

import multiprocessing
import os
import threading

__all__ = ["end_with_parent"]


def end_with_parent() -> None:
    """Let this process end as soon as the one that asked for it is gone; called once in a worker.

    Not by the parent's number: under ``forkserver`` that is the server, which lives as long as its workers.
    """
    parent = multiprocessing.parent_process()

    def follow() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
