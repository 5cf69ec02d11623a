"""``anystar filter``: keep the relevant objects of a segmentation, without the network."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from anystar.cli.relevance import filter_options, predicates, refuse_lengths
from anystar.errors import InputError

if TYPE_CHECKING:
    import numpy as np

    from anystar.io import LazyImage
    from anystar.objects.table import Table

__all__ = ["filter"]

Box = tuple[slice, slice, slice]
_BLOCK = 256
"""Voxels along an axis of what is read at once of a Zarr store."""


@click.command(no_args_is_help=True)
@click.argument("labels", metavar="LABELS", type=click.Path(path_type=Path))
@click.argument("table", metavar="TABLE", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="LABELS",
    type=click.Path(path_type=Path),
    help="Where the labels go that are kept.",
)
@click.option(
    "--table",
    "table_out",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Where their table goes, .csv or .parquet.",
)
@filter_options
@click.option("--overwrite", is_flag=True, help="Replace outputs that exist.")
def filter(labels: Path, table: Path, output: Path, table_out: Path | None, **given: Any) -> None:
    """Keep the relevant objects of a segmentation.

    LABELS and TABLE are what 'anystar segment' wrote. Objects keep their numbers, so that results of
    different filters can be compared. OME-Zarr is read and written in blocks.

    \b
    Examples:
      anystar filter labels.tif objects.csv -o round.tif --table round.csv --min-sphericity 0.7
      anystar filter labels.tif objects.csv -o inside.tif --drop-border --drop "volume_vox < 100"
    """
    from anystar import io
    from anystar.cli.outputs import refuse_ending, refuse_outputs
    from anystar.cli.plan import Outputs
    from anystar.objects import filters
    from anystar.report.table import TABLE_SUFFIXES, read_table, sidecar, write_table

    wanted = predicates(given)
    if not wanted:
        raise InputError("nothing says what to keep; give --min-volume or another option")
    refuse_ending("--table", table_out, *TABLE_SUFFIXES)
    refuse_outputs(
        ((f"the {what}", path) for what, path in Outputs(labels=output, table=table_out).named.items()),
        inputs=(labels, table, given["mask"]),
        overwrite=given["overwrite"],
    )
    found, record = read_table(table)
    beside = None if table_out is None else sidecar(table_out)
    with io.open_image(labels) as image:
        if image.dtype.kind not in "ui":
            raise InputError(f"{labels} holds {image.dtype} values, not labels; give a label image")
        _refuse_other_objects(image, labels, found, table)
        if given["mask"] is not None:
            found = _masked(image, found, given["mask"])
        if len(found) and not found.known("volume_um3"):
            refuse_lengths(given, f"{table} has no lengths in micrometres", "segment with --spacing")
        keep = filters.relevant(found, wanted)
        kept = found.select(keep)
        _write_labels(image, output, kept["label"], given["overwrite"])
        if table_out is not None:
            places = {"output": str(output), "table": str(table_out)}
            write_table(table_out, kept, record=_noted(record, given, int((~keep).sum()), places))
    click.echo(f"{labels}: {len(kept)} of {len(found)} objects kept")
    for path in Outputs(labels=output, table=table_out).files:
        if path != beside or record:
            click.echo(f"  wrote {path}")


def _boxes(image: LazyImage) -> Iterator[Box]:
    """Yield what is read at once: everything, or blocks of a Zarr store."""
    from anystar.io.pyramid import blocks

    z, y, x = image.chunks
    size = (max(z, _BLOCK // z * z), max(y, _BLOCK // y * y), max(x, _BLOCK // x * x))
    yield from blocks(image.shape, size if image.address.module == "ome_zarr" else image.shape)


def _refuse_other_objects(image: LazyImage, labels: Path, table: Table, name: Path) -> None:
    """Raise unless the table lists exactly the objects of the label image."""
    import numpy as np

    counts = _sum(np.bincount(image.read(box).ravel()) for box in _boxes(image))
    counts[0] = 0
    listed = np.zeros(max(len(counts), int(table["label"].max(initial=0)) + 1), np.int64)
    listed[table["label"]] = table["volume_vox"]
    if not np.array_equal(np.trim_zeros(counts, "b"), np.trim_zeros(listed, "b")):
        raise InputError(f"{name} does not list the objects of {labels}; give the table of the same run")


def _sum(parts: Iterator[np.ndarray]) -> np.ndarray:
    """Return the sum of counts of different lengths."""
    import numpy as np

    total = np.zeros(1, np.int64)
    for part in parts:
        if len(part) > len(total):
            total = np.pad(total, (0, len(part) - len(total)))
        total[: len(part)] += part
    return total


def _masked(image: LazyImage, table: Table, path: Path) -> Table:
    """Add what fraction of each object lies in the mask."""
    import numpy as np

    from anystar import io
    from anystar.objects.measure import add_overlap, check_mask

    with io.open_image(path, sized=False) as mask:
        check_mask(path, mask, "labels", image)
        inside = _sum(np.bincount(image.read(box)[mask.read(box) != 0]) for box in _boxes(image))
    return add_overlap(table, inside)


def _write_labels(image: LazyImage, output: Path, kept: np.ndarray, overwrite: bool) -> None:
    """Write the labels that are kept, in blocks if they go to a Zarr store."""
    from anystar import io
    from anystar.io.address import locate
    from anystar.objects import filters

    if locate(output).module != "ome_zarr":
        io.write(output, filters.keep_labels(image.read(), kept), like=image)
        return
    from anystar.io.label_store import LabelStore

    store = LabelStore.create(output, image.shape, image.dtype, like=image, overwrite=overwrite)
    try:
        for box in _boxes(image):
            store.write([s.start for s in box], filters.keep_labels(image.read(box), kept))
        store.finish()
    except BaseException:
        store.discard()
        raise


def _noted(record: str, given: dict[str, Any], dropped: int, places: dict[str, str]) -> str:
    """Return the record with what was filtered, and where it is now; nothing if there was no record."""
    from anystar.config import dump_plain

    if not record:
        return ""
    asked = {k: str(v) if isinstance(v, Path) else v for k, v in given.items() if v not in (None, (), False)}
    known = tomllib.loads(record)
    steps = [*known.get("filtered", []), {"dropped": dropped, **asked}]
    return dump_plain({**known, "parameters": known["parameters"] | places, "filtered": steps})
