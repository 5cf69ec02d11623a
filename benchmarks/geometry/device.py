"""The geometry of torch tensors, timed on a device.

    python -m benchmarks.geometry.device --data DIR [--device cuda]

Star distances and object probability of 16 volumes of 64³, and suppression and rasterising of the 256³ volume
with the candidates that ``python -m benchmarks.geometry`` left in the folder. Labels are on the device before
the clock starts; candidates and results are copied, as in a segmentation. The device has finished when the
clock stops. On ``cpu`` Numba does the work.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from anystar.geometry.nms import suppress
from anystar.geometry.object_probability import object_probability
from anystar.geometry.polyhedra import Polyhedra
from anystar.geometry.rasterise import rasterise
from anystar.geometry.rays import golden_spiral
from anystar.geometry.star_distances import star_distances
from benchmarks.geometry.scenes import volume


def timed(work: Callable[[], Any], device: torch.device, repeat: int = 5) -> tuple[Any, float, float]:
    """Return the last result, the median of the seconds after a first call, and the peak memory in MiB."""
    seconds = []
    result = work()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    for _ in range(repeat):
        result = None
        synchronise(device)
        began = time.perf_counter()
        result = work()
        synchronise(device)
        seconds.append(time.perf_counter() - began)
    peak = torch.cuda.max_memory_allocated(device) / 2**20 if device.type == "cuda" else float("nan")
    return result, float(np.median(seconds)), peak


def synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--device", default="cuda")
    options = parser.parse_args()
    device, rays = torch.device(options.device), golden_spiral(96)
    whole = volume(options.data, 256)
    batch = whole.reshape(4, 64, 4, 64, 4, 64).transpose(0, 2, 4, 1, 3, 5).reshape(64, 64, 64, 64)[::4]
    labels = torch.tensor(batch.astype(np.int32), device=device)
    print(f"{torch.cuda.get_device_name(device) if device.type == 'cuda' else device}\n")
    print("| work | seconds | MiB |\n|---|---|---|")

    def line(what: str, work: Callable[[], Any]) -> Any:
        result, seconds, peak = timed(work, device)
        print(f"| {what} | {seconds:.4f} | {peak:.0f} |", flush=True)
        return result

    points = torch.ones_like(labels, dtype=torch.bool).nonzero()
    line("star distances, 16 x 64³", lambda: star_distances(labels, points, rays))
    line("object probability, 16 x 64³", lambda: object_probability(labels))
    at, distances, prob = (np.load(options.data / f"{n}-2.npy") for n in ("points", "distances", "prob"))
    candidates = Polyhedra(at, distances, rays, prob)
    kept = line("suppression, 256³ grid 2", lambda: suppress(candidates, device=device))
    bodies = candidates.take(kept)
    line("rasterising, 256³", lambda: rasterise(bodies, (256, 256, 256), device=device))


if __name__ == "__main__":
    main()
