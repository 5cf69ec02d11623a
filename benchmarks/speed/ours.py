"""Time AnyStar on a volume: ``python ours.py VOLUME.npy REPEAT [MODEL]``."""

import json
import resource
import sys
import time

import numpy as np

import anystar


def main() -> None:
    volume, repeat, name = np.load(sys.argv[1]), int(sys.argv[2]), sys.argv[3] or None
    model = anystar.load_model(name, device="cpu")
    told: float | None = None
    for what in ("estimating the diameter", "told the diameter"):
        seconds = []
        for _ in range(repeat + (repeat > 1)):
            began = time.perf_counter()
            result = model.segment(volume, diameter=told)
            seconds.append(time.perf_counter() - began)
        told = result.diameter_vox
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        line = {
            "name": what,
            "seconds": float(np.median(seconds[-repeat:])),
            "peak_mib": peak,
            "num": len(result.objects),
        }
        print(json.dumps(line), flush=True)


main()
