"""Segment one volume with AnyStar and with StarDist in AnyStar's configuration, side by side, on the CPU.

``python -m benchmarks.speed --peer PEER/bin/python``, PEER an environment with stardist and tensorflow.
Each measurement is a process of its own: seconds by its own clock (a median, after one warm-up; with
``--repeat 1``, for volumes that take minutes, the only one), peak memory of the process. ``anystar segment``
is timed as a whole command, from start to files written. ``--float32`` computes as a processor without
bfloat16 does.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.speed.clock import median_seconds

HERE = Path(__file__).parent
FLOAT32 = "import torch; torch.cpu._is_avx512_bf16_supported = lambda: False; "
"""What makes a process compute as on a processor without bfloat16."""


def ask(python: str, script: str, *arguments: str) -> dict[str, dict[str, float]]:
    """Run a script that prints one JSON object a line; return them by name."""
    done = subprocess.run(
        [python, str(HERE / script), *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{script} failed:\n{done.stderr[-2000:]}")
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {line["name"]: line for line in lines}


def time_command(volume: Path, folder: Path, model: str | None, repeat: int, before: str) -> dict[str, float]:
    """Time ``anystar segment`` after ``before``, as a user meets it: from a fresh process to the files."""
    command = [sys.executable, "-c", f"{before}from anystar.cli import main; main()", "segment", str(volume)]
    command += ["-o", str(folder / "labels.tif"), "--overwrite", "--device", "cpu"]
    command += ["--model", model] if model else []
    seconds = median_seconds(lambda: subprocess.run(command, capture_output=True, check=True), repeat)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    return {"seconds": seconds, "peak_mib": peak}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--size", type=int, nargs="+", default=[128], help="voxels an axis, or along Z, Y and X"
    )
    parser.add_argument("--peer", help="python of an environment with stardist and tensorflow")
    parser.add_argument("--model", help="name or path of the model")
    parser.add_argument("--float32", action="store_true", help="as on a processor without bfloat16")
    parser.add_argument("--repeat", type=int, default=3)
    given = parser.parse_args()
    if len(given.size) not in (1, 3):
        parser.error("--size takes one number, or three")
    shape = tuple(given.size * (3 // len(given.size)))
    os.environ.setdefault("OMP_NUM_THREADS", str(len(os.sched_getaffinity(0))))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        volume = folder / "volume.npy"
        # In another process: the peak memory of a process is at least that of its parent
        words = [sys.executable, "-m", "benchmarks.speed.volume", str(volume), *map(str, shape)]
        subprocess.run(words, check=True)
        rows = [
            (
                "AnyStar, `anystar segment` as a command",
                time_command(volume, folder, given.model, given.repeat, FLOAT32 if given.float32 else ""),
            )
        ]
        words = [str(volume), str(given.repeat), given.model or "", *["float32"] * given.float32]
        ours = ask(sys.executable, "ours.py", *words)
        rows += [(f"AnyStar, {name}", line) for name, line in ours.items()]
        theirs: dict[str, dict[str, float]] = {}
        if given.peer:
            theirs = ask(given.peer, "theirs.py", str(volume), str(given.repeat))
            rows += [(f"StarDist, {name}", line) for name, line in theirs.items()]
    print(f"\n| {' x '.join(map(str, shape))} voxels | seconds | peak MiB |\n|---|---|---|")
    for name, line in rows:
        print(f"| {name} | {line['seconds']:.2f} | {line['peak_mib']:,} |")
    print(f"\nAnyStar finds {ours['given both']['num']:,} objects.")
    if theirs:
        whole, mine = theirs["network and instances"], rows[0][1]
        print(
            f"\nAs a command AnyStar takes {mine['seconds'] / whole['seconds']:.2f} of the time and "
            f"{mine['peak_mib'] / whole['peak_mib']:.2f} of the memory of StarDist's network and instances."
        )


if __name__ == "__main__":
    main()
