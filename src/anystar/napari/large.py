"""Volumes larger than memory: a layer that is read box by box, segmented in blocks to a store on the disk."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from anystar.arrays import VoxelSize
from anystar.errors import InputError
from anystar.napari.layers import LayerVolume, features_of
from anystar.napari.segmenting import Request, load_model

__all__ = ["layers_of", "needs_blocks", "output_beside", "segment_large", "table_beside"]

Progress = Callable[[int, int, str], None]


def needs_blocks(source: LayerVolume, *, free: int | None = None) -> bool:
    """Return whether a volume does not fit into memory, with all that its segmentation needs."""
    from anystar.blocks.memory import available_memory, whole_volume_bytes

    held = source.data.nbytes if source.in_memory else 0  # what the layer has is there already
    need = whole_volume_bytes(source.shape, source.dtype.itemsize) - held
    return need > (available_memory() if free is None else free)


def output_beside(image: str | None, name: str) -> Path:
    """Return where labels of an image file go: beside it, or in the current folder if there is no file.

    Raises
    ------
    InputError
        If the folder cannot be written.

    Examples
    --------
    >>> output_beside(None, "brain: left").name
    'brain left objects.zarr'
    """
    folder = Path.cwd() if not image else Path(image).expanduser().resolve().parent
    while folder.suffix == ".zarr":  # not inside of an image
        folder = folder.parent
    if not os.access(folder, os.W_OK):
        raise InputError(f"{folder} cannot be written, but the labels go there; copy the image elsewhere")
    plain = "".join(letter for letter in name if letter.isalnum() or letter in " ._-")
    return folder / f"{' '.join(plain.split())} objects.zarr"


def segment_large(request: Request, output: Path, progress: Progress, *, memory: int | None = None) -> Path:
    """Segment a volume block by block; returns the store with the labels, which has a table beside it.

    A run that was cancelled goes on where it stopped.
    """
    from anystar.blocks import BlockOptions, segment_blocks
    from anystar.errors import AlreadyDone
    from anystar.nn.interrupt import interruptible
    from anystar.outputs import Outputs

    model = load_model(request.model, request.device)
    last: list[Any] = [0, 0, "network"]

    def report(done: int, total: int, stage: str) -> None:
        last[:] = done, total, stage
        progress(done, total, stage)

    options = BlockOptions(
        diameter=request.diameter, prob_thresh=request.prob_thresh, memory=memory, resume=True
    )
    check = interruptible(model.network, lambda: progress(last[0], last[1], last[2]))
    with check, contextlib.suppress(AlreadyDone):
        segment_blocks(
            _lazy_image(request.source, request.size),
            Outputs(labels=output, table=table_beside(output)),
            options,
            model=model,
            progress=report,
        )
    return output


def table_beside(output: Path) -> Path:
    """Return where the table of a store goes."""
    return output.with_suffix(".parquet")


def _lazy_image(source: LayerVolume, size: VoxelSize | None) -> Any:
    """Return a layer's volume as the library reads files."""
    from anystar.io.address import Address
    from anystar.io.axes import pick_volume
    from anystar.io.lazy import LazyImage
    from anystar.io.source import Source

    def fetch(index: tuple[Any, ...]) -> np.ndarray:
        z, y, x = index
        return source.read((z, y, x))

    chunks = getattr(source.data, "chunksize", None) or getattr(source.data, "chunks", None)
    made = Source(
        axes="ZYX",
        shape=source.shape,
        dtype=source.dtype,
        fetch=fetch,
        spacing=None if size is None else size.spacing,
        unit="um" if size is None else size.unit,
        chunks=None if chunks is None else tuple(int(chunks[axis]) for axis in source.place.axes),
    )
    number = " ".join(map(str, source.place.index))
    return LazyImage(
        address=Address(Path(f"{source.name} {number}"), "", "", ""),
        source=made,
        pick=pick_volume("ZYX", source.shape, None),
        channel=None,
        time=None,
        level=0,
        override=None,
    )


def layers_of(output: Path, source: LayerVolume) -> tuple[Any, dict[str, Any]]:
    """Return the labels of a store as a lazy layer at the place of the image, with its table."""
    from anystar.napari.readers import reader
    from anystar.report.table import read_table

    read = reader(str(output))
    assert read is not None
    data, _, _ = read(str(output))[0]
    levels = data if isinstance(data, list) else [data]
    placed = [source.place.to_layer(level) for level in levels]
    found = {"features": features_of(read_table(table_beside(output))[0])} | source.place.kwargs()
    return (placed if len(placed) > 1 else placed[0]), found | {"multiscale": len(placed) > 1}
