"""The endless series of training batches: recipe -> samples -> targets, keyed by step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from anystar.geometry.rays import Rays
from anystar.rng import stream
from anystar.runtime.worker_process import begin_worker
from anystar.synth.connected_components import clean_batch
from anystar.synth.generate import Pending, begin
from anystar.synth.recipe import Recipe
from anystar.synth.streams import put
from anystar.targets import Targets, make_targets

__all__ = ["Batches", "Samples", "TrainingBatch", "TrainingBatches", "batch_loader", "thinned"]

_PLANES = (3, 24)
"""Planes of a thin volume."""
_BEYOND = 4
"""Voxels that a network sees beyond the ends of a volume: ``anystar.predict.tiling.TileConfig.margin``."""
_SLIVER = 10
"""Voxels under which what is left of an object teaches nothing."""


class TrainingBatch(NamedTuple):
    """What one step learns from."""

    image: Tensor
    """Shape ``(B, 1, Z, Y, X)``."""
    labels: Tensor
    """Shape ``(B, Z, Y, X)``."""
    targets: Targets


class Samples(NamedTuple):
    """A batch before its targets are known."""

    image: Tensor
    """Shape ``(B, 1, Z, Y, X)``."""
    labels: Tensor
    """Int32, shape ``(B, Z, Y, X)``."""
    indices: range
    """Place of each sample in the series."""
    known: Tensor | None = None
    """Where the ground truth is known, bool, shape ``(B, Z, Y, X)``; everywhere by default."""


class Batches(Dataset[TrainingBatch]):
    """An endless series of batches: batch ``k`` holds samples ``k B`` to ``(k + 1) B - 1`` of it.

    Keyed by step, so that a resumed run, or one with other workers, gets exactly the same batches. Rank ``r``
    of ``W`` makes samples ``(k W + r) B`` to ``(k W + r + 1) B - 1`` of step ``k``, so that ``W`` processes
    together make the batches of one with ``W B``. ``start = (step, sample)`` continues the series after a
    change of the batch size.
    """

    def __init__(
        self,
        *,
        seed: int,
        batch_size: int,
        shape: tuple[int, int, int],
        rays: Rays,
        grid: int,
        max_points: int | None,
        rank: int = 0,
        world_size: int = 1,
        start: tuple[int, int] = (0, 0),
    ) -> None:
        self.seed, self.batch_size, self.shape = seed, batch_size, shape
        self.rays, self.grid, self.max_points = rays, grid, max_points
        self.rank, self.world_size, self.start = rank, world_size, start

    def __getitem__(self, step: int) -> TrainingBatch:
        return self.with_targets(self.samples(step))

    def indices(self, step: int) -> range:
        """Return the samples of this process in a step."""
        since, before = self.start
        first = before + ((step - since) * self.world_size + self.rank) * self.batch_size
        return range(first, first + self.batch_size)

    def samples(self, step: int) -> Samples:
        """Make the samples of a step."""
        raise NotImplementedError

    def with_targets(self, samples: Samples) -> TrainingBatch:
        """Add the targets, where the labels are."""
        targets = make_targets(
            samples.labels,
            self.rays,
            grid=self.grid,
            max_points=self.max_points,
            rngs=[stream(self.seed, index, "targets") for index in samples.indices],
        )
        if samples.known is not None:
            every = slice(None, None, self.grid)
            targets = targets._replace(valid_BZYX=samples.known[:, every, every, every])
        return TrainingBatch(samples.image, samples.labels, targets)


class TrainingBatches(Batches):
    """Synthetic batches, made on ``device``: sample ``i`` follows recipe ``i mod n``.

    ``thin`` is the share of the steps whose samples are cut to a few planes (:func:`thinned`), ``divisor``
    what their sides are multiples of. With ``together``, the samples of a batch that follow the same recipe
    are made at once: faster, except on CPUs, where it is the default not to.
    """

    def __init__(
        self,
        recipes: Sequence[Recipe],
        *,
        device: torch.device | str = "cpu",
        thin: float = 0.0,
        divisor: int = 1,
        together: bool | None = None,
        **common: Any,
    ) -> None:
        super().__init__(**common)
        self.recipes, self.device = tuple(recipes), torch.device(device)
        self.thin, self.divisor = thin, divisor
        self.together = self.device.type != "cpu" if together is None else together

    def samples(self, step: int) -> Samples:
        """Make the samples of a step."""
        return self.begin(step)()

    def begin(self, step: int) -> Callable[[], Samples]:
        """Let the device begin the samples of a step; what is returned waits for them."""
        indices = self.indices(step)
        size = len(indices) if self.together else 1
        parts: list[tuple[range, Pending]] = []
        for start in range(min(len(self.recipes), len(indices))):
            same = indices[start :: len(self.recipes)]
            recipe = self.recipes[same[0] % len(self.recipes)]
            for part in (same[i : i + size] for i in range(0, len(same), size)):
                made = begin(recipe, seed=self.seed, indices=part, shape=self.shape, device=self.device)
                parts.append((part, made))

        def finish() -> Samples:
            images: dict[int, Tensor] = {}
            labels: dict[int, Tensor] = {}
            for part, pending in parts:
                batch = pending.finish()
                images |= dict(zip(part, batch.image, strict=True))
                labels |= dict(zip(part, batch.labels, strict=True))
            image, label = (torch.stack([found[i] for i in indices]) for found in (images, labels))
            made = Samples(image, label, indices)
            rng = stream(self.seed, step, "thin")
            return thinned(made, rng, divisor=self.divisor) if rng.random() < self.thin else made

        return finish

    def ahead(self, first: int, last: int) -> Iterator[TrainingBatch]:
        """Yield batches ``first`` to ``last - 1``, each begun before the one before it is handed over.

        So the host draws parameters and cleans labels while the device learns from the batch before.
        """
        begun = self.begin(first) if first < last else None
        for step in range(first, last):
            assert begun is not None
            batch = self.with_targets(begun())
            begun = self.begin(step + 1) if step + 1 < last else None
            yield batch


def thinned(samples: Samples, rng: np.random.Generator, *, divisor: int) -> Samples:
    """Return a few planes of samples, and around them what a network sees beyond the ends of a volume.

    Stacks of a few planes are common, and show objects cut at both ends. Beyond, the last plane is repeated,
    as in prediction; nothing is known there, nor of what is left of an object beside its largest piece. Drawn
    are the axis, which becomes a multiple of ``divisor``, and the planes: 3 to 24 of them, log-uniform.
    """
    axis, (fewest, most) = int(rng.integers(3)), _PLANES
    size = samples.labels.shape[1 + axis]
    num = min(size, round(float(np.exp(rng.uniform(np.log(fewest), np.log(most))))))
    start = int(rng.integers(size - num + 1))
    total = -(-(num + 2 * _BEYOND) // divisor) * divisor
    before = _BEYOND if rng.random() < 0.5 else total - num - _BEYOND
    place = torch.arange(total) - before
    index = (place.clamp(0, num - 1) + start).to(samples.labels.device)
    inside = ((place >= 0) & (place < num)).to(index.device).view([-1 if a == axis else 1 for a in range(3)])
    labels = samples.labels.index_select(1 + axis, index) * inside
    whole = put(clean_batch(labels.cpu().numpy(), min_voxels=_SLIVER), index.device, torch.int32)
    known = inside & ((labels == 0) | (whole > 0))
    return Samples(samples.image.index_select(2 + axis, index), whole, samples.indices, known)


def _begin_worker(worker: int) -> None:
    begin_worker()
    torch.set_num_threads(1)


def batch_loader(batches: Batches, *, first: int, last: int, workers: int) -> DataLoader[TrainingBatch]:
    """Return batches ``first`` to ``last - 1`` in order, made by ``workers`` processes (0: this one)."""
    return DataLoader(
        batches,
        batch_size=None,
        sampler=range(first, last),
        num_workers=workers,
        worker_init_fn=_begin_worker if workers else None,
        prefetch_factor=2 if workers else None,
        multiprocessing_context="forkserver" if workers else None,
        persistent_workers=False,
    )
