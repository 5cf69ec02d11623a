"""The generative model as a PyTorch dataset, for anybody's training loop."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TypedDict

import torch
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from anystar.config import ConfigError
from anystar.synth.generate import generate
from anystar.synth.recipe import Recipe
from anystar.synth.recipes import get_recipe

__all__ = ["SyntheticDataset", "SyntheticSample"]


class SyntheticSample(TypedDict):
    """One pair."""

    image: Tensor
    """Float32 in [0, 1], shape ``(1, Z, Y, X)``."""
    labels: Tensor
    """Int64, shape ``(1, Z, Y, X)``: 0 is background, instances are 1 to n."""
    index: int
    """Which sample of the series it is."""


class SyntheticDataset(IterableDataset[SyntheticSample]):
    """Endless synthetic pairs, generated on demand.

    Sample ``i`` of a seed is always the same. Workers of a ``DataLoader`` and ranks of a distributed run take
    turns: none makes what another makes, and together they leave out nothing.

    Parameters
    ----------
    recipe : str or Recipe
        What samples look like; see :func:`anystar.get_recipe`.
    seed : int
        Non-negative.
    shape : three ints
        Voxels of a sample, at least 8 each.
    start : int
        First sample; to continue a run, the number of samples seen so far over all ranks, rounded up to a
        multiple of ``batch_size * num_workers * world_size``. In between, workers and ranks are not at the
        same sample, so some samples would come twice and others never.
    num_samples : int, optional
        Number of samples over all workers and ranks; endless by default.
    rank, world_size : int, optional
        Number of this process and of all processes; by default those of ``torch.distributed`` when iteration
        begins, if it is initialised.

    Examples
    --------
    >>> dataset = SyntheticDataset("wide", seed=0, shape=(16, 16, 16), num_samples=2)
    >>> [(sample["index"], tuple(sample["image"].shape)) for sample in dataset]
    [(0, (1, 16, 16, 16)), (1, (1, 16, 16, 16))]
    """

    def __init__(
        self,
        recipe: str | Recipe = "as-mix",
        *,
        seed: int = 0,
        shape: tuple[int, int, int] = (64, 64, 64),
        start: int = 0,
        num_samples: int | None = None,
        rank: int | None = None,
        world_size: int | None = None,
    ) -> None:
        self.recipe = get_recipe(recipe) if isinstance(recipe, str) else recipe
        if seed < 0 or start < 0:
            raise ConfigError(f"seed and start must be at least 0, got {seed} and {start}")
        self.recipe.check_shape(shape)
        if (rank is None) != (world_size is None):
            raise ConfigError("rank and world_size must be given together")
        if rank is not None and world_size is not None and not 0 <= rank < world_size:
            raise ConfigError(f"rank must be within [0, world_size), got {rank} of {world_size}")
        self.seed, self.shape, self.start, self.num_samples = seed, shape, start, num_samples
        self.rank, self.world_size = rank, world_size

    def indices(self) -> Iterator[int]:
        """Yield the samples that fall to this worker of this rank."""
        rank, world_size = _place() if self.rank is None else (self.rank, self.world_size or 1)
        info = get_worker_info()
        worker, workers = (0, 1) if info is None else (info.id, info.num_workers)
        first, step = rank + world_size * worker, world_size * workers
        if self.num_samples is None:
            return itertools.count(self.start + first, step)
        return iter(range(self.start + first, self.start + self.num_samples, step))

    def __iter__(self) -> Iterator[SyntheticSample]:
        for index in self.indices():
            batch = generate(self.recipe, seed=self.seed, indices=[index], shape=self.shape)
            yield {"image": batch.image[0], "labels": batch.labels.long(), "index": index}


def _place() -> tuple[int, int]:
    distributed = torch.distributed
    if distributed.is_available() and distributed.is_initialized():
        return distributed.get_rank(), distributed.get_world_size()
    return 0, 1
