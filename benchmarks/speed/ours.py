"""Time AnyStar on a volume: ``python ours.py VOLUME.npy REPEAT MODEL [float32]``; no MODEL is ``""``."""

import json
import resource
import sys
from typing import Any

import numpy as np
import torch
from clock import median_seconds

import anystar


def main() -> None:
    volume, repeat, name = np.load(sys.argv[1]), int(sys.argv[2]), sys.argv[3] or None
    if "float32" in sys.argv[4:]:
        torch.cpu._is_avx512_bf16_supported = lambda: False
    model = anystar.load_model(name, device="cpu")
    given: dict[str, Any] = {}

    def segment() -> None:
        nonlocal result
        result = model.segment(volume, **given)

    result: anystar.Result
    for what in ("estimating diameter and voxel size", "given both"):
        seconds = median_seconds(segment, repeat)
        given = {"diameter": result.diameter_vox, "spacing": (1.0, 1.0, 1.0)}
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        line = {
            "name": what,
            "seconds": seconds,
            "peak_mib": peak,
            "num": len(result.objects),
        }
        print(json.dumps(line), flush=True)


main()
