"""Segment an image larger than memory, to a store on the disk."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from anystar._version import __version__
from anystar.blocks.engine import Mapper, count_objects, find_objects, in_turn, paint_all
from anystar.blocks.journal import Journal
from anystar.blocks.memory import available_memory, choose_sizes
from anystar.blocks.plan import Plan, Request, read_plan, refuse_other, write_plan
from anystar.blocks.source import Lazy
from anystar.blocks.stages import Detector, Run
from anystar.blocks.table import objects_of, write_tables
from anystar.cluster import connect, each_done
from anystar.config import ConfigError
from anystar.io.label_store import LabelStore
from anystar.io.lazy import LazyImage
from anystar.predict.level import Levelled, level
from anystar.predict.model import Model
from anystar.predict.normalise import window
from anystar.predict.scale import estimate
from anystar.predict.view import Scene

__all__ = ["Outcome", "segment_blocks"]

Progress = Callable[[int, int, str], None]
_SHARE = 0.7
"""Of the free memory, what is taken if nothing is said."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a run came to."""

    labels: Path
    """The label image."""
    num_objects: int
    """Objects that own at least one voxel."""
    volume_vox: np.ndarray
    """Their volumes, int64, by label."""
    diameter_vox: float | None
    """Object diameter that the volume was scaled for, in voxels of the finest axis."""
    notes: tuple[str, ...]
    """Remarks for the user."""
    seconds: dict[str, float] = field(default_factory=dict)
    """Work by kind, summed over processes and earlier attempts."""


