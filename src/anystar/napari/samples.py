"""Sample data: a real volume, and a synthetic one that is made on the spot."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from anystar.napari.readers import LayerData, layer_of

__all__ = ["embryo", "embryo_file", "synthetic"]

_SHAPE, _SPACING = (64, 96, 96), (1.0, 1.0, 1.0)


def embryo_file() -> Path:
    """Return the bundled volume: beside this file where the package is installed, else among the examples."""
    here = Path(__file__)
    places = (here.with_name("mouse_embryo.tif"), here.parents[3] / "examples" / "mouse_embryo.tif")
    return next((path for path in places if path.exists()), places[0])


def embryo() -> list[LayerData]:
    """Return nuclei of a mouse embryo at the 8-cell stage, confocal microscopy (QCANet, MIT licence)."""
    from anystar.io import open_image

    with open_image(embryo_file()) as image:
        data, kwargs, kind = layer_of(image, 0, "mouse embryo")
    limits = [float(data.min()), float(np.percentile(data, 99.8))]
    return [(data, kwargs | {"contrast_limits": limits}, kind)]


def synthetic() -> list[LayerData]:
    """Return a volume of the generator that the network was trained with, and its labels."""
    import anystar

    made = anystar.generate(anystar.get_recipe("wide"), seed=7, indices=[0], shape=_SHAPE)
    place = {"scale": _SPACING, "axis_labels": ("z", "y", "x")}
    image, labels = made.image.numpy()[0, 0], made.labels.numpy()[0]
    return [
        (image, place | {"name": "synthetic"}, "image"),
        (labels.astype(np.int32), place | {"name": "synthetic ground truth", "visible": False}, "labels"),
    ]
