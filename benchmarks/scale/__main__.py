"""What blockwise segmentation costs: time of each kind of work, peak memory, and the engine's own share.

``python -m benchmarks.scale --sizes 128 256 512 1024`` with a stub of a network that answers from the ground
truth; ``--real`` with the bundled model. Each size is a process of its own, whose peak memory is reported.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

KINDS = ("reading", "network", "suppression", "rasterising", "measuring", "writing", "files")


def one(size: int, folder: Path, memory: int, real: bool) -> dict[str, float]:
    """Segment one volume in this process."""
    import anystar
    from anystar.blocks import BlockOptions, segment_blocks
    from anystar.io import open_image
    from anystar.outputs import Outputs
    from anystar.runtime.own_process import keep_freed_memory
    from benchmarks.scale.volume import Truthful, write_volume

    keep_freed_memory()  # as the command does
    path = folder / "image.zarr"
    objects = write_volume(path, size)
    made = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    model = anystar.load_model(device="cpu")
    stages: list[tuple[str, float]] = []

    def progress(done: int, total: int, what: str) -> None:
        stages.append((what.split(",")[0], time.perf_counter()))

    began, worked = time.perf_counter(), time.process_time()
    with open_image(path) as image:
        outcome = segment_blocks(
            image,
            Outputs(labels=folder / "labels.zarr", table=folder / "objects.parquet"),
            BlockOptions(diameter=22.0 if real else model.defaults.diameter, memory=memory),
            model=model,
            detector=None if real else Truthful(size),
            progress=progress,
        )
    stop = time.perf_counter()
    first = dict(reversed(stages))
    return {
        "size": size,
        "ground_truth": objects,
        "objects": outcome.num_objects,
        "seconds": stop - began,
        "cpu": time.process_time() - worked,
        "before": first["network"] - began,
        "pyramid": stop - first["pyramid"],
        "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9,
        "made_gb": made * 1024 / 1e9,
        **{kind: outcome.timings.get(kind, 0.0) for kind in KINDS},
    }


def table(rows: list[dict[str, float]]) -> str:
    """Return the measurements as Markdown."""
    lines = [
        "| voxels | objects | found | seconds | before | "
        + " | ".join(KINDS)
        + " | pyramid | engine | peak GB |"
    ]
    lines.append("|" + "---:|" * (len(KINDS) + 8))
    for row in rows:
        work = sum(row[kind] for kind in KINDS if kind != "files")
        engine = row["seconds"] - row["before"] - row["pyramid"] - work
        cells = [f"{row['size']:.0f}^3", f"{row['ground_truth']:,.0f}", f"{row['objects']:,.0f}"]
        cells += [f"{row[k]:.1f}" for k in ("seconds", "before", *KINDS, "pyramid")]
        cells += [f"{engine:.1f} ({100 * engine / row['seconds']:.1f}%)", f"{row['peak_gb']:.2f}"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=[128, 256, 512])
    parser.add_argument("--memory", default="4GB")
    parser.add_argument("--real", action="store_true", help="the bundled model instead of the stub")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        from anystar.blocks.memory import parse_memory

        with tempfile.TemporaryDirectory() as name:
            print(json.dumps(one(given.one, Path(name), parse_memory(given.memory), given.real)))
        return
    rows = []
    for size in given.sizes:
        command = [sys.executable, "-m", "benchmarks.scale", "--one", str(size), "--memory", given.memory]
        done = subprocess.run(command + ["--real"] * given.real, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(done.stderr[-3000:])
        rows.append(json.loads(done.stdout.splitlines()[-1]))
        print(table(rows[-1:]), flush=True)
    print("\n" + table(rows))


if __name__ == "__main__":
    main()
