"""Run a compiled kernel over chunks of work on a few threads.

The kernels release the interpreter's lock (``nogil``), so plain threads suffice. Numba's own parallel mode is
not used, as it compiles several times longer. Its OpenMP layer also aborts a process forked after its first
use, which is what a data loader does.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator

from anystar.runtime.cores import num_cores
from anystar.runtime.interrupt import checkpoint, is_checked

__all__ = ["default_num_threads", "run_chunks"]

_CHUNKS_PER_THREAD = 16


def default_num_threads() -> int:
    """Return the number of threads to use: the cores of this process, at most ``OMP_NUM_THREADS`` if set."""
    limit = os.environ.get("OMP_NUM_THREADS", "")
    return max(1, min(num_cores(), int(limit))) if limit.isdigit() else num_cores()


def run_chunks(
    work: Callable[[int, int], object],
    num_items: int,
    *,
    num_threads: int | None = None,
    min_chunk: int = 1,
) -> None:
    """Call ``work(start, stop)`` so that the half-open ranges cover ``range(num_items)``.

    Between two ranges the work can be stopped, see :mod:`anystar.runtime.interrupt`.

    Parameters
    ----------
    work : callable
        Must be independent between ranges; exceptions are raised here.
    num_items : int
        Number of items; ``work`` is not called if it is 0.
    num_threads : int, optional
        Maximum number of threads; :func:`default_num_threads` by default.
    min_chunk : int
        Smallest number of items worth a call.

    Examples
    --------
    >>> done = []
    >>> run_chunks(lambda a, b: done.extend(range(a, b)), 5, num_threads=1)
    >>> done
    [0, 1, 2, 3, 4]
    """
    if num_items <= 0:
        return
    threads = default_num_threads() if num_threads is None else num_threads
    if threads < 1:
        raise ValueError(f"num_threads must be at least 1, got {threads}")
    size = max(min_chunk, -(-num_items // (threads * _CHUNKS_PER_THREAD)))
    if threads == 1 and not is_checked():
        size = num_items
    num_chunks = -(-num_items // size)
    starts = iter(range(0, num_items, size))  # shared: each thread takes the next chunk
    failed: list[BaseException] = []

    def help_out() -> None:
        try:
            for start in starts:
                work(start, min(start + size, num_items))
        except BaseException as error:
            failed.append(error)
            _exhaust(starts)

    helpers: list[threading.Thread] = []
    try:
        for _ in range(min(threads, num_chunks) - 1):
            helper = threading.Thread(target=help_out)
            helper.start()
            helpers.append(helper)
        for start in starts:
            checkpoint()
            work(start, min(start + size, num_items))
    finally:
        _exhaust(starts)  # empty already, unless something failed
        for helper in helpers:
            helper.join()
    if failed:
        raise failed[0]


def _exhaust(starts: Iterator[int]) -> None:
    """Let no thread begin another chunk."""
    for _ in starts:
        pass
