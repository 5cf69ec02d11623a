"""Whole commands (``segment`` at once and in blocks, ``train``) that are killed and begun again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from scipy import ndimage

from anystar import io
from anystar.arrays import Volume
from anystar.nn.checkpoint import load_tensors

__all__ = ["killed_command"]

_SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP)
_TOY = """
recipes = ["as-brightfg-plainbg"]
iterations = 30
batch_size = 1
patch = [16, 16, 16]
warmup = 2
workers = 0
log_every = 5
checkpoint_every = 5
preview_every = 30
precision = "float32"
[network]
channels = [4, 8]
grid = 2
num_rays = 16
head_channels = 8
"""


def killed_command(kind: str, folder: Path, rng: np.random.Generator) -> Callable[[], bool]:
    """Kill a command at a random time, and run it again: the result is the same, and nothing is left over."""
    name = str(rng.choice(["at once", "in blocks", "training"]))
    first, again, result = _command(name, folder)
    whole = folder.parent / f"whole-{name.replace(' ', '-')}"
    if not (whole / "seconds").exists():
        whole.mkdir(exist_ok=True)
        began = time.monotonic()
        _finish(_command(name, whole)[0])
        (whole / "seconds").write_text(str(time.monotonic() - began))
    delay = float(rng.uniform(0, 1.1)) * float((whole / "seconds").read_text())
    number = _SIGNALS[int(rng.integers(len(_SIGNALS)))]
    to_all = bool(rng.random() < 0.3)

    def kill() -> bool:
        with _start(first) as process:
            try:
                time.sleep(delay)
                (os.killpg if to_all else os.kill)(process.pid, number)
                _, errors = process.communicate(timeout=300)
            finally:
                process.kill()
        if b"Traceback" in errors:
            raise RuntimeError(errors.decode(errors="replace")[-1500:])
        if process.returncode:
            begun = name != "training" or (folder / "run" / "config.toml").exists()
            _finish(again if begun else first)
        left = [path for path in folder.rglob("*") if ".partial" in path.name]
        return not left and np.array_equal(result(folder), result(whole))

    return kill


def _command(name: str, folder: Path) -> tuple[list[str], list[str], Callable[[Path], np.ndarray]]:
    """Return a command, what is typed after it was killed, and what reads its result."""
    if name == "training":
        (folder / "toy.toml").write_text(_TOY)
        run = ["train", "--out", str(folder / "run"), "--device", "cpu"]
        return [*run, "--config", str(folder / "toy.toml")], [*run, "--resume"], _weights
    noise = ndimage.gaussian_filter(np.random.default_rng(0).random((24, 48, 120)), 3)
    image = (60_000 * ((noise - noise.min()) / np.ptp(noise)) ** 2).astype(np.uint16)
    io.write(folder / "image.tif", Volume(data=image, spacing=(1, 1, 1)))
    labels = folder / ("a.zarr" if name == "in blocks" else "a.nii.gz")
    words = ["segment", str(folder / "image.tif"), "-o", str(labels), "--diameter", "9", "--device", "cpu"]
    words += ["--table", str(folder / "t.csv")]
    if name == "in blocks":
        words += ["--memory", "3GB"]
        return words, [*words, "--resume"], lambda place: io.read(place / "a.zarr").data
    return words, [*words, "--overwrite"], lambda place: io.read(place / "a.nii.gz").data


def _weights(folder: Path) -> np.ndarray:
    tensors, _ = load_tensors(folder / "run" / "model.safetensors")
    return np.concatenate([tensors[name].float().numpy().ravel() for name in sorted(tensors)])


def _start(words: Sequence[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "anystar", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        process_group=0,
    )


def _finish(words: Sequence[str]) -> None:
    with _start(words) as process:
        try:
            _, errors = process.communicate(timeout=600)
        finally:
            process.kill()
    if process.returncode:
        raise RuntimeError(f"{words} ended with {process.returncode}: {errors.decode()[-1500:]}")
