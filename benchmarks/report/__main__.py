"""Bytes, seconds and memory of ``anystar report`` for 512 x 512 x 64 voxels: ``python -m benchmarks.report``.

The volume is synthetic: 1,200 balls of diameters 14 to 22 under noise, their ground truth, and a prediction
with missed, merged, split and shrunken objects. The command runs in a process of its own.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from scipy.ndimage import binary_erosion, find_objects, gaussian_filter

from anystar import io
from anystar.arrays import Volume

SHAPE, OBJECTS = (64, 512, 512), 1200
SPACING = (1.0, 0.5, 0.5)


def main() -> None:
    print("| report | bytes | seconds | peak MiB |")
    print("|---|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder)
        for title, options in (
            ("image and labels", []),
            ("with a ground truth", ["--ground-truth", "ground_truth.tif"]),
            ("with a ground truth, two runs", ["second=second.tif", "--ground-truth", "ground_truth.tif"]),
            (
                "with a ground truth, all 512 slices",
                ["--ground-truth", "ground_truth.tif", "--slices", "512"],
            ),
        ):
            size, seconds, peak = report(folder, options)
            print(f"| {title} | {size:,} | {seconds:.1f} | {peak:.0f} |")


def write(folder: Path) -> None:
    rng = np.random.default_rng(0)
    ground_truth = np.zeros(SHAPE, np.int32)
    for label in range(1, OBJECTS + 1):
        centre, radius = rng.uniform(0, SHAPE), rng.uniform(7, 11)
        box = tuple(slice(max(0, int(c - 12)), int(c + 12)) for c in centre)
        grid = np.ogrid[tuple(slice(b.start, min(b.stop, n)) for b, n in zip(box, SHAPE, strict=True))]
        ball = sum((g - c) ** 2 for g, c in zip(grid, centre, strict=True)) <= radius**2
        ground_truth[box][ball & (ground_truth[box] == 0)] = label
    pred = ground_truth.copy()
    for label, box in enumerate(find_objects(ground_truth), start=1):
        if box is None or label % 5:
            continue
        mine = pred[box] == label
        if label % 20 == 0:  # missed
            pred[box][mine] = 0
        elif label % 20 == 5:  # split
            half = mine.copy()
            half[: mine.shape[0] // 2] = False
            pred[box][half] = OBJECTS + label
        elif label % 20 == 10:  # shrunken
            pred[box][mine & ~binary_erosion(mine, iterations=3)] = 0
        else:  # merged with the next
            pred[pred == label + 1] = label
    image = gaussian_filter(100.0 * (ground_truth > 0), 1) + rng.normal(20, 12, SHAPE)
    for name, data in (
        ("image", np.clip(image, 0, 255).astype(np.uint8)),
        ("ground_truth", ground_truth),
        ("labels", pred),
        ("second", np.where(ground_truth % 3 == 0, 0, ground_truth)),
    ):
        io.write(folder / f"{name}.tif", Volume(data=data, spacing=SPACING))


def report(folder: Path, options: list[str]) -> tuple[int, float, float]:
    """Run the command; return bytes, seconds and peak MiB."""
    code = "from anystar.cli import main; main()"
    runs = [o for o in options if "=" in o]
    rest = [o for o in options if "=" not in o]
    if runs:  # two runs of the same volume must have the same name
        (folder / "other").mkdir(exist_ok=True)
        (folder / "second.tif").rename(folder / "other" / "labels.tif")
        runs = [f"second={folder / 'other'}"]
    files = ["labels.tif", *runs, "--images", "image.tif", *rest, "-o", "r.html", "--overwrite"]
    measure = (
        "import resource, subprocess, sys; done = subprocess.run(sys.argv[1:]);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(done.returncode)"
    )
    start = time.perf_counter()
    command = [sys.executable, "-c", measure, sys.executable, "-c", code, "report", *files]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    seconds = time.perf_counter() - start
    return (folder / "r.html").stat().st_size, seconds, int(done.stdout.split()[-1]) / 1024


if __name__ == "__main__":
    main()
