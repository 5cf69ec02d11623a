"""Begin to correct a labels layer: of a segmentation, made in blocks, or from anywhere."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from napari.layers import Labels

from anystar.arrays import Volume
from anystar.correction import Corrections, ImageKey, Journal
from anystar.errors import InputError
from anystar.napari.corrections import LayerCorrections, corrections_of
from anystar.napari.layers import LayerVolume, labels_place, voxel_size_of
from anystar.napari.segmentation import attach, segmentation_of

__all__ = ["correct", "in_memory"]

_BYTES = 9
"""Per voxel that is corrected: labels, a copy while it begins, and what is reviewed."""


def correct(layer: Any, *, image: Volume | None = None, path: Path | None = None) -> LayerCorrections:
    """Begin to correct a labels layer, or go on with it.

    Parameters
    ----------
    layer : labels layer of napari
        Of a segmentation, or from anywhere. Its data become int32 in memory.
    image : Volume, optional
        The image of labels from anywhere.
    path : Path, optional
        The file of the image, beside which edits are kept.

    Raises
    ------
    InputError
        If it is no labels layer of one volume.
    """
    known = corrections_of(layer)
    if known is not None:
        return known
    place, segmentation = labels_place(layer), segmentation_of(layer)
    if segmentation is not None and segmentation.result is not None:
        place, result = segmentation.place, segmentation.result
        labels = place.from_layer(np.asarray(layer.data))
        editable = labels.dtype == np.int32 and labels.flags.writeable
        if not editable or np.may_share_memory(labels, result.labels):
            labels = np.array(labels, np.int32)
        corrections = Corrections.of(result, labels=labels)
        segmentation.corrected = True
    else:
        source = LayerVolume(data=layer.data, place=place, name=layer.name)
        corrections = Corrections.of_labels(source.volume(voxel_size_of(layer).size), image)
    pixels = corrections.labels if corrections.image is None else corrections.image.data
    key = ImageKey.of(pixels, path=path, name=layer.name if path is None else "")
    corrections.recorder = journal = Journal(key)
    made = LayerCorrections(
        layer=layer,
        corrections=corrections,
        place=place,
        key=key,
        journal=journal,
        segmentation=segmentation,
    )
    made.begin()
    return made


def in_memory(layer: Any) -> Any:
    """Return a labels layer that can be edited: the layer itself, or a new one.

    Of several resolutions the finest is edited. Labels that were made in blocks stay on the disk as they are.

    Raises
    ------
    InputError
        If labels that lie on the disk do not fit into memory.
    """
    from anystar.blocks.memory import available_memory

    finest = layer.data[0] if layer.multiscale else layer.data
    need = _BYTES * int(np.prod(finest.shape))
    if not isinstance(finest, np.ndarray) and need > available_memory():
        raise InputError(
            f"{layer.name} needs {need / 1e9:.3g} GB in memory to be corrected; "
            "segment a part and correct that"
        )
    known = segmentation_of(layer)
    if not layer.multiscale and (known is None or known.result is not None):
        return layer
    _, kwargs, _ = layer.as_layer_data_tuple()
    own = {"multiscale": False, "name": f"{layer.name} corrected", "metadata": dict(kwargs["metadata"])}
    made = Labels(np.array(finest), **{**kwargs, **own})
    if known is not None:
        attach(made, replace(known, live=None, corrected=True))
    return made
