"""Kept on disk is what no model changes: simulated volumes, and what the classical pipeline scores on them.

A file's name holds the hash of all that it follows from, source code included, so nothing stale is ever read.
"""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np

from anystar.arrays import Volume
from anystar.runtime.atomic import staged
from benchmarks.accuracy import classical
from benchmarks.accuracy.volumes import Sample
from benchmarks.models.simulator import bodies, look, optics, simulate
from benchmarks.models.simulator.conditions import Condition


def cached_simulation(folder: Path, condition: Condition, *, seed: int) -> Sample:
    """Return ``simulate(condition, seed=seed)``, from ``folder`` if it was made before."""
    key = _key(_sources(bodies, look, optics, simulate), repr(condition).encode(), str(seed).encode())
    path = folder / f"{condition.name.replace(', ', '-').replace(' ', '-')}-{seed}-{key}.npz"
    if path.exists():
        with np.load(path) as stored:
            spacing = tuple(float(s) for s in stored["spacing"])
            return Sample(
                name=condition.name,
                image=Volume(data=stored["image"], spacing=(spacing[0], spacing[1], spacing[2])),
                labels=stored["labels"],
                centres=None,
                diameter=float(stored["diameter"]) or None,
            )
    sample = simulate.simulate(condition, seed=seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    with staged(path) as (temporary,), open(temporary, "wb") as file:
        np.savez_compressed(
            file,
            image=sample.image.data,
            labels=sample.labels,
            spacing=np.array(sample.image.spacing),
            diameter=sample.diameter or 0.0,
        )
    return sample


def cached_classical(folder: Path, sample: Sample, run: Callable[[], dict]) -> dict:
    """Return what ``run`` says of the classical pipeline on ``sample``, from ``folder`` if it ran before."""
    ground_truth = sample.labels if sample.labels is not None else sample.centres
    arrays = [np.ascontiguousarray(a).tobytes() for a in (sample.image.data, ground_truth)]
    key = _key(_sources(classical), *arrays, repr((sample.image.spacing, sample.diameter)).encode())
    path = folder / f"classical-{key}.json"
    if path.exists():
        return json.loads(path.read_text())
    scores = run()
    path.parent.mkdir(parents=True, exist_ok=True)
    with staged(path) as (temporary,):
        temporary.write_text(json.dumps(scores))
    return scores


def _sources(*modules: ModuleType) -> bytes:
    return b"".join(Path(str(m.__file__)).read_bytes() for m in modules)


def _key(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()[:16]
