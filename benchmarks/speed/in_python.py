"""Time ``Model.segment``: ``python in_python.py VOLUME.npy REPEAT [float32] [given]``, for any version.

Prints one JSON object a run, after one run that warms up: seconds, seconds of the processor, number of
objects. With ``float32`` as on a processor without bfloat16; with ``given`` diameter and spacing are given,
as the first run found them.
"""

import json
import sys
import time
from typing import Any

import numpy as np
import torch

import anystar


def main() -> None:
    volume, repeat, how = np.load(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    if "float32" in how:
        torch.cpu._is_avx512_bf16_supported = lambda: False
    model = anystar.load_model(device="cpu")
    options: dict[str, Any] = {}
    result = model.segment(volume)
    if "given" in how:
        options = {"diameter": result.diameter_vox, "spacing": (1.0, 1.0, 1.0)}
        model.segment(volume, **options)
    for _ in range(repeat):
        began, worked = time.perf_counter(), time.process_time()
        result = model.segment(volume, **options)
        line = {
            "wall": time.perf_counter() - began,
            "cpu": time.process_time() - worked,
            "objects": len(result.objects),
        }
        print(json.dumps(line), flush=True)


main()
