"""Objects of a label image kept or dropped by their table, without the network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from anystar import io
from anystar.arrays import mask_voxels
from anystar.errors import InputError
from anystar.io.address import locate
from anystar.io.label_store import LabelStore
from anystar.io.lazy import LazyImage
from anystar.io.pyramid import blocks
from anystar.objects import filters
from anystar.objects.filter_options import FilterOptions
from anystar.objects.labels import as_labels
from anystar.objects.measure import add_overlap, check_mask
from anystar.objects.table import Table
from anystar.outputs import Outputs, refuse_ending, refuse_outputs
from anystar.report.table import TABLE_SUFFIXES, read_table, sidecar, write_table
from anystar.workflow.provenance import describe_filtering

__all__ = ["FilterResult", "filter_file"]

Box = tuple[slice, slice, slice]
_BLOCK = 256
"""Voxels along an axis of what is read at once of a Zarr store."""


@dataclass(frozen=True, kw_only=True)
class FilterResult:
    """What was kept."""

    num_objects: int
    """Number of objects of the label image."""
    num_kept: int
    """Number of objects that were kept."""
    num_rejected: int
    """Number of objects that the table does not list: rows deleted by hand."""
    files: tuple[Path, ...]
    """Files that were written."""


def filter_file(
    labels: Path,
    table: Path,
    output: Path,
    *,
    options: FilterOptions,
    mask: Path | None = None,
    table_output: Path | None = None,
    channel: int | str | None = None,
    time: int | None = None,
    series: int | None = None,
    axes: str | None = None,
    overwrite: bool = False,
) -> FilterResult:
    """Keep the objects of a label image that meet conditions, and that its table still lists.

    Objects keep their numbers. A row that was deleted from the table, in a spreadsheet for example, is an
    object that is rejected. OME-Zarr is read and written in blocks.

    Parameters
    ----------
    labels, table : Path
        What :func:`anystar.segment_file` or :func:`anystar.measure_file` wrote.
    output : Path
        Where the labels go that are kept.
    options : FilterOptions
        The conditions.
    mask : Path, optional
        Image that is not 0 where objects may be.
    table_output : Path, optional
        Where the table of the kept objects goes.
    channel, time, series, axes
        How the label image is opened, see :func:`anystar.open_image`. Of a table of several time points, the
        rows of ``time`` count.
    overwrite : bool
        Whether outputs that exist may be replaced.

    Raises
    ------
    InputError
        If a file cannot be used, the table is of other labels, or nothing says what to keep.
    """
    refuse_ending("table_output", table_output, *TABLE_SUFFIXES)
    written = Outputs(labels=output, table=table_output)
    refuse_outputs(
        ((f"the {what}", path) for what, path in written.named.items()),
        inputs=(labels, table, mask),
        overwrite=overwrite,
    )
    found, provenance = read_table(table)
    masked = mask is not None
    how: dict[str, Any] = {"channel": channel, "time": time, "series": series, "axes": axes}
    with io.open_image(labels, sized=False, **how) as image:
        if image.num_times > 1 and found.known("time"):
            found = found.select(found["time"] == time)
        counts = _sum(np.bincount(_read(image, box).ravel()) for box in _boxes(image))
        counts[0] = 0
        num_objects = int((counts > 0).sum())
        _refuse_other_objects(counts, labels, found, table)
        if not options.predicates(masked=masked) and len(found) == num_objects:
            raise InputError("nothing says what to keep; give min_volume=V or another condition")
        if mask is not None:
            found = _masked(image, found, mask, io.shared_axes(mask, labels, axes))
        if len(found) and not found.known("volume_um3"):
            options.check_lengths(f"{table} has no lengths in micrometres", "segment with the voxel size")
        keep = options.kept(found, masked=masked)
        kept = found.select(keep)
        _write_labels(image, output, kept["label"], overwrite)
    if table_output is not None:
        given = {**vars(options), "mask": mask, "mask_overlap": options.mask_overlap if masked else None}
        given |= {name: value for name, value in how.items() if value is not None}
        given["rows_deleted"] = num_objects - len(found)
        places = {"output": output, "table": table_output}
        provenance = describe_filtering(provenance, given, num_objects - len(kept), places)
        write_table(table_output, kept, provenance=provenance)
    beside = None if table_output is None or provenance else sidecar(table_output)
    return FilterResult(
        num_objects=num_objects,
        num_kept=len(kept),
        num_rejected=num_objects - len(found),
        files=tuple(path for path in written.files if path != beside),
    )


def _boxes(image: LazyImage) -> Iterator[Box]:
    """Yield what is read at once: everything, or blocks of a Zarr store."""
    z, y, x = image.chunks
    size = (max(z, _BLOCK // z * z), max(y, _BLOCK // y * y), max(x, _BLOCK // x * x))
    yield from blocks(image.shape, size if image.address.module == "ome_zarr" else image.shape)


def _read(image: LazyImage, box: Box) -> np.ndarray:
    """Return the labels of a box as integers."""
    try:
        return as_labels(image.read(box))
    except InputError as error:
        raise InputError(f"{image.address} {error}") from None


def _refuse_other_objects(counts: np.ndarray, labels: Path, table: Table, name: Path) -> None:
    """Raise unless every row of the table is an object of the label image, of the same volume."""
    listed = table["label"]
    if len(np.unique(listed)) != len(listed):
        raise InputError(f"{name} lists a label twice; give the table of one image")
    there = (listed > 0) & (listed < len(counts))
    if not there.all() or not (counts[listed] == table["volume_vox"]).all():
        raise InputError(
            f"{name} does not list the objects of {labels}; give the table of the same run, or make one "
            f"with 'anystar measure'"
        )


def _sum(parts: Iterable[np.ndarray]) -> np.ndarray:
    """Return the sum of counts of different lengths."""
    total = np.zeros(1, np.int64)
    for part in parts:
        total = np.pad(total, (0, max(0, len(part) - len(total))))
        total[: len(part)] += part
    return total


def _masked(image: LazyImage, table: Table, path: Path, axes: str | None) -> Table:
    """Add the fraction of each object that lies in the mask, at the time point of the labels."""
    with io.open_image(path, sized=False, time=0, axes=axes) as first:
        mask = first.at(time=image.time) if first.num_times > 1 else first
        check_mask(path, mask, "labels", image)
        inside = _sum(np.bincount(_read(image, box)[mask_voxels(mask.read(box))]) for box in _boxes(image))
    return add_overlap(table, inside)


def _write_labels(image: LazyImage, output: Path, kept: np.ndarray, overwrite: bool) -> None:
    """Write the labels that are kept, in blocks if they go to a Zarr store."""
    if locate(output).module != "ome_zarr":
        whole = (slice(None),) * 3
        labels = filters.keep_labels(_read(image, whole), kept)
        io.write(output, labels.astype(_dtype_of(labels.dtype), copy=False), like=image)
        return
    dtype = _dtype_of(image.dtype) if image.dtype.kind in "ui" else np.dtype(np.int64)
    store = LabelStore.create(output, image.shape, dtype, like=image, overwrite=overwrite)
    with store.filled():
        for box in _boxes(image):
            part = filters.keep_labels(_read(image, box), kept)
            store.write([s.start for s in box], part.astype(dtype, copy=False))


def _dtype_of(dtype: np.dtype) -> np.dtype:
    """Return a type of 16 bits at least: eight leave no room for objects that are painted in later."""
    return np.promote_types(dtype, np.uint16) if dtype.itemsize < 2 else dtype
