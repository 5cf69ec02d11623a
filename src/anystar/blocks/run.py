"""Segment an image larger than memory, to a store on the disk."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from anystar._version import __version__
from anystar.arrays import VoxelSize
from anystar.blocks.journal import Journal
from anystar.blocks.kept_objects import KeptObjects
from anystar.blocks.lazy_array import LazyArray, fingerprint
from anystar.blocks.memory import Sizes, available_memory, choose_sizes
from anystar.blocks.options import BlockOptions, Selection
from anystar.blocks.outcome import Outcome
from anystar.blocks.outputs import write_outputs
from anystar.blocks.overview import Surveyor
from anystar.blocks.plan import Plan, Request, read_plan, refuse_other, sign, signed, write_plan
from anystar.blocks.recovery import forget_damaged_files, forget_damaged_labels
from anystar.blocks.scheduler import Mapper, count_objects, find_objects, in_turn, paint_all, survey_all
from anystar.blocks.tasks import Run
from anystar.config import ConfigError
from anystar.errors import AlreadyDone, FileError
from anystar.io.label_store import LabelStore
from anystar.io.lazy import LazyImage
from anystar.io.unfinished import partial_of
from anystar.objects.measure import check_mask
from anystar.outputs import Outputs
from anystar.predict.detector import TileDetector
from anystar.predict.model import Model
from anystar.predict.notes import Note
from anystar.predict.options import PredictionOptions
from anystar.predict.pipeline import Choices, choose
from anystar.preprocess.resample import resampled_shape
from anystar.runtime.cluster import connect, each_done
from anystar.runtime.progress import Progress

__all__ = ["segment_blocks"]

_SHARE = 0.7
"""Share of the free memory that is used by default."""
_PLAN = "plan.toml"
_AUTOMATIC, _ALL = BlockOptions(), Selection()


def segment_blocks(
    image: LazyImage,
    outputs: Outputs | str | Path,
    options: BlockOptions = _AUTOMATIC,
    *,
    model: Model,
    detector: TileDetector | None = None,
    mask: LazyImage | None = None,
    selection: Selection = _ALL,
    name: str = "",
    provenance: Callable[[Outcome], str] | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """Segment an image block by block, with the result of segmenting it at once, up to the objects' numbers.

    Parameters
    ----------
    image : LazyImage
        From :func:`anystar.io.open_image`.
    outputs : Outputs, str or Path
        What is written; a path is that of the labels, an OME-Zarr store: ``cells.zarr``, or
        ``image.zarr/labels/cells``.
    options : BlockOptions
        As for :meth:`anystar.predict.Model.segment`, with the memory and the workers of the run.
    model : Model
    detector : TileDetector, optional
        What the workers of a cluster use, if not the model as it is: see :mod:`anystar.blocks.lazy_model`.
    mask : LazyImage, optional
        Not 0 where objects may be; of the image's shape. Gives the table the column ``mask_overlap``.
    selection : Selection
        Which objects are kept.
    name : str
        Name of the volume above the overview image.
    provenance : callable, optional
        Returns the provenance that the table and a file contain.
    progress : callable, optional
        Called as ``progress(done, total, stage)``.

    Returns
    -------
    Outcome

    Raises
    ------
    AlreadyDone
        If ``resume`` finds that all was done before.
    ValueError
        If an argument or the image cannot be used, or the interrupted run was another one.
    """
    outputs = outputs if isinstance(outputs, Outputs) else Outputs(labels=Path(outputs))
    if mask is not None:
        check_mask(mask.address, mask, "image", image)
    request = _request(image, outputs, options, model, mask, selection)
    folder = _folder(outputs.labels)
    if options.resume and not options.overwrite and not (folder / _PLAN).exists():
        _refuse_finished(outputs, request)
    plan = _resume_or_plan(folder, request, image, outputs.labels, model, options, progress)
    run = Run(
        folder=folder,
        plan=plan,
        image=image,
        detector=detector or model.detector(),
        hold=_sizes(options, image, model, plan.choices).hold,
        mask=mask,
        others=tuple((other.column_name, other) for other in image.others) if request.table else (),
    )
    with closing(Journal(folder / "journal")) as journal:
        painted = _paint(run, journal, outputs, options, selection, progress)
        outcome = _outcome(run, journal, outputs.labels, painted.keep, painted.repeated)
        write_outputs(
            outputs,
            run,
            painted.keep,
            painted.surveyor,
            lambda: "" if provenance is None else provenance(outcome),
            name=name,
            mesh_format=options.mesh_format,
            length_unit=image.length_unit,
        )
        if progress is not None:
            progress(0, 1, "pyramid")
        _finish(run, journal, painted)
    (folder / _PLAN).unlink()  # first: without it the rest is no run, wherever its removal is interrupted
    shutil.rmtree(folder)
    return outcome


def _request(
    image: LazyImage,
    outputs: Outputs,
    options: BlockOptions,
    model: Model,
    mask: LazyImage | None,
    selection: Selection,
) -> Request:
    """Return what the result depends on: a run is resumed only with the same."""
    if options.nms_thresh is None:
        options = replace(options, nms_thresh=model.defaults.nms_thresh)
    return Request(
        image=_name_of(image),
        shape=image.shape,
        dtype=str(image.dtype),
        spacing=image.spacing,
        unit=image.unit,
        model=model.name,
        weights=model.digest(),
        options=PredictionOptions.of(options),
        table=outputs.table is not None or selection.keep is not None,
        distances=options.distances,
        mask=None if mask is None else _name_of(mask),
        voxels=fingerprint(image),
        mask_voxels=None if mask is None else fingerprint(mask),
        filters=selection.text,
        memory=options.memory or 0,
        version=__version__,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Painted:
    """A run whose labels are all on the disk, not yet under their name."""

    labels: LabelStore
    keep: KeptObjects
    surveyor: Surveyor | None
    repeated: int
    """Number of blocks that were computed again, since files of an interrupted run were damaged."""


def _paint(
    run: Run,
    journal: Journal,
    outputs: Outputs,
    options: BlockOptions,
    selection: Selection,
    progress: Progress | None,
) -> _Painted:
    """Do all tasks of a run that its journal does not list."""
    repeated = forget_damaged_files(run, journal)
    with _mapper(options) as mapper:
        if run.plan.choices.diameter is not None:
            find_objects(run, journal, mapper, progress)
        num = int(count_objects(run, journal).sum())
        dtype = np.promote_types(np.uint16, np.min_scalar_type(num))
        labels, unreadable = _store(outputs.labels, run, journal, dtype)
        paint_all(run, journal, labels, str(dtype), mapper, progress)
        keep = KeptObjects(run, journal, selection.keep)
        surveyor = None if outputs.overview is None else Surveyor.of(run, labels, keep.kept)
        if surveyor is not None:
            survey_all(surveyor, journal, mapper, progress)
    return _Painted(labels=labels, keep=keep, surveyor=surveyor, repeated=repeated + unreadable)


def _finish(run: Run, journal: Journal, painted: _Painted) -> None:
    """Make the pyramid of the labels, leave filtered objects out, and give the label image its name."""
    labels, keep = painted.labels, painted.keep
    sign(labels.partial, run.plan.request, len(keep.volume_vox))
    journal.add("finish", 0)
    labels.finish(relabel=keep.relabel if keep.num_filtered else None)


def _name_of(image: LazyImage) -> str:
    """Return the name of an image, with whatever chooses a part of the file."""
    parts = (
        ("channel", image.channel),
        ("time", image.time),
        ("level", image.level or None),
        ("series", image.series),
        ("axes", image.renamed),
    )
    chosen = "".join(f" {name} {value}" for name, value in parts if value is not None)
    return str(image.address._replace(file=image.address.file.resolve())) + chosen


def _folder(output: Path) -> Path:
    return output.with_name(f".{output.name}.run")


def _refuse_finished(outputs: Outputs, request: Request) -> None:
    """Raise if what is to be resumed is finished, or if what was not begun would replace something."""
    output = outputs.labels
    found = signed(output) if output.exists() else None
    if found is None:
        if there := next((p for p in (output, *outputs.beside) if p.exists()), None):
            raise ConfigError(f"{there} exists already; add overwrite=True, or choose another name")
        return
    begun, num_objects = found
    refuse_other(replace(begun, memory=request.memory), request, output)
    if gone := next((p for p in outputs.beside if not p.exists()), None):
        raise ConfigError(f"{output} is finished but {gone} is not there; make both anew with overwrite=True")
    shutil.rmtree(_folder(output), ignore_errors=True)  # of which a part is left if that was interrupted
    raise AlreadyDone(output, num_objects)


def _resume_or_plan(
    folder: Path,
    request: Request,
    image: LazyImage,
    output: Path,
    model: Model,
    options: BlockOptions,
    progress: Progress | None,
) -> Plan:
    """Return the plan of the run: that of the interrupted one, or a new one."""
    path = folder / _PLAN
    if options.resume and path.exists():
        plan = read_plan(path)
        refuse_other(plan.request, request, output)
        return plan
    if path.exists() and not options.overwrite:
        raise ConfigError(f"{output} was begun and not finished; add resume=True to go on, or overwrite=True")
    # Whether it can be written should be known now, not when the network is done
    trial = LabelStore.create(output, image.shape, np.uint8, like=image, overwrite=options.overwrite)
    try:
        shutil.rmtree(folder, ignore_errors=True)
        plan = _plan(request, image, model, options, progress)
        write_plan(path, plan)
    finally:
        trial.discard()
    return plan


def _plan(
    request: Request, image: LazyImage, model: Model, run_options: BlockOptions, progress: Progress | None
) -> Plan:
    """Choose what the result depends on, as :meth:`anystar.predict.Model.segment` does."""
    _, choices = choose(
        LazyArray(image),
        VoxelSize.of(image),
        model.detector(),
        model.defaults,
        request.options,
        config=model.search,
        plane=image.plane,
        progress=progress,
    )
    sizes = _sizes(run_options, image, model, choices)
    return Plan(request=request, choices=choices, tiles_along=sizes.tiles_along, block=sizes.block)


def _sizes(options: BlockOptions, image: LazyImage, model: Model, choices: Choices) -> Sizes:
    """Return the sizes of blocks for an image that is resampled."""
    if options.sizes is not None:
        return options.sizes
    sharing = 1 if options.dask is None else options.workers or 1
    memory = options.memory or int(_SHARE * available_memory() / sharing)
    zoom = choices.zooms(choices.zoom)
    tiles = model.detector().tiles(resampled_shape(choices.preprocessing.inner_shape(image.shape), zoom))
    itemsize = image.dtype.itemsize
    return choose_sizes(memory, image.shape, tiles=tiles, itemsize=itemsize, zoom=zoom, tta=options.tta)


@contextmanager
def _mapper(options: BlockOptions) -> Iterator[Mapper]:
    if options.dask is None:
        yield in_turn
        return
    with connect(options.dask, workers=options.workers) as client:
        yield partial(each_done, client)


def _store(output: Path, run: Run, journal: Journal, dtype: np.dtype) -> tuple[LabelStore, int]:
    """Return the label image to be filled, and how many blocks of it must be drawn again.

    A new one is made once it is known how many labels it must hold, or if the one of before is damaged.
    """
    image = run.image
    drawn, finishing = journal.of("labels"), journal.entry("finish", 0) is not None
    if journal.entry("store", 0) is not None and (not finishing or len(drawn) == len(run.boxes)):
        partial = partial_of(output)
        if finishing and output.exists() and not partial.exists():
            output.rename(partial)  # killed when it had appeared: its image may not list it yet
        with suppress(FileError):
            store = LabelStore.resume(output, like=image)
            if store.dtype == dtype:
                return store, 0 if finishing else forget_damaged_labels(run, journal, store)
    for stage in ("labels", "overview", "finish"):
        for number in journal.of(stage):
            journal.forget(stage, number)
    store = LabelStore.create(
        output,
        image.shape,
        dtype,
        like=image,
        shards=run.plan.block,  # each written whole by the one task that draws the block
        overwrite=True,
    )
    journal.add("store", 0)
    return store, len(drawn)


def _outcome(run: Run, journal: Journal, output: Path, keep: KeptObjects, repeated: int) -> Outcome:
    seconds: dict[str, float] = {}
    for entry in journal.lines.values():
        for kind, value in entry.get("seconds", {}).items():
            seconds[kind] = seconds.get(kind, 0.0) + value
    notes = list(run.plan.choices.notes)
    for entry in journal.of("network").values():
        found = [Note(*note) for note in entry.get("notes", ())]
        notes += [note for note in found if note not in notes]
    if repeated:
        blocks = "1 block was" if repeated == 1 else f"{repeated} blocks were"
        text = f"{blocks} computed again, because files of the interrupted run were damaged"
        notes.append(Note("repeated", text))
    return Outcome(
        labels=output,
        num_objects=len(keep.volume_vox),
        num_filtered=keep.num_filtered,
        volume_vox=keep.volume_vox,
        diameter_vox=run.plan.choices.diameter,
        second_diameter_vox=None if run.plan.choices.second is None else run.plan.choices.second.diameter,
        runner_up=run.plan.choices.runner_up,
        voxel_size=run.plan.voxel_size,
        notes=tuple(notes),
        prob_thresh=run.plan.choices.prob_thresh,
        nms_thresh=run.plan.choices.nms_thresh,
        timings=seconds,
    )
