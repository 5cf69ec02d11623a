"""One segmentation for the panel: from a volume of a layer to a result, with progress and a cancel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from anystar.arrays import VoxelSize
from anystar.napari.layers import Box, LayerVolume
from anystar.napari.segmentation import Segmentation

if TYPE_CHECKING:
    from anystar.predict.model import Model

__all__ = ["Request", "load_model", "segment"]

Progress = Callable[[int, int, str], None]


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


def segment(request: Request, progress: Progress) -> Segmentation:
    """Segment, and report progress; ``progress`` may raise :class:`anystar.errors.Cancelled` at any time.

    It is called at every stage, before each layer of the network, and often during suppression and measuring.
    A box is segmented with its surroundings, so that objects at its border are those of the whole image.
    """
    progress(0, 0, "loading the model")
    from anystar.napari.layer_image import lazy_image
    from anystar.napari.live import Live, draw
    from anystar.nn.interrupt import interruptible
    from anystar.runtime.compiled import announced
    from anystar.runtime.progress import COMPILING

    model = load_model(request.model, request.device)
    progress(0, 0, "reading the image")
    source, size, box = request.source, request.size, request.box
    last: list[Any] = [0, 0, "network"]

    def report(done: int, total: int, stage: str) -> None:
        last[:] = done, total, stage
        progress(done, total, stage)

    check = interruptible(model.network, lambda: progress(last[0], last[1], last[2]))
    with check, announced(lambda: report(0, 0, COMPILING)):
        result = model.segment(
            source.volume(size) if box is None else lazy_image(source, size),
            box=box,
            diameter=request.diameter,
            prob_thresh=request.prob_thresh,
            progress=report,
        )
        report(0, 0, "measuring")
        live = Live(draw(result))
    place = request.source.place
    return Segmentation(
        result=result,
        live=live,
        whole=request.box is None,
        place=place if request.box is None else place.within(request.box),
        source=request.source,
        model=request.model,
        device=request.device,
    )
