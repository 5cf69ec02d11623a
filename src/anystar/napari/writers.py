"""The writer: a labels layer in any format of the library, with its place in the world."""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.layers import Labels

from anystar.arrays import Volume
from anystar.errors import InputError
from anystar.napari.layers import HEADER, LayerVolume, labels_place, voxel_size_of, world_steps

__all__ = ["write_labels"]

_PLACED = ("name", "scale", "translate", "rotate", "shear", "affine", "units", "axis_labels")
_BLOCK = 256
"""Voxels along an axis of what is read at once of labels that lie on the disk."""


def write_labels(path: str, data: Any, meta: dict[str, Any]) -> list[str]:
    """Write a labels layer, as napari calls it; returns the paths that were written.

    Labels that are read as they are displayed go to OME-Zarr in blocks.

    Raises
    ------
    InputError
        If the layer has several time points or channels, or is 2D.
    """
    import anystar
    from anystar.io.address import locate

    source, like = _source(data, meta)
    if locate(path).module == "ome_zarr" and not source.in_memory:
        _write_blocks(path, source, like)
    else:
        anystar.write(path, like.with_data(source.read()))
    return [path]


def _source(data: Any, meta: dict[str, Any]) -> tuple[LayerVolume, Volume]:
    """Return the labels, which are not read yet, and a volume of their shape and place without content."""
    finest = data[0] if meta.get("multiscale") or isinstance(data, list | tuple) else data
    given = {name: meta[name] for name in _PLACED if meta.get(name) is not None}
    layer = Labels(np.zeros((1,) * finest.ndim, np.uint8), **given)
    place = labels_place(layer)
    for axis in place.others:
        if finest.shape[axis] > 1:
            raise InputError(
                f"{layer.name} has {finest.shape[axis]} volumes along {layer.axis_labels[axis]}; save one of "
                "them, a layer of its own"
            )
    source = LayerVolume(data=finest, place=place, name=layer.name)
    empty = np.broadcast_to(np.zeros((), finest.dtype), source.shape)
    size = voxel_size_of(layer).size
    if size is None:
        return source, Volume(data=empty, header=_header(meta, empty, None))
    header = _header(meta, empty, layer)
    if not header and size.unit == "um":
        header = {"world": _world(layer, place.axes)}
    return source, Volume(data=empty, spacing=size.spacing, unit=size.unit, header=header)


def _write_blocks(path: str, source: LayerVolume, like: Volume) -> None:
    from anystar.io.label_store import LabelStore
    from anystar.io.pyramid import blocks

    store = LabelStore.create(path, source.shape, source.dtype, like=like, overwrite=True)
    with store.filled():
        for box in blocks(source.shape, (_BLOCK,) * 3):
            store.write([part.start for part in box], source.read(box))


def _header(meta: dict[str, Any], volume: np.ndarray, layer: Labels | None) -> dict[str, Any]:
    """Return the header of the image's file, if the labels are of all of that image and were not moved."""
    header = meta.get("metadata", {}).get(HEADER, {})
    shape, scale = header.get("shape"), header.get("scale")
    if shape != volume.shape or (layer is not None and not np.allclose(scale, layer.scale[-3:])):
        return {}
    return dict(header["file"])


def _world(layer: Labels, axes: tuple[int, int, int]) -> np.ndarray:
    """Return the affine from voxels (XYZ) to millimetres."""
    factors = np.array([float((1 * layer.units[axis]).to("millimeter").magnitude) for axis in axes])
    steps = world_steps(layer)[np.ix_(axes, axes)] * factors[:, None]
    origin = np.array(layer.data_to_world((0.0,) * layer.ndim))[list(axes)] * factors
    world = np.eye(4)
    world[:3, :3], world[:3, 3] = steps[::-1, ::-1], origin[::-1]
    return world
