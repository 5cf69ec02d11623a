"""One measurement per process: median seconds (elapsed, and of all cores) and peak memory, as JSON."""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Callable
from typing import Any

import numpy as np


def report(work: Callable[[], Any], *, repeat: int, warm: bool = True) -> Any:
    """Call ``work`` ``repeat`` times (once before, if ``warm``), print a line, return the last result."""
    result = work() if warm else None
    seconds, processor = [], []
    for _ in range(repeat):
        result = None  # a result is not held while the next is made
        began, began_processor = time.perf_counter(), time.process_time()
        result = work()
        seconds.append(time.perf_counter() - began)
        processor.append(time.process_time() - began_processor)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    line = {"seconds": float(np.median(seconds)), "processor": float(np.median(processor)), "peak_mib": peak}
    if hasattr(result, "__len__"):
        line["num"] = len(result)
    print(json.dumps(line), flush=True)
    return result
