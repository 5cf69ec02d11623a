"""Geometry side by side with StarDist 0.9.2, as a Markdown table.

    python -m venv peer && peer/bin/pip install stardist tensorflow tensorboard edt
    python -m benchmarks.geometry --peer peer/bin/python --data DIR [--threads 2] [--long] [--only WORD]

Every measurement is a process of its own: median seconds of several calls (ours after one that compiles),
elapsed and summed over the cores, and the peak memory of the whole process. ``--long`` includes what takes
StarDist ten minutes. The ratio is of elapsed seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
# (task, what it is, the target in seconds, does StarDist do it, is it long)
TASKS = [
    ("distances-64-1", "star distances, 64³", None, True, False),
    ("distances-128-1", "star distances, 128³", 0.8, True, False),
    ("distances-256-2", "star distances, 256³, grid 2", None, True, False),
    ("distances-256-1", "star distances, 256³", None, True, True),
    ("sampled", "star distances at 4,096 voxels of 64³", 0.03, False, False),
    ("probability-256", "object probability, 256³", None, True, False),
    ("suppress-2-", "suppression, 256³ grid 2, 76,172 candidates", 1.0, True, False),
    ("suppress-2-noisy", "the same, noisy", None, True, False),
    ("suppress-1-", "suppression, 256³ grid 1, 645,291 candidates", 6.0, True, True),
    ("suppress-1-noisy", "the same, noisy", None, False, True),
    ("suppress-million", "suppression, 1,000,000 candidates of 20,000 objects", 15.0, False, True),
    ("suppress-scale-125000", "suppression, 125,000 candidates of 2,500 objects", None, False, True),
    ("suppress-scale-250000", "the same, twice as many", None, False, True),
    ("suppress-scale-500000", "the same, four times as many", None, False, True),
    ("rasterise", "rasterising 1,940 bodies, 256³", 0.5, True, False),
    ("match", "matching 2,000 with 1,940 objects, one threshold, 256³", 0.15, True, False),
]


def run(python: str, script: str, task: str, folder: Path, threads: int, repeat: int) -> dict | None:
    """Run one task in a process of its own; the last line that it prints."""
    source = str(HERE.parent.parent / "src") if script == "ours.py" else ""
    environment = os.environ | {"OMP_NUM_THREADS": str(threads), "PYTHONPATH": source}
    command = [python, str(HERE / script), task, str(folder), str(repeat)]
    lines = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout
    return json.loads(lines.splitlines()[-1]) if lines.strip() else None


def prepare(folder: Path, peer: str | None, threads: int, grids: list[int]) -> None:
    for grid in grids:
        if not (folder / f"probnoisy-{grid}.npy").exists():
            if peer is None:
                raise SystemExit(f"the candidates of grid {grid} are StarDist's: --peer is needed once")
            run(peer, "theirs.py", f"prepare-{grid}", folder, threads, 1)


def figures(line: dict) -> tuple[str, str, str]:
    return f"{line['seconds']:.3f}", f"{line['processor']:.3f}", str(line["peak_mib"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder for the arrays, 1.5 GB")
    parser.add_argument("--peer", help="Python of an environment with stardist; without, ours alone")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--long", action="store_true", help="also what takes StarDist ten minutes")
    parser.add_argument("--only", default="", help="tasks whose name contains this")
    options = parser.parse_args()
    options.data.mkdir(parents=True, exist_ok=True)
    prepare(options.data, options.peer, options.threads, [2, 1] if options.long else [2])
    print("| work | AnyStar s | core s | MiB | StarDist s | core s | MiB | ratio | target s |")
    print("|---|---|---|---|---|---|---|---|---|", flush=True)
    for task, what, target, theirs, long in TASKS:
        if (long and not options.long) or options.only not in task:
            continue
        a = run(sys.executable, "ours.py", task, options.data, options.threads, 5)
        assert a is not None
        cells = [what, *figures(a), "", "", "", "", f"{target}" if target else ""]
        if theirs and options.peer:
            repeat = 1 if "suppress" in task else 3
            b = run(options.peer, "theirs.py", task, options.data, options.threads, repeat)
            assert b is not None
            cells[4:8] = *figures(b), f"{b['seconds'] / a['seconds']:.1f}"
        print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
