"""Make many samples with several processes; each is written by the process that made it."""

from __future__ import annotations

import contextlib
import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from anystar.errors import InputError
from anystar.runtime.own_process import keep_freed_memory
from anystar.runtime.worker_process import begin_worker, signals_left_to_parent
from anystar.synth.recipe import Recipe

if TYPE_CHECKING:
    from distributed import Client

    from anystar.synth.generate import Batch

__all__ = [
    "BYTES_PER_VOXEL",
    "LARGEST",
    "DatasetConfig",
    "make_pairs",
    "make_pairs_on",
    "one_thread",
    "pair_of",
]

BYTES_PER_VOXEL = {"tif": 4.1, "nii.gz": 4.1, "npy": 5.0, "zarr": 4.1}
"""Formats, and bytes per voxel of a pair: float32 images hardly shrink, labels shrink to next to nothing."""
LARGEST = 2**29
"""Bytes of the largest arrays whose memory a process keeps: the coordinates of 256³ voxels take 192 MiB."""


@dataclass(frozen=True, kw_only=True)
class DatasetConfig:
    """Which samples are made, and where they go."""

    out: Path
    """Folder of the samples."""
    recipe: Recipe
    """What the samples look like."""
    seed: int = 0
    shape: tuple[int, int, int] = (64, 64, 64)
    """Voxels of a volume (Z, Y, X)."""
    suffix: str = "tif"
    """Format: ``tif``, ``nii.gz`` or ``npy`` for one file per volume, ``zarr`` for one store."""
    two_d: bool = False
    """Whether only the middle plane of each volume is kept."""

    def __post_init__(self) -> None:
        if self.suffix not in BYTES_PER_VOXEL:
            raise InputError(f"suffix must be one of {', '.join(BYTES_PER_VOXEL)}, got {self.suffix!r}")
        self.recipe.check_shape(self.shape)

    @property
    def stored_shape(self) -> tuple[int, ...]:
        """Shape of what is written."""
        return self.shape[1:] if self.two_d else self.shape


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Let torch compute in one thread, as all who make samples do: sums depend on their number."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def make_pairs(
    config: DatasetConfig, indices: Sequence[int], *, workers: int
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Make and write samples; yield the index and the parameters of each as it is finished, in any order."""
    if workers == 1 or len(indices) < 2:
        keep_freed_memory(LARGEST)
        for index in indices:
            yield _make(config, index)
        return
    context = multiprocessing.get_context("spawn")
    executor = ProcessPoolExecutor(workers, mp_context=context, initializer=_begin_worker)
    waiting = list(indices)[::-1]
    running: set[Future[tuple[int, dict[str, Any]]]] = set()
    try:
        while waiting or running:
            while waiting and len(running) < 2 * workers:
                with signals_left_to_parent():  # which starts processes
                    running.add(executor.submit(_make, config, waiting.pop()))
            finished, running = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                yield future.result()
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def make_pairs_on(
    client: Client, config: DatasetConfig, indices: Sequence[int]
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Do what :func:`make_pairs` does on the workers of a Dask cluster; they must share the folder."""
    from functools import partial

    from anystar.runtime.cluster import each_done

    config = replace(config, out=config.out.absolute())
    for _, made in each_done(client, partial(_make_there, config), indices):
        yield made


def _make_there(config: DatasetConfig, index: int) -> tuple[int, dict[str, Any]]:
    import platform

    if not (config.out / "manifest.jsonl").exists():  # which is made before any sample
        what = f"the Dask worker on {platform.node()} does not see {config.out}"
        raise InputError(f"{what}; choose a folder on a disk that all workers share")
    return _make(config, index)


def _make(config: DatasetConfig, index: int) -> tuple[int, dict[str, Any]]:
    from anystar.dataset.stores import open_store
    from anystar.synth.explain import parameters
    from anystar.synth.generate import generate

    with one_thread():
        batch = generate(config.recipe, seed=config.seed, indices=[index], shape=config.shape)
    image, labels = pair_of(config, batch)
    open_store(config.out, config.suffix, config.stored_shape).write(index, image, labels)
    return index, parameters(batch.drawn[0], arrays=False)


def pair_of(config: DatasetConfig, batch: Batch) -> tuple[np.ndarray, np.ndarray]:
    """Return image and labels of a batch of one sample, as they are stored.

    In the middle plane, an object is its largest piece there, of at least ``min_voxels^(2/3)``.
    """
    from anystar.synth.connected_components import clean_labels

    image, labels = batch.image[0, 0].numpy(), batch.labels[0].numpy()
    if not config.two_d:
        return image, labels
    middle = len(image) // 2
    least = round(config.recipe.min_voxels ** (2 / 3))
    return image[middle], clean_labels(labels[middle : middle + 1], min_voxels=least)[0]


def _begin_worker() -> None:
    begin_worker()
    keep_freed_memory(LARGEST)  # whole volumes may be large
