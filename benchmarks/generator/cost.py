"""Seconds and peak memory of a fresh, fully augmented sample, each recipe and size a process of its own.

    python -m benchmarks.generator.cost [--threads 2] [--recipes as-mix wide] [--sizes 32 64 128 256]

Prints a Markdown table: median, mean and 90% quantile of the elapsed seconds after one sample to warm up,
mean core seconds, nanoseconds a voxel (of the mean), and the peak memory of the whole process (Python and
torch alone take 0.3 GB).
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable

RECIPES = ["as-mix", "wide", "mild", "broad", "reference augmentation", "reference sample"]
"""Ours by their names, and two that do as the reference does (``theirs.py``), 64³ only."""


def ours(recipe: str, size: int) -> Callable[[int], None]:
    """Return what makes one fresh sample of a recipe."""
    from anystar.synth.generate import generate
    from anystar.synth.recipes import get_recipe

    def make(index: int) -> None:
        shape = (size if index >= 0 else min(size, 64),) * 3
        generate(get_recipe(recipe), seed=1, indices=[index % 1000], shape=shape)

    return make


def theirs(fresh: bool) -> Callable[[int], None]:
    """Return what augments a given image, or makes a fresh sample, as the reference does."""
    import numpy as np

    from benchmarks.generator.theirs import augmentation, augmented, image_of, label_map

    rng, sequence = np.random.default_rng(1), augmentation(1)
    labels, image = image_of(label_map(rng), rng)

    def make(index: int) -> None:
        given = image_of(label_map(rng), rng) if fresh else (labels, image)
        augmented(*given, sequence, rng)

    return make


def measure(recipe: str, size: int, repeat: int, threads: int) -> None:
    """Time one recipe at one size in this process; print a line of JSON."""
    import numpy as np
    import torch

    from anystar.dataset.pool import LARGEST
    from anystar.runtime.own_process import keep_freed_memory

    torch.set_num_threads(threads)
    if not recipe.startswith("reference"):
        keep_freed_memory(LARGEST)  # as `anystar synthesize` and its workers do
    make = theirs(recipe.endswith("sample")) if recipe.startswith("reference") else ours(recipe, size)
    seconds, core = [], []
    for index in range(-1, repeat):
        began, began_core = time.perf_counter(), time.process_time()
        make(index)
        if index >= 0:
            seconds.append(time.perf_counter() - began)
            core.append(time.process_time() - began_core)
    line = {
        "median": np.median(seconds),
        "mean": np.mean(seconds),
        "high": np.percentile(seconds, 90),
        "core": np.mean(core),
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    }
    print(json.dumps({k: float(v) for k, v in line.items()}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--repeat", type=int, default=12, help="samples of 64³ and less; fewer of larger ones"
    )
    parser.add_argument("--recipes", nargs="+", default=RECIPES)
    parser.add_argument("--sizes", nargs="+", type=int, default=[64])
    parser.add_argument("--one", nargs=2, metavar=("RECIPE", "SIZE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        measure(options.one[0], int(options.one[1]), options.repeat, options.threads)
        return
    print(
        "| what | voxels | median s | mean s | 90% s | core s | ns a voxel | peak GiB |\n|---|" + 7 * "---|"
    )
    environment = os.environ | {"OMP_NUM_THREADS": str(options.threads)}
    for recipe in options.recipes:
        for size in options.sizes:
            if recipe.startswith("reference") and size != 64:
                continue
            repeat = max(2, min(options.repeat, round(options.repeat * (64 / size) ** 3)))
            repeat = max(2, options.repeat // 8) if recipe == "reference sample" else repeat
            base = [sys.executable, "-m", "benchmarks.generator.cost", "--one", recipe, str(size)]
            more = ["--repeat", str(repeat), "--threads", str(options.threads)]
            out = subprocess.run(
                [*base, *more], env=environment, stdout=subprocess.PIPE, text=True, check=True
            )
            f = json.loads(out.stdout.splitlines()[-1])
            each = 1e9 * f["mean"] / size**3
            cells = [recipe, f"{size}³", *(f"{f[key]:.3f}" for key in ("median", "mean", "high", "core"))]
            print(f"| {' | '.join(cells)} | {each:.0f} | {f['peak']:.2f} |", flush=True)


if __name__ == "__main__":
    main()
