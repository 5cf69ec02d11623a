"""The writer: a labels layer in any format of the library, with its place in the world."""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.layers import Labels

from anystar.arrays import Volume
from anystar.errors import InputError
from anystar.napari.layers import HEADER, Place, spatial_axes, voxel_size_of, world_steps

__all__ = ["labels_volume", "write_labels"]

_PLACED = ("name", "scale", "translate", "rotate", "shear", "affine", "units", "axis_labels")


def write_labels(path: str, data: Any, meta: dict[str, Any]) -> list[str]:
    """Write a labels layer, as napari calls it; returns the paths that were written."""
    import anystar

    anystar.write(path, labels_volume(data, meta))
    return [path]


def labels_volume(data: Any, meta: dict[str, Any]) -> Volume:
    """Return the labels of a layer as a volume with voxel size, affine and header.

    Raises
    ------
    InputError
        If the layer has several time points or channels, or is 2D.
    """
    finest = data[0] if meta.get("multiscale") or isinstance(data, list | tuple) else data
    given = {name: meta[name] for name in _PLACED if meta.get(name) is not None}
    layer = Labels(np.zeros((1,) * finest.ndim, np.uint8), **given)
    axes = spatial_axes(layer)
    for axis, num in enumerate(finest.shape):
        if axis not in axes and num > 1:
            raise InputError(
                f"{layer.name} has {num} volumes along {layer.axis_labels[axis]}; save one of them, a layer "
                "of its own"
            )
    place = Place(axes=axes, index=(0,) * finest.ndim, start=(0, 0, 0), transform={}, step=np.eye(1))
    volume = np.asarray(place.from_layer(finest))
    size = voxel_size_of(layer).size
    if size is None:
        return Volume(data=volume, header=_header(meta, volume, None))
    header = _header(meta, volume, layer)
    if not header and size.unit == "um":
        header = {"world": _world(layer, axes)}
    return Volume(data=volume, spacing=size.spacing, unit=size.unit, header=header)


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
