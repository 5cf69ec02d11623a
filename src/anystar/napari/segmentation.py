"""What a labels layer shows: the result behind it, kept in the layer's metadata, for all panels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from anystar.napari.layers import LayerVolume, Place

if TYPE_CHECKING:
    from napari.layers import Layer

    from anystar.napari.live import Live
    from anystar.predict.result import Result

__all__ = ["Segmentation", "attach", "segmentation_of"]

_KEY = "anystar"


@dataclass(kw_only=True, eq=False)
class Segmentation:
    """A result and where it lies; what changes is replaced here, and the layer's data with it."""

    result: Result | None
    """Labels, objects and candidates, with the volume that was segmented (``result.image``); none of labels
    that were made in blocks, of which only the table is known."""
    place: Place
    """Where its volume lies: ``place.from_layer(layer.data)`` are the labels as ZYX, a view."""
    source: LayerVolume
    """The image that it is a part of."""
    model: str | None = None
    """Name or path of the model; the default model if it is None."""
    whole: bool = True
    """Whether it is of the whole image, not of a box that was tried."""
    device: str = "auto"
    """Device of the run."""
    corrected: bool = False
    """Whether objects were edited: then the sliders no longer make the labels anew."""
    live: Live | None = None
    """What the sliders display."""


def attach(layer: Layer, segmentation: Segmentation) -> None:
    """Keep a segmentation with the layer that shows it."""
    layer.metadata[_KEY] = segmentation


def segmentation_of(layer: Layer | None) -> Segmentation | None:
    """Return the segmentation that a layer shows, if it shows one."""
    found = None if layer is None else layer.metadata.get(_KEY)
    return found if isinstance(found, Segmentation) else None
