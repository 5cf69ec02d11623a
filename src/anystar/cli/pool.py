"""Make many samples with several processes; each is written by the process that made it."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anystar.errors import InputError
from anystar.runtime.allocator import keep_freed_memory
from anystar.runtime.worker_process import begin_worker
from anystar.synth.recipes import Recipe

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["LARGEST", "Order", "cores", "make_pairs", "make_pairs_on", "middle_plane", "one_thread"]

LARGEST = 2**29
"""Bytes of the largest arrays whose memory a process keeps: the coordinates of 256³ voxels take 192 MiB."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """What is made, and where it goes."""

    out: Path
    recipe: Recipe
    seed: int
    shape: tuple[int, int, int]
    suffix: str
    two_d: bool
    """Whether only the middle plane of each volume is kept."""

    @property
    def stored_shape(self) -> tuple[int, ...]:
        """Shape of what is written."""
        return self.shape[1:] if self.two_d else self.shape


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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


def make_pairs(order: Order, indices: Sequence[int], *, workers: int) -> Iterator[tuple[int, dict[str, Any]]]:
    """Make and write samples; yield the index and the parameters of each as it is finished, in any order."""
    if workers == 1 or len(indices) < 2:
        keep_freed_memory(LARGEST)
        for index in indices:
            yield _make(order, index)
        return
    context = multiprocessing.get_context("spawn")
    executor = ProcessPoolExecutor(workers, mp_context=context, initializer=_begin_worker)
    waiting = list(indices)[::-1]
    running: set[Future[tuple[int, dict[str, Any]]]] = set()
    try:
        while waiting or running:
            while waiting and len(running) < 2 * workers:
                running.add(executor.submit(_make, order, waiting.pop()))
            finished, running = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                yield future.result()
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def make_pairs_on(
    client: Client, order: Order, indices: Sequence[int]
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Do what :func:`make_pairs` does on the workers of a Dask cluster; they must share the folder."""
    from functools import partial

    from anystar.runtime.cluster import each_done

    order = replace(order, out=order.out.absolute())
    for _, made in each_done(client, partial(_make_there, order), indices):
        yield made


def _make_there(order: Order, index: int) -> tuple[int, dict[str, Any]]:
    import platform

    if not (order.out / "manifest.jsonl").exists():  # which is made before any sample
        what = f"the Dask worker on {platform.node()} does not see {order.out}"
        raise InputError(f"{what}; choose a folder on a disk that all workers share")
    return _make(order, index)


def _make(order: Order, index: int) -> tuple[int, dict[str, Any]]:
    from anystar.cli.pairs import open_store
    from anystar.synth.explain import parameters
    from anystar.synth.generate import generate

    with one_thread():
        batch = generate(order.recipe, seed=order.seed, indices=[index], shape=order.shape)
    image, labels = batch.image[0, 0].numpy(), batch.labels[0].numpy()
    if order.two_d:
        image, labels = middle_plane(image, labels, order.recipe.min_voxels)
    open_store(order.out, order.suffix, order.stored_shape).write(index, image, labels)
    return index, parameters(batch.drawn[0], arrays=False)


def middle_plane(image: Any, labels: Any, min_voxels: int) -> tuple[Any, Any]:
    """Return the middle plane; an object is its largest piece there, of at least ``min_voxels^(2/3)``."""
    from anystar.synth.pieces import clean_labels

    middle = len(image) // 2
    plane = clean_labels(labels[middle : middle + 1], min_voxels=round(min_voxels ** (2 / 3)))
    return image[middle], plane[0]


def _begin_worker() -> None:
    begin_worker()
    keep_freed_memory(LARGEST)  # the whole volumes that are asked for may be large
