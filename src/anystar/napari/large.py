"""Volumes larger than memory: a layer that is read box by box, segmented in blocks to a store on the disk."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anystar.errors import AlreadyDone, InputError
from anystar.napari.layer_image import lazy_image
from anystar.napari.layers import LayerVolume, features_of
from anystar.napari.segmenting import Request, load_model, reported
from anystar.runtime.progress import Progress

if TYPE_CHECKING:
    from anystar.napari.live import Live

__all__ = ["layers_of", "needs_blocks", "output_beside", "segment_large", "table_beside"]


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


def segment_large(request: Request, output: Path, progress: Progress) -> Path:
    """Segment a volume block by block; returns the store with the labels, which has a table beside it.

    A run that was cancelled goes on where it stopped.
    """
    from anystar.blocks import BlockOptions, segment_blocks
    from anystar.outputs import Outputs

    model = load_model(request.model, request.device)
    with reported(model, progress) as report, contextlib.suppress(AlreadyDone):
        segment_blocks(
            lazy_image(request.source, request.size),
            Outputs(labels=output, table=table_beside(output)),
            BlockOptions(diameter=request.diameter, prob_thresh=request.prob_thresh, resume=True),
            model=model,
            progress=report,
        )
    return output


def table_beside(output: Path) -> Path:
    """Return where the table of a store goes."""
    return output.with_suffix(".parquet")


def layers_of(output: Path, source: LayerVolume) -> tuple[Any, dict[str, Any], Live]:
    """Return the labels of a store as a lazy layer at the place of the image, and what the sliders change."""
    from anystar.napari.lazy_labels import live_store
    from anystar.napari.readers import reader
    from anystar.report.table import read_table

    read = reader(str(output))
    assert read is not None
    data, _, _ = read(str(output))[0]
    levels = data if isinstance(data, list) else [data]
    live = live_store(read_table(table_beside(output))[0], [source.place.to_layer(level) for level in levels])
    placed = live.canvas.labels
    kwargs = {"features": features_of(live.canvas.table)} | source.place.kwargs()
    return (placed if len(placed) > 1 else placed[0]), kwargs | {"multiscale": len(placed) > 1}, live
