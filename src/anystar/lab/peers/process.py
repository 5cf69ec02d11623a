"""Run a worker script with another environment's Python; images and labels travel as ``.npy`` files."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from anystar.errors import InputError
from anystar.lab.methods import Setting, Unavailable, VolumeRequest

__all__ = ["run_worker"]

_WORKERS = Path(__file__).parent / "workers"


def run_worker(
    worker: str,
    python: Path | None,
    options: dict[str, Any],
    requests: Iterable[VolumeRequest],
    settings: Sequence[Setting],
) -> Iterator[tuple[VolumeRequest, list[np.ndarray]]]:
    """Segment each image by a worker, a script in ``workers/`` that is started once for all.

    It gets one JSON file: ``options``, and ``jobs`` with an ``image``, its ``spacing``, ``settings`` and
    ``outputs`` (one a setting). It prints one JSON line a job, and a line with ``missing`` if it cannot run
    at all, be it for the environment, the package or the weights: then it is ``Unavailable``.
    """
    if python is None:
        raise Unavailable(f"no environment for {worker} is given; name its Python with --{worker}-python")
    if shutil.which(str(python)) is None:
        raise Unavailable(f"{python} is no Python interpreter; install {worker} and name its Python")
    with tempfile.TemporaryDirectory(prefix=f"anystar-{worker}-") as scratch:
        folder, waiting = Path(scratch), list[VolumeRequest]()
        jobs: list[dict[str, Any]] = []
        for number, request in enumerate(requests):
            image = folder / f"{number}.npy"
            np.save(image, request.image)
            job: dict[str, Any] = {
                "image": str(image),
                "spacing": request.spacing or (1.0, 1.0, 1.0),
                "settings": settings,
            }
            outputs = [str(folder / f"{number}-{k}.npy") for k in range(len(settings))]
            jobs.append(job | {"outputs": outputs})
            waiting.append(request)
        task = folder / "task.json"
        task.write_text(json.dumps({"options": options, "jobs": jobs}))
        done = subprocess.run(
            [str(python), str(_WORKERS / f"{worker}.py"), str(task)],
            capture_output=True,
            text=True,
            check=False,
            cwd=folder,
        )
        _complain(worker, python, done)
        for request, job in zip(waiting, jobs, strict=True):
            yield request, [np.load(path).astype(np.int32) for path in job["outputs"]]


def _complain(worker: str, python: Path, done: subprocess.CompletedProcess[str]) -> None:
    """Raise what the worker says, if it did not end well."""
    for line in done.stdout.splitlines():
        if line.startswith('{"missing"'):
            raise Unavailable(json.loads(line)["missing"])
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise InputError(f"{worker} in {python} failed ({last:.200}); try the tool there by itself")
