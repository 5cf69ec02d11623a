"""Segment a volume in memory and write what was asked for."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from anystar.cli.group import as_options
from anystar.cli.progress import progress_bar
from anystar.cli.record import make_record
from anystar.cli.relevance import predicates
from anystar.errors import InputError

if TYPE_CHECKING:
    import numpy as np

    from anystar.arrays import Volume
    from anystar.cli.plan import Job
    from anystar.io import LazyImage
    from anystar.objects.table import Table

__all__ = ["constant", "notes_of", "record_of", "refuse_other_unit", "segment_whole", "tell"]


@dataclass(frozen=True, kw_only=True)
class _Found:
    """What is written."""

    labels: np.ndarray
    objects: Any
    "The objects that were kept."
    table: Table | None
    "Of the same objects, if it is needed."
    dropped: int
    "How many objects were irrelevant."


def segment_whole(job: Job, image: LazyImage, volume: Volume, model: Any, given: dict[str, Any]) -> int:
    """Segment, write all outputs of the job or none, say what was found, and return how many objects.

    Raises
    ------
    ValueError
        If there is something that cannot be used; after all is written, if the image is constant.
    """
    from anystar.arrays import metric

    start = time.perf_counter()
    refuse_other_unit(job, volume, given)
    with _staged(job) as place:
        with progress_bar(job.name) as progress:
            result = model.segment(
                volume.data,
                spacing=metric(volume.spacing, volume.unit),
                diameter=given["diameter"],
                prob_thresh=given["prob_thresh"],
                nms_thresh=given["nms_thresh"],
                progress=progress,
            )
        found = _relevant(job, image, volume, result, given)
        counts = len(found.objects.label), found.dropped
        notes = notes_of(image, result, *counts)
        record = record_of(job, image, model, given, result, *counts, notes, time.perf_counter() - start)
        _write(place, job, volume, result, found, record, given)
    tell(job, image, result, found.objects.volume_vox, found.dropped, notes, time.perf_counter() - start)
    if not any(counts) and (low := volume.data.min()) == volume.data.max():
        raise constant(job, low)
    return counts[0]


def constant(job: Job, value: Any) -> InputError:
    """Return what to raise if all voxels of an image are the same."""
    what = f"{job.image} is constant (every voxel is {value}) and has no objects"
    return InputError(f"{what}; check that the right channel was exported")


def tell(
    job: Job,
    image: LazyImage,
    result: Any,
    volume_vox: np.ndarray,
    num_dropped: int,
    remarks: Sequence[str],
    seconds: float,
) -> None:
    """Say what was found and written."""
    left_out = f" ({num_dropped} irrelevant ones dropped)" if num_dropped else ""
    size = _describe_size(volume_vox, image, result.voxel_size)
    click.echo(f"{job.image}: {len(volume_vox)} objects{left_out}{size}, {seconds:.1f} s")
    for remark in remarks:
        click.echo(f"  note: {as_options(remark)}")
    for path in job.outputs.files:
        click.echo(f"  wrote {path}")


def refuse_other_unit(job: Job, volume: Volume | LazyImage, given: dict[str, Any]) -> None:
    """Raise if a file of thresholds gives the diameter in a unit that this image has not."""
    known = "um" if volume.spacing is not None and volume.unit == "um" else "voxels"
    if given["diameter_unit"] not in (None, known):
        raise InputError(
            f"{given['thresholds']} gives the diameter in {given['diameter_unit']}, but the voxel size of "
            f"{job.image} is {'known' if known == 'um' else 'not known'}; give --diameter"
            + ("" if known == "um" else " or --spacing")
        )


@contextlib.contextmanager
def _staged(job: Job) -> Iterator[dict[Path, Path]]:
    """Give the place where each file is made; folders (Zarr, meshes) take care of themselves, at the end."""
    from anystar.report.meshes import MESH_SUFFIXES
    from anystar.runtime.atomic import staged

    outputs = job.outputs
    folders = {p for p in (outputs.meshes,) if p is not None and p.suffix.lower() not in MESH_SUFFIXES}
    files = [p for p in outputs.files[_is_folder(job) :] if p not in folders]
    with staged(*files) as temporary:
        yield dict(zip(files, temporary, strict=True))


def _is_folder(job: Job) -> bool:
    from anystar.io.address import locate

    return locate(job.outputs.labels).module == "ome_zarr"


def _relevant(job: Job, image: LazyImage, volume: Volume, result: Any, given: dict[str, Any]) -> _Found:
    """Measure what was found, and drop what is not relevant."""
    from anystar import io
    from anystar.arrays import measuring
    from anystar.objects import filters
    from anystar.objects.measure import add_mask, tabulate
    from anystar.preprocess.arrays import whole_box

    wanted = predicates(given)
    everything = _Found(labels=result.labels, objects=result.objects, table=None, dropped=0)
    if not wanted and job.outputs.table is None:
        return everything
    spacing, unit = measuring(volume.spacing, volume.unit, result.voxel_size)
    table = tabulate(
        result.labels,
        result.objects,
        result.rays,
        image=result.preprocessing.repaired(volume.data),
        spacing=spacing,
        unit=unit,
        margins=result.preprocessing.margin_mask(whole_box(result.labels.shape)),
        distances=given["distances"],
    )
    if given["mask"] is not None:
        table = add_mask(table, result.labels, io.read(given["mask"], sized=False).data)
    table = _other_channels(job, image, result.labels, table, given)
    keep = filters.relevant(table, wanted)
    if keep.all():
        return replace(everything, table=table)
    return _Found(
        labels=filters.keep_labels(result.labels, table["label"][keep]),
        objects=result.objects.select(keep),
        table=table.select(keep),
        dropped=int((~keep).sum()),
    )


def _other_channels(
    job: Job, image: LazyImage, labels: np.ndarray, table: Table, given: dict[str, Any]
) -> Table:
    """Add the intensities in the channels that were not segmented, one channel in memory at a time."""
    from anystar.objects.measure import add_channel

    for other in image.others:
        with other.reopen() as opened:
            table = add_channel(table, labels, opened.read(), f"c{other.channel or 0}")
    return table


def notes_of(image: LazyImage, result: Any, num_objects: int, num_dropped: int) -> tuple[str, ...]:
    """Return the remarks for the user on the image, on what was assumed, and on finding nothing."""
    from anystar.predict.scale import CONSTANT

    hint = []
    if num_objects == 0 and num_dropped == 0 and CONSTANT not in result.notes:
        hint = ["nothing was found; try --diameter, or a lower --prob-thresh"]
    elif num_objects == 0 and num_dropped:
        hint = ["nothing was relevant; keep more, or look at the table without these options"]
    return (*_spacing_notes(image, result.voxel_size), *image.notes, *result.notes, *hint)


def record_of(
    job: Job,
    image: LazyImage,
    model: Any,
    given: dict[str, Any],
    result: Any,
    num_objects: int,
    num_dropped: int,
    remarks: tuple[str, ...],
    seconds: float,
) -> str:
    """Return the record of a run, at once or in blocks."""
    finest = 1.0 if image.spacing is None else min(image.spacing)
    diameter = result.diameter_vox
    return make_record(
        _parameters(job, given, model, result),
        image=image,
        model=model,
        estimate={
            "diameter_vox": diameter,
            "diameter_um": diameter * finest if diameter and image.spacing and image.unit == "um" else None,
            "diameter_was": "given" if given["diameter"] else "estimated",
            **({} if image.spacing else {"voxel_size": result.voxel_size}),
        },
        result={
            "objects": num_objects,
            "dropped": num_dropped,
            "notes": remarks,
            "seconds": {**result.timings, "total": seconds},
        },
    )


def _parameters(job: Job, given: dict[str, Any], model: Any, result: Any) -> dict[str, Any]:
    """Return the options of a run on one image, with what the model chose filled in."""
    known = {k: v for k, v in given.items() if k not in ("thresholds", "diameter_unit", "output", "inputs")}
    outputs = {k: p and p.absolute() for k, p in vars(job.outputs).items()}
    weights = given["model"]
    if weights is None:
        weights = model.name
    elif Path(weights).is_file():
        weights = str(Path(weights).absolute())
    return {
        **known,
        "inputs": [str(job.image.absolute())],
        "output": outputs.pop("labels"),
        **outputs,
        "channel": job.channel,
        "time": job.time,
        "model": weights,
        "mask": given["mask"] and given["mask"].absolute(),
        "prob_thresh": result.prob_thresh,
        "nms_thresh": result.nms_thresh,
    }


def _write(
    place: dict[Path, Path],
    job: Job,
    volume: Volume,
    result: Any,
    found: _Found,
    record: str,
    given: dict[str, Any],
) -> None:
    """Write the outputs to where ``place`` says that they are made."""
    from anystar import io
    from anystar.arrays import measuring
    from anystar.io.address import locate
    from anystar.report.meshes import Polyhedra, write_meshes
    from anystar.report.table import write_table

    outputs = job.outputs
    spacing, unit = measuring(volume.spacing, volume.unit, result.voxel_size)
    if outputs.table is not None and found.table is not None:
        write_table(place[outputs.table], found.table, record=record)
    if outputs.record is not None:
        place[outputs.record].write_text(record, encoding="utf-8")
    if outputs.picture is not None:
        from anystar.report.picture import save_picture

        save_picture(
            place[outputs.picture],
            volume.data,
            found.labels,
            spacing=spacing,
            unit=unit,
            title=f"{job.name}: {len(found.objects.label)} objects",
        )
    if outputs.meshes is not None:
        path = place.get(outputs.meshes, outputs.meshes)
        bodies = Polyhedra(found.objects.label, found.objects.centre_vox, found.objects.distances)
        write_meshes(path, [bodies], bodies.label, result.rays, spacing=spacing, kind=given["mesh_format"])
    address = locate(outputs.labels)
    if not _is_folder(job):
        address = address._replace(file=place[address.file])
    io.write(str(address), found.labels, like=volume)


def _spacing_notes(image: LazyImage, voxel_size: Sequence[float]) -> list[str]:
    """Return what to say of a voxel size that is missing (if no note says what was taken) or no length."""
    if image.spacing is None:
        if len(set(voxel_size)) > 1:
            return []
        return ["no voxel size in the file, taken as equal along Z, Y and X; else give --spacing Z Y X"]
    if image.unit == "relative":
        known = (
            "the file does not name the unit of its voxel size, so lengths are in voxels of the finest axis"
        )
        return [f"{known}; else give --spacing Z Y X"]
    return []


def _describe_size(volume_vox: np.ndarray, image: LazyImage, voxel_size: tuple[float, float, float]) -> str:
    """Return the median diameter (of a ball of the same volume) as text, or nothing without objects."""
    import numpy as np

    from anystar.arrays import measuring

    if len(volume_vox) == 0:
        return ""
    spacing, unit = measuring(image.spacing, image.unit, voxel_size)
    diameter = (6 / np.pi * float(np.median(volume_vox)) * float(np.prod(spacing))) ** (1 / 3)
    return f", typical diameter {diameter:.3g} {'µm' if unit == 'um' else 'voxels'}"
