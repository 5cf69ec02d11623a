"""One image file to its labels, table, overview image, surfaces and provenance."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import anystar
from anystar import io
from anystar.arrays import Volume
from anystar.errors import InputError
from anystar.geometry.polyhedra import Polyhedra
from anystar.io.address import locate
from anystar.io.lazy import LazyImage
from anystar.objects import filters
from anystar.objects.measure import add_channel
from anystar.objects.table import Table
from anystar.outputs import Outputs, target_of
from anystar.predict.model import Model
from anystar.predict.result import Result
from anystar.report.meshes import MESH_SUFFIXES, write_meshes
from anystar.report.table import write_table
from anystar.runtime.atomic import staged
from anystar.runtime.progress import Progress
from anystar.workflow.batch import plan_jobs
from anystar.workflow.file_result import FileResult, file_result
from anystar.workflow.opened import OpenedImage, open_file
from anystar.workflow.options import SegmentOptions
from anystar.workflow.provenance import describe_run

__all__ = ["segment_file", "segment_opened", "segment_thresholds"]


def segment_file(
    path: str | Path,
    outputs: Outputs | str | Path,
    options: SegmentOptions | None = None,
    *,
    model: Model | None = None,
    progress: Progress | None = None,
) -> FileResult:
    """Segment an image file and write labels, and whatever else ``outputs`` names, all or nothing.

    An image that does not fit into memory is segmented in blocks; its labels must go to OME-Zarr.

    Parameters
    ----------
    path : str or Path
        See :func:`anystar.open_image`.
    outputs : Outputs, str or Path
        What is written; a path is that of the labels.
    options : SegmentOptions, optional
    model : Model, optional
        The model, loaded already; by default that of ``options``.
    progress : callable, optional
        Called as ``progress(done, total, stage)``.

    Returns
    -------
    FileResult

    Raises
    ------
    InputError
        If the image, an output or an option cannot be used.
    """
    wanted = outputs if isinstance(outputs, Outputs) else Outputs(labels=Path(outputs))
    options = options or SegmentOptions()
    (job,) = plan_jobs([Path(path)], wanted, options)
    opened = open_file(job.image, job.outputs, options, name=job.name)
    model = model or anystar.load_model(options.model, device=options.device)
    return segment_opened(opened, model, progress=progress)


def segment_opened(opened: OpenedImage, model: Model, *, progress: Progress | None = None) -> FileResult:
    """Segment an image that :func:`open_file` opened, and write all its outputs."""
    try:
        if opened.box is not None:
            with opened.image as image:
                return _segment_at_once(opened, image, model, progress)
        if opened.volume is None:
            from anystar.workflow.in_blocks import segment_in_blocks  # brings zarr along

            return segment_in_blocks(opened, model, progress)
        return _segment_at_once(opened, opened.volume, model, progress)
    except InputError as error:
        if str(error).startswith("image "):  # which one is known only here
            raise InputError(f"{opened.path}: {error}") from None
        raise


def segment_thresholds(
    opened: OpenedImage,
    outputs: Mapping[float, Outputs],
    model: Model,
    *,
    progress: Progress | None = None,
) -> list[FileResult]:
    """Segment an image with several probability thresholds, in one run of the network.

    Parameters
    ----------
    opened : OpenedImage
        Of :func:`open_file`; its own outputs and threshold do not count.
    outputs : mapping of float to Outputs
        What is written for each threshold.
    model : Model
    progress : callable, optional
        Called as ``progress(done, total, stage)``.

    Returns
    -------
    list of FileResult
        One per threshold, ascending.

    """
    image = opened.image if opened.box is not None else opened.volume
    if image is None:
        from anystar.workflow.in_blocks import thresholds_in_blocks  # brings zarr along

        return thresholds_in_blocks(opened, outputs, model, progress)
    thresholds, done = sorted(outputs), []
    with contextlib.ExitStack() as stack:
        if opened.box is not None:
            stack.enter_context(opened.image)
        lowest = replace(opened.options, prob_thresh=thresholds[0])
        result = model.segment_with(lowest, image, box=opened.box, progress=progress)
        for value in thresholds:
            start = time.perf_counter()
            own = replace(opened, outputs=outputs[value], options=replace(opened.options, prob_thresh=value))
            with _staged(own) as place:
                other = result if value == thresholds[0] else result.rethreshold(value)
                done.append(_finish(own, other, model, place, start))
    return done


def _segment_at_once(
    opened: OpenedImage, image: Volume | LazyImage, model: Model, progress: Progress | None
) -> FileResult:
    start = time.perf_counter()
    with _staged(opened) as place:
        result = model.segment_with(opened.options, image, box=opened.box, progress=progress)
        return _finish(opened, result, model, place, start)


def _finish(
    opened: OpenedImage, result: Result, model: Model, place: dict[Path, Path], start: float
) -> FileResult:
    """Filter a result and write the outputs of an image to the temporary files in ``place``."""
    kept, table = _filter(opened, result)
    num_filtered = len(result.objects) - len(kept.objects)
    done = file_result(opened, result, kept.objects.volume_vox, num_filtered, start)
    provenance = describe_run(opened, model, result, done)
    if opened.box is not None and not opened.options.crop and table is not None:
        table = table.moved(opened.box.start, result.voxel_size.spacing)
    _write(place, opened, kept, table, provenance)
    data = result.volume.data if result.image is None else result.image.data
    low = data.min()
    return replace(
        done,
        seconds=time.perf_counter() - start,
        files=_own_files(opened),
        table=table,
        provenance=provenance,
        labels=_labels_at_place(opened, kept) if "labels" in opened.shared else None,
        constant=low if not len(result.objects) and low == data.max() else None,
    )


def _filter(opened: OpenedImage, result: Result) -> tuple[Result, Table | None]:
    """Measure the objects if that is needed, and drop those that do not meet the conditions."""
    options = opened.options
    masked = options.mask is not None
    if opened.outputs.table is None and not options.filters.predicates(masked=masked):
        return result, None
    mask = None
    if options.mask is not None:
        with io.open_image(options.mask, sized=False) as opened_mask:
            mask = opened_mask.crop(opened.box or ":,:,:")
    table = result.table(mask=mask, distances=options.distances)
    for other in opened.image.others:  # one channel in memory at a time
        with other.reopen() as channel:
            values = channel.read(None if opened.box is None else opened.box.slices)
            table = add_channel(table, result.labels, values, other.column_name)
    keep = options.filters.kept(table, masked=masked)
    if keep.all():
        return result, table
    labels = filters.keep_labels(result.labels, table["label"][keep])
    return replace(result, labels=labels, objects=result.objects.select(keep)), table.select(keep)


@contextlib.contextmanager
def _staged(opened: OpenedImage) -> Iterator[dict[Path, Path]]:
    """Give the place where each file is made; folders (Zarr, meshes) are moved as a whole, at the end."""
    outputs = opened.outputs
    folders = {p for p in (outputs.meshes,) if p is not None and p.suffix.lower() not in MESH_SUFFIXES}
    if outputs.in_store:
        folders.add(target_of(outputs.labels))
    files = [p for p in _own_files(opened) if p not in folders]
    with staged(*files) as temporary:
        yield dict(zip(files, temporary, strict=True))


def _own_files(opened: OpenedImage) -> tuple[Path, ...]:
    """Return what is written for the image alone, without what it shares with others."""
    named = opened.outputs.named.items()
    return tuple(path for what, path in named if what.split()[-1] not in opened.shared)


def _labels_at_place(opened: OpenedImage, result: Result) -> Volume:
    """Return the labels at their place, on the whole grid unless they are cropped."""
    if opened.box is None or opened.options.crop:
        return result.volume
    return opened.image.place(opened.box.embed(result.labels, opened.image.shape))


def _write(
    place: dict[Path, Path], opened: OpenedImage, result: Result, table: Table | None, provenance: str
) -> None:
    """Write the outputs to the temporary files in ``place``."""
    outputs, whole = opened.outputs, None if opened.options.crop else opened.box
    spacing, unit = result.voxel_size.spacing, result.voxel_size.unit
    if outputs.table is not None and outputs.table in place and table is not None:
        write_table(place[outputs.table], table, provenance=provenance)
    if outputs.provenance is not None:
        place[outputs.provenance].write_text(provenance, encoding="utf-8")
    if outputs.overview is not None:
        from anystar.report.overview import save_overview

        save_overview(
            place[outputs.overview],
            result.displayed(),
            result.labels,
            spacing=spacing,
            unit=unit,
            length_unit=result.length_unit,
            title=f"{opened.name}: {len(result.objects)} objects",
        )
    if outputs.meshes is not None:
        objects = result.objects if whole is None else result.objects.moved(whole.start)
        bodies = Polyhedra(objects.centre_vox, objects.distances, result.rays)
        write_meshes(
            place.get(outputs.meshes, outputs.meshes),
            [(objects.label, bodies)],
            objects.label,
            result.rays,
            spacing=spacing,
            length_unit=result.length_unit if unit == "um" else "um",
            kind=opened.options.mesh_format,
        )
    if outputs.rois is not None:
        image, first = opened.image, (0, 0, 0) if whole is None else whole.start
        time = image.time if image.num_times > 1 else None
        stack = image.num_channels == 1
        io.write_rois(place[outputs.rois], result.labels, time=time, stack=stack, first=first)
    if "labels" in opened.shared:
        return
    address = locate(outputs.labels)
    if not outputs.in_store:
        address = address._replace(file=place[address.file])
    if whole is None:
        io.write(str(address), result.labels, like=result.volume)
    else:
        io.write_part(str(address), result.labels, whole, like=opened.image)
