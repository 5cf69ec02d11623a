"""Time, memory and accuracy of ``anystar timecourse``: ``python -m benchmarks.timecourse``.

The series of 321 frames of 80 x 80 x 64 is synthetic (:mod:`benchmarks.timecourse.series`): its curves are
known. It is written as NIfTI, plain and compressed, and as a TIFF time stack, and followed by the command
in a process of its own.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nibabel as nib
import numpy as np
import tifffile

from anystar import io
from anystar.arrays import Volume
from benchmarks.timecourse.series import SPACING, Phantom, make_phantom


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, help="write the series of the documents and its curves here")
    parser.add_argument("--frames", type=int, default=321)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print("| series | seconds | peak MiB | largest error of a mean | of a smoothed change |")
        print("|---|---:|---:|---:|---:|")
        still = make_phantom(frames=args.frames)
        write(folder, still)
        for file in ("still.nii", "still.nii.gz", "still.tif"):
            seconds, peak, _ = follow(folder, file)
            mean, change = errors(folder / "out" / "curves.csv", still)
            print(f"| {file} | {seconds:.1f} | {peak:.0f} | {mean:.1e} | {change:.1e} |")
        if args.keep:
            moving = make_phantom(frames=args.frames, noise=6.0, drift=4.0)
            write(folder, moving, names=("moving.nii.gz",))
            seconds, peak, said = follow(folder, "moving.nii.gz", args.keep)
            print(f"\nmoving, noisy series: {seconds:.1f} s, {peak:.0f} MiB\n{said}")


def write(folder: Path, phantom: Phantom, names=("still.nii", "still.nii.gz", "still.tif")) -> None:
    place = {"spacing": SPACING}
    like = Volume(data=phantom.mask, **place)
    io.write(folder / "labels.nii.gz", Volume(data=phantom.labels, **place))
    io.write(folder / "mask.nii.gz", like)
    frames = np.stack(list(phantom.frames(seed=1)))
    for name in names:
        if name.endswith(".tif"):
            z, y, x = SPACING
            tifffile.imwrite(
                folder / name,
                frames,
                imagej=True,
                resolution=(1 / x, 1 / y),
                metadata={"axes": "TZYX", "spacing": z, "unit": "um"},
            )
            continue
        image = nib.Nifti1Image(frames.T, np.diag([3, 3, 3, 1]))
        image.header.set_xyzt_units("mm", "sec")
        image.header["pixdim"][4] = 3.5
        nib.save(image, folder / name)


def follow(folder: Path, file: str, out: Path | None = None) -> tuple[float, float, str]:
    """Run the command; return seconds, peak MiB and what it printed."""
    code = "from anystar.cli import main; main()"
    options = ["--labels", "labels.nii.gz", "--mask", "mask.nii.gz", "--baseline", "0", "99", "--overwrite"]
    command = [
        sys.executable,
        "-c",
        code,
        "timecourse",
        file,
        *options,
        "-o",
        str((out or folder / "out").absolute()),
    ]
    measure = (
        "import resource, subprocess, sys; done = subprocess.run(sys.argv[1:]);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(done.returncode)"
    )
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", measure, *command], cwd=folder, capture_output=True, text=True, check=True
    )
    seconds = time.perf_counter() - start
    *said, peak = done.stdout.splitlines()
    return seconds, int(peak) / 1024, "\n".join(said)


def errors(path: Path, phantom: Phantom) -> tuple[float, float]:
    """Return the largest relative error of a mean, and error of a smoothed change, over all regions."""
    from anystar.timecourse import smooth

    with open(path, newline="") as file:
        rows = [r for r in csv.DictReader(file) if r["region"] != "0"]
    regions = sorted({int(r["region"]) for r in rows})
    found = {
        what: np.array([float(r[what]) for r in rows]).reshape(-1, len(regions))
        for what in ("mean", "smoothed")
    }
    known = np.stack([phantom.level[k] for k in regions], axis=1)
    change = smooth(known / known[:100].mean(axis=0) - 1, 3.0)
    return np.abs(found["mean"] / known - 1).max(), np.abs(found["smoothed"] - change).max()


if __name__ == "__main__":
    main()
