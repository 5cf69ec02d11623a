"""Write a synthetic dataset; an interrupted run continues when it is started again."""

from __future__ import annotations

import contextlib
import math
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from anystar._version import __version__
from anystar.config import to_dict
from anystar.dataset.manifest import Manifest
from anystar.dataset.pool import BYTES_PER_VOXEL, DatasetConfig, make_pairs, make_pairs_on
from anystar.dataset.stores import PLACES, open_store
from anystar.errors import InputError
from anystar.runtime.atomic import remove_partial
from anystar.runtime.cluster import check_where, connect
from anystar.runtime.cores import num_cores

__all__ = ["DatasetSize", "write_dataset"]


@dataclass(frozen=True, kw_only=True)
class DatasetSize:
    """What is still to be made."""

    number: int
    """Pairs in all."""
    missing: int
    """Pairs that are not there yet."""
    needed: int
    """Bytes that these need."""
    free: int
    """Bytes that are free."""


def write_dataset(
    config: DatasetConfig,
    number: int,
    *,
    workers: int | None = None,
    dask: str | None = None,
    announce: Callable[[DatasetSize], None] = lambda size: None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Make the samples 0 to ``number - 1`` that are not there yet, and write them with a manifest.

    Sample i of a seed is always the same, whatever the number of samples and of workers.

    Parameters
    ----------
    config : DatasetConfig
    number : int
        Number of pairs.
    workers : int, optional
        Number of processes, or of SLURM jobs; all cores by default, four jobs.
    dask : str, optional
        ``local``, ``slurm`` or the address of a scheduler, whose workers share the folder.
    announce : callable, optional
        Called with the :class:`DatasetSize` before anything is made.
    progress : callable, optional
        Called as ``progress(done, total)``.

    Raises
    ------
    InputError
        If the folder holds other files or samples of another kind, or the disk has not enough space.
    """
    if dask is not None:
        check_where(dask)
    manifest = _manifest(config)
    store = open_store(config.out, config.suffix, config.stored_shape)
    there = {i for i in manifest.samples if i < number and store.has(i)}
    size = _size(config, number, number - len(there))
    announce(size)
    _refuse_full_disk(config, size)
    missing = [i for i in range(number) if i not in there]
    with contextlib.ExitStack() as stack:
        if dask is not None and missing:  # before anything is written: the cluster may not be there
            client = stack.enter_context(connect(dask, workers=workers))
            pairs = make_pairs_on(client, config, missing)
        else:
            pairs = make_pairs(config, missing, workers=min(workers or num_cores(), max(1, len(missing))))
        config.out.mkdir(parents=True, exist_ok=True)
        manifest.begin()
        store.prepare(number)
        done = number - len(missing)
        progress(done, number)
        for index, drawn in pairs:
            manifest.add(index, drawn)
            done += 1
            progress(done, number)
    manifest.finish()


def _manifest(config: DatasetConfig) -> Manifest:
    """Return the manifest of the folder; ``InputError`` if it holds anything else."""
    manifest = Manifest(
        config.out,
        {
            "version": __version__,
            "recipe": config.recipe.name,
            "seed": config.seed,
            "shape": list(config.shape),
            "two_d": config.two_d,
            "format": config.suffix,
            "config": to_dict(config.recipe),
        },
    )
    if not manifest.path.exists():
        _refuse_foreign(config.out)
    remove_partial(config.out)
    return manifest


def _refuse_full_disk(config: DatasetConfig, size: DatasetSize) -> None:
    """Raise ``InputError`` if the samples need more than what is free."""
    if size.needed > size.free:
        place = _existing(config.out)
        raise InputError(
            f"{size.missing} pairs need about {size.needed / 1e9:.3g} GB and {place} has "
            f"{size.free / 1e9:.3g} GB free; make fewer, or choose another place"
        )


def _refuse_foreign(out: Path) -> None:
    """Raise an error if there is something where samples would be written."""
    for name in PLACES:
        folder = out / name
        if folder.is_dir() and any(folder.iterdir()):
            raise InputError(
                f"{folder} holds files, and no manifest.jsonl lists them as samples; choose another folder, "
                "so that nothing is overwritten"
            )


def _existing(path: Path) -> Path:
    return next(p for p in (path, *path.absolute().parents) if p.exists())


def _size(config: DatasetConfig, number: int, missing: int) -> DatasetSize:
    each = math.prod(config.stored_shape) * BYTES_PER_VOXEL[config.suffix]
    free = shutil.disk_usage(_existing(config.out)).free
    return DatasetSize(number=number, missing=missing, needed=int(missing * each), free=free)
