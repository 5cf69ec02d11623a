"""One segmentation for the panel: from a volume of a layer to a result, with progress and a cancel."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from anystar.arrays import VoxelSize
from anystar.napari.layers import Box, LayerVolume
from anystar.napari.segmentation import Segmentation
from anystar.runtime.progress import COMPILING, Progress

if TYPE_CHECKING:
    from anystar.predict.model import Model

__all__ = ["Request", "load_model", "reported", "segment"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Request:
    """What to segment, and how."""

    source: LayerVolume
    size: VoxelSize | None
    """Voxel size, ``None`` to estimate it."""
    box: Box | None = None
    """The part to segment; everything by default."""
    diameter: float | None = None
    """In the unit of the voxel size; ``None`` to estimate it."""
    prob_thresh: float | None = None
    model: str | None = None
    device: str = "auto"


@lru_cache(maxsize=2)
def load_model(name: str | None, device: str) -> Model:
    """Return a model, which is kept for the next run."""
    import anystar

    return anystar.load_model(name, device=device)


@contextmanager
def reported(model: Model, progress: Progress) -> Iterator[Progress]:
    """Give the function that a run of a model reports to; ``progress`` is called with what it reports.

    It is also called before each layer of the network, often during suppression and measuring, and when
    kernels are compiled. It may raise :class:`anystar.errors.Cancelled` at any time.
    """
    from anystar.nn.interrupt import interruptible
    from anystar.runtime.compiled import announced

    last = (0, 0, "network")

    def report(done: int, total: int, stage: str) -> None:
        nonlocal last
        last = (done, total, stage)
        progress(done, total, stage)

    with (
        interruptible(model.network, lambda: progress(*last)),
        announced(lambda: report(0, 0, COMPILING)),
    ):
        yield report


def segment(request: Request, progress: Progress) -> Segmentation:
    """Segment, and report progress, see :func:`reported`.

    A box is segmented with its surroundings, so that objects at its border are those of the whole image.
    """
    progress(0, 0, "loading the model")
    from anystar.napari.layer_image import lazy_image
    from anystar.napari.live import Canvas, Live, draw

    model = load_model(request.model, request.device)
    progress(0, 0, "reading the image")
    source, size, box = request.source, request.size, request.box
    with reported(model, progress) as report:
        result = model.segment(
            source.volume(size) if box is None else lazy_image(source, size),
            box=box,
            diameter=request.diameter,
            prob_thresh=request.prob_thresh,
            progress=report,
        )
        report(0, 0, "measuring")
        live = Live(Canvas(draw(result)))
    return Segmentation(
        result=result,
        live=live,
        whole=box is None,
        place=source.place if box is None else source.place.within(box),
        source=source,
        model=request.model,
        device=request.device,
    )
