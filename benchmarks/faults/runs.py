"""Interrupted runs in blocks with a damaged file, and writers that are killed."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import zarr
from scipy import ndimage

from anystar import io
from anystar.arrays import Volume
from anystar.blocks import BlockOptions, segment_blocks
from anystar.blocks.journal import Journal
from anystar.blocks.memory import Sizes
from anystar.predict.tiling import TileConfig
from benchmarks.faults.files import damaged_bytes
from tests.predict.stub import stub_model

__all__ = ["damaged_run", "killed_writer"]

_SMALL_TILES = TileConfig(max_points=20**3, halo=8)
_SIZES = Sizes(tiles_along=1, hold=0, block=(64, 64, 64))


class _Killed(BaseException):
    """What no code catches, like SIGKILL."""


def _segment(folder: Path, *, resume: bool) -> np.ndarray:
    path = folder / "image.npy"
    if not path.exists():
        noise = ndimage.gaussian_filter(np.random.default_rng(0).random((16, 24, 80)), 2.5)
        np.save(path, (60_000 * ((noise - noise.min()) / np.ptp(noise)) ** 2).astype(np.uint16))
    with io.open_image(path) as image:
        segment_blocks(
            image,
            folder / "a.zarr",
            BlockOptions(diameter=6.0, prob_thresh=0.25, resume=resume, sizes=_SIZES),
            model=stub_model(radius=4.0, tiling=_SMALL_TILES),
        )
    return np.asarray(zarr.open_array(folder / "a.zarr", path="0", mode="r")[...])


def damaged_run(kind: str, folder: Path, rng: np.random.Generator) -> Callable[[], bool]:
    """Interrupt a run, damage one of its files, and resume it: the labels are those of a whole run."""
    whole = folder.parent / "whole-run"
    if not whole.exists():
        whole.mkdir()
        np.save(whole / "labels.npy", _segment(whole, resume=False))
        shutil.copy(whole / "image.npy", folder.parent / "image.npy")
    stage = str(rng.choice(["network", "suppression", "votes", "overlaps", "labels"]))
    died = folder.parent / f"died-{stage}"
    if not died.exists():
        died.mkdir()
        honest = Journal.add

        def add(self: Journal, name: str, block: int, **entry: object) -> None:
            honest(self, name, block, **entry)
            if name == stage:
                raise _Killed

        Journal.add = add  # type: ignore[method-assign]
        try:
            _segment(died, resume=False)
        except _Killed:
            pass
        finally:
            Journal.add = honest  # type: ignore[method-assign]
    shutil.copytree(died, folder / "again")
    files = sorted(p for p in (folder / "again").rglob("*") if p.is_file() and p.name != "image.npy")
    path = files[int(rng.integers(len(files)))]
    content = damaged_bytes(path.read_bytes(), rng)
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    # The path of the image is part of the request: resume where it was begun
    place = died.with_name(f"{died.name}-kept")
    died.rename(place)
    (folder / "again").rename(died)

    def resume() -> bool:
        try:
            return np.array_equal(_segment(died, resume=True), np.load(whole / "labels.npy"))
        finally:
            shutil.rmtree(died)
            place.rename(died)

    return resume


_WRITER = """
import sys, numpy as np
from anystar import io
from anystar.arrays import Volume
print("begun", flush=True)
for n in range(1, 10_000):
    io.write(sys.argv[1], Volume(data=np.full((24, 64, 64), n, np.int32), spacing=(2, 1, 1)))
"""


def killed_writer(kind: str, folder: Path, rng: np.random.Generator) -> Callable[[], bool]:
    """Kill a process that writes the same file again and again: it is there whole, of one of its versions."""
    name = str(rng.choice(["a.tif", "a.ome.tif", "a.nii.gz", "a.nrrd", "a.h5", "a.npy", "a.zarr"]))
    number = (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP)[int(rng.integers(3))]
    delay = float(rng.uniform(0.1, 1.5))

    def kill() -> bool:
        words = [sys.executable, "-c", _WRITER, str(folder / name)]
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            try:
                assert process.stdout is not None
                process.stdout.readline()
                time.sleep(delay)
                process.send_signal(number)
                process.wait(60)
            finally:
                process.kill()
        if not (folder / name).exists():
            return True
        found = io.read(folder / name).data
        io.write(folder / name, Volume(data=found))  # another run removes what is left
        return found.shape == (24, 64, 64) and bool((found == found[0, 0, 0]).all())

    return kill
