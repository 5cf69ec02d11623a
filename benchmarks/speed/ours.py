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
    told = model.segment(volume).diameter_vox
    for what, diameter in (("told the diameter", told), ("estimating the diameter", None)):
        model.segment(volume, diameter=diameter)
        seconds = []
        for _ in range(repeat):
            began = time.perf_counter()
            result = model.segment(volume, diameter=diameter)
            seconds.append(time.perf_counter() - began)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        line = {
            "name": what,
            "seconds": float(np.median(seconds)),
            "peak_mib": peak,
            "num": len(result.objects),
        }
        print(json.dumps(line), flush=True)


main()