def segment_blocks(
    image: LazyImage,
    output: str | Path,
    *,
    model: Model,
    detector: Detector | None = None,
    diameter: float | None = None,
    prob_thresh: float | None = None,
    nms_thresh: float | None = None,
    memory: int | None = None,
    cluster: str | None = None,
    workers: int | None = None,
    table: str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Outcome:
    """Segment an image block by block, with the result of segmenting it at once, up to the objects' numbers.

    Parameters
    ----------
    image : LazyImage
        From :func:`anystar.io.open_image`.
    output : str or Path
        The label image, an OME-Zarr store: ``cells.zarr``, or ``image.zarr/labels/cells``.
    model : Model
    detector : Detector, optional
        What the workers of a cluster use, if not the model as it is: see :mod:`anystar.blocks.detectors`.
    diameter, prob_thresh, nms_thresh
        As for :meth:`anystar.predict.Model.segment`.
    memory : int, optional
        Bytes that each process may use; by default 70% of what is free, shared among the workers.
    cluster : str, optional
        Run on Dask workers: ``"local"``, ``"slurm"``, or the address of a scheduler.
    workers : int, optional
        How many, see :func:`anystar.cluster.connect`.
    table : str or Path, optional
        A table of the objects, ``.csv`` or ``.parquet``.
    resume : bool
        Go on with a run that was interrupted.
    overwrite : bool
        Replace what is there, finished or not.
    progress : callable, optional
        Called as ``progress(done, total, stage)``.

    Returns
    -------
    Outcome

    Raises
    ------
    ValueError
        If an argument or the image cannot be used, or the interrupted run was another one.
    """
    output, table = Path(output), None if table is None else Path(table)
    request = Request(
        image=str(image.address) + _part_of(image),
        shape=image.shape,
        dtype=str(image.dtype),
        spacing=image.spacing,
        model=model.name,
        weights=model.digest(),
        diameter=diameter,
        prob_thresh=model.threshold("prob_thresh", prob_thresh),
        nms_thresh=model.threshold("nms_thresh", nms_thresh),
        memory=memory or 0,
        version=__version__,
    )
    if memory is None:
        memory = int(_SHARE * available_memory() / (1 if cluster is None else workers or 1))
    folder = _folder(output)
    plan = _settle(folder, request, image, output, model, memory, resume, overwrite, progress)
    zoom = tuple(size * plan.factor for size in plan.voxel_size)
    sizes = choose_sizes(
        memory,
        image.shape,
        grid=model.network.config.grid,
        itemsize=image.dtype.itemsize,
        zoom=(zoom[0], zoom[1], zoom[2]),
    )
    run = Run(folder=folder, plan=plan, image=image, detector=detector or model, hold=sizes.hold)
    journal = Journal(folder / "journal")
    try:
        with _mapper(cluster, workers) as mapper:
            num = 0
            if plan.diameter_vox is not None:
                find_objects(run, journal, mapper, progress)
                num = int(count_objects(run, journal).sum())
            labels = _store(output, run, journal, num)
            if num:
                paint_all(run, journal, labels, str(np.min_scalar_type(num)), mapper, progress)
        outcome = _outcome(run, journal, output)
        if table is not None:
            parts = objects_of(run.table_path(n) for n in sorted(journal.of("labels")))
            scale = image.spacing if image.unit == "um" else None
            write_tables(table, parts, image.shape, spacing=scale)
        if progress is not None:
            progress(0, 1, "pyramid")
        labels.finish()
    finally:
        journal.close()
    shutil.rmtree(folder)
    return outcome


def _part_of(image: LazyImage) -> str:
    parts = (("channel", image.channel), ("time", image.time), ("level", image.level or None))
    return "".join(f" {name} {value}" for name, value in parts if value is not None)


def _folder(output: Path) -> Path:
    return output.with_name(f".{output.name}.run")


def _settle(
    folder: Path,
    request: Request,
    image: LazyImage,
    output: Path,
    model: Model,
    memory: int,
    resume: bool,
    overwrite: bool,
    progress: Progress | None,
) -> Plan:
    """Return the plan of the run: that of the interrupted one, or a new one."""
    path = folder / "plan.toml"
    if resume:
        if not path.exists():
            raise ConfigError(f"{output} was not begun, or is finished; leave --resume out")
        plan = read_plan(path)
        refuse_other(plan.request, request, output)
        return plan
    if path.exists() and not overwrite:
        raise ConfigError(f"{output} was begun and not finished; add --resume to go on, or --overwrite")
    # Whether it can be written should be known now, not when the network is done
    LabelStore.create(output, image.shape, np.uint8, like=image, overwrite=overwrite)
    shutil.rmtree(folder, ignore_errors=True)
    plan = _plan(request, image, model, memory, progress)
    write_plan(path, plan)
    return plan


def _plan(request: Request, image: LazyImage, model: Model, memory: int, progress: Progress | None) -> Plan:
    """Look at the image as much as :meth:`anystar.predict.Model.segment` does before its network runs."""
    whole = Lazy(image)
    unit = 1.0 if request.spacing is None else min(request.spacing)
    z, y, x = (1.0, 1.0, 1.0) if request.spacing is None else (s / unit for s in request.spacing)
    if request.diameter is not None and not (np.isfinite(request.diameter) and request.diameter > 0):
        raise ConfigError(f"diameter must be positive, got {request.diameter}")
    seen = level(whole)
    light = seen.light if isinstance(seen, Levelled) else None
    limits = window(seen)
    notes: tuple[str, ...] = ()
    diameter = None if request.diameter is None else request.diameter / unit
    if limits[0] == limits[1]:
        diameter, notes = None, ("the image is constant: there is nothing to find",)
    elif diameter is None:
        scene = Scene(image=seen, limits=limits)
        floor = min(0.1, request.prob_thresh)
        guess = estimate(model, scene, voxel_size=(z, y, x), floor=floor, progress=progress)
        diameter, notes = guess.diameter, guess.notes
    factor = 1.0 if diameter is None else model.diameter / diameter
    sizes = choose_sizes(
        memory,
        image.shape,
        grid=model.network.config.grid,
        itemsize=image.dtype.itemsize,
        zoom=(z * factor, y * factor, x * factor),
    )
    return Plan(
        request=request,
        voxel_size=(z, y, x),
        limits=limits,
        light_cells=light.cells if light else (1, 1, 1),
        light_ground=tuple(light.ground.ravel().tolist()) if light else (),
        light_reach=tuple(light.reach.ravel().tolist()) if light else (),
        diameter_vox=diameter,
        factor=factor,
        notes=notes,
        tiles_along=sizes.tiles_along,
        block=sizes.block,
    )


@contextmanager
def _mapper(cluster: str | None, workers: int | None) -> Iterator[Mapper]:
    if cluster is None:
        yield in_turn
        return
    with connect(cluster, workers=workers) as client:
        yield partial(each_done, client)


def _store(output: Path, run: Run, journal: Journal, num: int) -> LabelStore:
    """Return the label image to be filled: a new one, once it is known how many labels it must hold."""
    image = run.image
    assert isinstance(image, LazyImage)
    if journal.entry("store", 0) is not None:
        return LabelStore.resume(output, like=image)
    store = LabelStore.create(output, image.shape, np.min_scalar_type(num), like=image, overwrite=True)
    journal.add("store", 0, objects=num)
    return store


def _outcome(run: Run, journal: Journal, output: Path) -> Outcome:
    seconds: dict[str, float] = {}
    for entry in journal.lines.values():
        for kind, value in entry.get("seconds", {}).items():
            seconds[kind] = seconds.get(kind, 0.0) + value
    paths = (run.table_path(n) for n in sorted(journal.of("labels")))
    volumes = [part.volume_vox for part in objects_of(paths)]
    volume_vox = np.concatenate([np.zeros(0, np.int64), *volumes])
    notes = list(run.plan.notes)
    for entry in journal.of("network").values():
        notes += [note for note in entry.get("notes", ()) if note not in notes]
    return Outcome(
        labels=output,
        num_objects=len(volume_vox),
        volume_vox=volume_vox,
        diameter_vox=run.plan.diameter_vox,
        notes=tuple(notes),
        seconds=seconds,
    )
