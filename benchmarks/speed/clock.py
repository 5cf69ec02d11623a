"""How a piece of work is timed: only the standard library, for it runs in the peer's environment too."""

import statistics
import time
from collections.abc import Callable


def median_seconds(work: Callable[[], object], repeat: int) -> float:
    """Return the median of ``repeat`` runs after one that does not count; of a single run, its time."""
    seconds = []
    for _ in range(repeat + (repeat > 1)):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds[-repeat:])
