"""Seconds and peak memory of a fresh, fully augmented sample, each recipe and size a process of its own.

    python -m benchmarks.generator.cost [--threads 2] [--recipes as-mix wide] [--sizes 32 64 128 256]

Prints a Markdown table: median and 90% quantile of the elapsed seconds after one sample that warms up, core
seconds, the peak memory of the whole process (Python and torch alone take 0.3 GB), and nanoseconds a voxel.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time

RECIPES = ["as-mix", "as-brightfg-plainbg", "as-randfg-plainbg", "as-randfg-perlinbg", "wide", "mild"]


def measure(recipe: str, size: int, repeat: int, threads: int) -> None:
    """Time one recipe at one size in this process; print a line of JSON."""
    import numpy as np
    import torch

    from anystar.synth.generate import generate
    from anystar.synth.recipes import get_recipe

    torch.set_num_threads(threads)
    seconds, core = [], []
    for index in range(-1, repeat):
        began, began_core = time.perf_counter(), time.process_time()
        shape = (size if index >= 0 else min(size, 64),) * 3
        generate(get_recipe(recipe), seed=1, indices=[index % 1000], shape=shape)
        if index >= 0:
            seconds.append(time.perf_counter() - began)
            core.append(time.process_time() - began_core)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    line = {
        "median": np.median(seconds),
        "high": np.percentile(seconds, 90),
        "core": np.median(core),
        "peak": peak,
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
    print("| recipe | voxels | median s | 90% s | core s | ns a voxel | peak GiB |\n|---|" + 6 * "---|")
    environment = os.environ | {"OMP_NUM_THREADS": str(options.threads)}
    for recipe in options.recipes:
        for size in options.sizes:
            repeat = max(2, min(options.repeat, round(options.repeat * (64 / size) ** 3)))
            base = [sys.executable, "-m", "benchmarks.generator.cost", "--one", recipe, str(size)]
            more = ["--repeat", str(repeat), "--threads", str(options.threads)]
            out = subprocess.run(
                [*base, *more], env=environment, stdout=subprocess.PIPE, text=True, check=True
            )
            f = json.loads(out.stdout.splitlines()[-1])
            each = 1e9 * f["median"] / size**3
            cells = [recipe, f"{size}³", f"{f['median']:.3f}", f"{f['high']:.3f}", f"{f['core']:.3f}"]
            print(f"| {' | '.join(cells)} | {each:.0f} | {f['peak']:.2f} |", flush=True)


if __name__ == "__main__":
    main()
