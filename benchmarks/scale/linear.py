"""Cost against the size of the volume and against the number of objects: tables, and docs/images/cost.png.

``python -m benchmarks.scale.linear [--sizes 64 128 256] [--objects 10 ... 1000000] [--json rows.json]``. With
``--json`` what the file holds is not measured again. Each measurement is a process of its own. The network
and all that follows, in blocks of at most 4 GB, segments volumes with objects of 23 voxels, whose diameter is
given. What follows the network (suppression, votes, rasterising, volumes and boxes) gets candidates of a
number of objects. Seconds are those of the processor, user and system.
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
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from anystar.predict.candidates import Candidates

PICTURE = Path(__file__).parents[2] / "docs" / "images" / "cost.png"
PITCH, RADIUS = 6.0, (2.2, 2.7)
"""Voxels between objects on a lattice, and their radii: small, so that a million fits into memory."""
PER_OBJECT = 3
"""Candidates of an object."""


def candidates_of(number: int) -> Candidates:
    """Return candidates of objects on a lattice, each a little moved."""
    from anystar.geometry.rays import golden_spiral
    from anystar.predict.candidates import Candidates

    rng = np.random.default_rng(0)
    side = int(np.ceil(number ** (1 / 3)))
    cell = np.stack(np.unravel_index(np.arange(number), (side,) * 3), axis=1)
    centre = ((cell + 0.5) * PITCH).astype(np.float32).repeat(PER_OBJECT, axis=0)
    radius = rng.uniform(*RADIUS, (number, 1)).astype(np.float32).repeat(PER_OBJECT, axis=0)
    points = centre + rng.uniform(-0.4, 0.4, centre.shape).astype(np.float32)
    return Candidates(
        points=points,
        distances=np.repeat(radius, 96, axis=1),
        prob=rng.uniform(0.5, 1, len(points)).astype(np.float32),
        rays=golden_spiral(96),
        floor=0.2,
    )


def geometry(number: int) -> dict[str, float]:
    """Turn the candidates of a number of objects into instances in this process."""
    from anystar.predict.instances import InstanceStages, candidates_to_instances

    stages = InstanceStages(aspect=(1.0, 1.0, 1.0), prob_thresh=0.3, nms_thresh=0.3)
    candidates_to_instances(candidates_of(10), (20,) * 3, stages)  # compiles
    candidates = candidates_of(number)
    side = int(np.ceil(number ** (1 / 3)) * PITCH)
    began = time.process_time()
    found = candidates_to_instances(candidates, (side,) * 3, stages)
    return {
        "number": number,
        "found": len(found.objects),
        "cpu": time.process_time() - began,
        "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9,
    }


def segment(size: int) -> dict[str, float]:
    """Segment a volume of ``size``^3 in this process, in blocks where it is large."""
    from benchmarks.scale.__main__ import one

    with tempfile.TemporaryDirectory() as name:
        row = one(size, Path(name), 4 * 10**9, real=True)
    return {"number": size**3, "found": row["objects"], "cpu": row["cpu"], "peak_gb": row["peak_gb"]}


def ask(kind: str, number: int) -> dict[str, float]:
    """Measure in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.scale.linear", "--one", kind, str(number)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr[-3000:])
    line: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return line


def draw(sizes: list[dict[str, float]], objects: list[dict[str, float]], path: Path) -> None:
    """Draw both rows of measurements with the line that is proportional to the largest."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.2), layout="constrained")
    panels = zip(
        figure.subplots(1, 2),
        (sizes, objects),
        ("voxels of the volume", "number of objects"),
        ("whole segmentation, in blocks", "what follows the network"),
        strict=True,
    )
    for axes, rows, what, title in panels:
        number, cpu = (np.array([row[name] for row in rows]) for name in ("number", "cpu"))
        axes.loglog(number, cpu[-1] * number / number[-1], color="0.7", label="proportional")
        axes.loglog(number, cpu, "o-", color="tab:blue", label="measured")
        axes.set(xlabel=what, ylabel="seconds of the processor", title=title)
        axes.legend(frameon=False)
    figure.savefig(path, dpi=110)


def table(rows: list[dict[str, float]], what: str) -> str:
    """Return measurements as Markdown, with the growth from row to row as an exponent."""
    lines = [f"| {what} | objects found | CPU seconds | microseconds each | exponent | peak GB |"]
    lines.append("|---:|---:|---:|---:|---:|---:|")
    for before, row in zip([None, *rows], rows, strict=False):
        growth = ""
        if before is not None:
            growth = f"{np.log(row['cpu'] / before['cpu']) / np.log(row['number'] / before['number']):.2f}"
        each = 1e6 * row["cpu"] / row["number"]
        cells = [f"{row['number']:,.0f}", f"{row['found']:,.0f}", f"{row['cpu']:.2f}", f"{each:.3g}"]
        lines.append("| " + " | ".join([*cells, growth, f"{row['peak_gb']:.2f}"]) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="*", default=[64, 128, 256])
    parser.add_argument("--objects", type=int, nargs="*", default=[10**k for k in range(1, 7)])
    parser.add_argument("--picture", type=Path, default=PICTURE)
    parser.add_argument("--json", type=Path, help="file that keeps what was measured")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        kind, number = given.one
        print(json.dumps((segment if kind == "size" else geometry)(int(number))))
        return
    kept: dict[str, dict[str, float]] = {}
    if given.json is not None and given.json.exists():
        kept = json.loads(given.json.read_text())
    if any(f"size {size}" not in kept for size in given.sizes):
        ask("size", 64)  # compiles
    for kind, numbers in (("size", given.sizes), ("objects", given.objects)):
        for number in numbers:
            name = f"{kind} {number}"
            if name not in kept:
                kept[name] = ask(kind, number)
                if given.json is not None:
                    given.json.write_text(json.dumps(kept, indent=1))
    sizes = [kept[f"size {number}"] for number in given.sizes]
    objects = [kept[f"objects {number}"] for number in given.objects]
    print(f"{table(sizes, 'voxels')}\n\n{table(objects, 'objects')}")
    if sizes and objects:
        draw(sizes, objects, given.picture)


if __name__ == "__main__":
    main()
