"""The endless series of training batches: recipe -> samples -> targets, keyed by step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from anystar.geometry.rays import Rays
from anystar.rng import stream
from anystar.synth.generate import generate
from anystar.synth.recipes import Recipe
from anystar.targets import Targets, make_targets

__all__ = ["TrainingBatch", "TrainingBatches", "batch_loader"]


class TrainingBatch(NamedTuple):
    """What one step learns from."""

    image: Tensor
    """Shape ``(B, 1, Z, Y, X)``."""
    labels: Tensor
    """Shape ``(B, Z, Y, X)``."""
    targets: Targets


class TrainingBatches(Dataset[TrainingBatch]):
    """Batch ``k`` holds samples ``k B`` to ``(k + 1) B - 1``; sample ``i`` follows recipe ``i mod n``.

    Keyed by step, so that a resumed run, or one with other workers, sees exactly the same batches. Of several
    processes, each makes its part of ``W B`` samples: together what one makes of batches of that size.
    """

    def __init__(
        self,
        recipes: Sequence[Recipe],
        *,
        seed: int,
        batch_size: int,
        shape: tuple[int, int, int],
        rays: Rays,
        grid: int,
        max_points: int | None,
        rank: int = 0,
        world_size: int = 1,
        device: torch.device | str = "cpu",
    ) -> None:
        self.recipes, self.seed, self.batch_size = tuple(recipes), seed, batch_size
        self.shape, self.rays, self.grid, self.max_points = shape, rays, grid, max_points
        self.rank, self.world_size, self.device = rank, world_size, device

    def __getitem__(self, step: int) -> TrainingBatch:
        first = (step * self.world_size + self.rank) * self.batch_size
        indices = range(first, first + self.batch_size)
        images, labels = [], []
        for index in indices:
            recipe = self.recipes[index % len(self.recipes)]
            sample = generate(recipe, seed=self.seed, indices=[index], shape=self.shape, device=self.device)
            images.append(sample.image)
            labels.append(sample.labels)
        label = torch.cat(labels)
        targets = make_targets(
            label,
            self.rays,
            grid=self.grid,
            max_points=self.max_points,
            rngs=[stream(self.seed, index, "targets") for index in indices],
        )
        return TrainingBatch(torch.cat(images), label, targets)


def _one_thread(worker: int) -> None:
    torch.set_num_threads(1)


def batch_loader(
    batches: Dataset[TrainingBatch], *, first: int, last: int, workers: int
) -> DataLoader[TrainingBatch]:
    """Return batches ``first`` to ``last - 1`` in order, made by ``workers`` processes (0: this one)."""
    return DataLoader(
        batches,
        batch_size=None,
        sampler=range(first, last),
        num_workers=workers,
        worker_init_fn=_one_thread if workers else None,
        prefetch_factor=2 if workers else None,
        multiprocessing_context="forkserver" if workers else None,
        persistent_workers=False,
    )
