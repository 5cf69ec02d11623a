"""Samples that are made once and kept, and the loss of a network on them."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from anystar.nn.losses import star_loss
from anystar.nn.model import StarNet
from anystar.runtime.atomic import staged
from anystar.targets import Targets
from anystar.train import TrainConfig
from anystar.train.loop import training_batches, use_bfloat16
from anystar.train.processes import Processes
from anystar.train.synthetic_batches import TrainingBatch

HELD_OUT_SEED = 1_000_003
"""Of the samples that networks are judged by."""
_CPU = torch.device("cpu")
_TIMED = 12
"""Samples that are made at least before their time is told."""


class Kept:
    """Batches of one sample, made once and kept on disk."""

    def __init__(self, config: TrainConfig, folder: Path) -> None:
        self.batches = training_batches(replace(config, batch_size=1), _CPU, Processes(), None)
        said = repr((self.batches.recipes, config.seed, config.patch, config.thin, config.max_points))  # type: ignore[attr-defined]
        self.folder = folder / hashlib.sha256(said.encode()).hexdigest()[:12]
        self.folder.mkdir(parents=True, exist_ok=True)

    def __getitem__(self, index: int) -> TrainingBatch:
        path = self.folder / f"{index}.pt"
        if not path.exists():
            started = time.process_time()
            batch = self.batches[index]
            spent = time.process_time() - started
            stored = {
                "image": batch.image.half(),
                "targets": [
                    None if t is None else t.half() if t.is_floating_point() else t for t in batch.targets
                ],
                "seconds": spent,
            }
            with staged(path) as (temporary,):
                torch.save(stored, temporary)
        stored = torch.load(path)
        targets = Targets(
            *(t.float() if t is not None and t.is_floating_point() else t for t in stored["targets"])
        )
        return TrainingBatch(stored["image"].float(), torch.empty(0), targets)

    def seconds(self) -> float:
        """Return the median CPU time of making one; the first also compiles."""
        for index in range(_TIMED):
            self[index]
        return float(
            np.median([torch.load(path)["seconds"] for path in sorted(self.folder.glob("*.pt"))[:200]])
        )


def joined(batches: list[TrainingBatch]) -> TrainingBatch:
    """Return several batches of one sample as one; all must have the same shape."""

    def rows(points: list[torch.Tensor]) -> torch.Tensor:
        return torch.cat([p + torch.tensor([row, 0, 0, 0]) for row, p in enumerate(points)])

    parts = [b.targets for b in batches]
    known = [p.valid_BZYX for p in parts]
    valid = None
    if any(k is not None for k in known):
        valid = torch.cat(
            [
                torch.ones_like(p.prob_BZYX, dtype=torch.bool) if k is None else k
                for k, p in zip(known, parts, strict=True)
            ]
        )
    return TrainingBatch(
        torch.cat([b.image for b in batches]),
        torch.empty(0),
        Targets(
            torch.cat([p.prob_BZYX for p in parts]),
            rows([p.points_P4 for p in parts]),
            torch.cat([p.dist_PR for p in parts]),
            rows([p.others_Q4 for p in parts]),
            valid,
        ),
    )


def batches_of(kept: Kept, size: int, first: int = 0) -> Iterator[TrainingBatch]:
    """Yield an endless series of batches of ``size`` samples."""
    while True:
        yield joined([kept[first + k] for k in range(size)])
        first += size


@torch.inference_mode()
def judged(network: StarNet, kept: Kept, count: int, config: TrainConfig) -> tuple[float, float, float]:
    """Return the mean losses, total, probability, distance, over held-out samples."""
    network.eval()
    sums = np.zeros(3)
    for k in range(count):
        batch = kept[k]
        image = batch.image.to(memory_format=torch.channels_last_3d)
        with torch.autocast("cpu", torch.bfloat16, enabled=use_bfloat16(config, _CPU)):
            prediction = network(image, points_P4=batch.targets.taught_N4())
        sums += [float(x) for x in star_loss(prediction, batch.targets, config.loss)]
    total, probability, distance = (sums / count).tolist()
    return total, probability, distance
