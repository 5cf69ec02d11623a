"""From a layer of napari to a volume, and from labels back to where napari shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from anystar.arrays import Volume, VoxelSize
from anystar.box import triple
from anystar.errors import InputError

if TYPE_CHECKING:
    from napari.layers import Layer

__all__ = [
    "HEADER",
    "Box",
    "LayerVolume",
    "LayerVoxelSize",
    "Place",
    "features_of",
    "labels_place",
    "layer_volume",
    "spatial_axes",
    "voxel_size_of",
    "world_steps",
]

HEADER = "anystar header"
"""In the metadata of a layer: ``file``, the header of its file, with the ``shape`` and ``scale`` then."""

Box = tuple[slice, slice, slice]
_SPACE = ("z", "y", "x")
_NAMES = {"depth": "z", "height": "y", "width": "x", "plane": "z", "row": "y", "column": "x", "col": "x"}
"""Names of axes that mean those of space."""


@dataclass(frozen=True)
class LayerVoxelSize:
    """The voxel size of a layer, and where it comes from."""

    size: VoxelSize | None
    """``None`` if it is not known: the segmentation estimates it."""
    origin: str
    """Where it comes from, in words."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Place:
    """Where a 3D volume lies in a layer, and so in napari's world: fixed when it is taken."""

    axes: tuple[int, int, int]
    """The layer's axes that are Z, Y, X."""
    index: tuple[int, ...]
    """One number per axis of the layer: the time point, the channel; 0 along Z, Y, X."""
    start: tuple[int, int, int]
    """First voxel of the volume in the layer, along Z, Y, X."""
    transform: dict[str, Any]
    """``scale``, ``translate``, ``affine``, ``units``, ... of the layer, as napari's layers take them."""
    step: np.ndarray
    """How far a step of the data moves ``translate``, shape ``(ndim, ndim)``."""

    @property
    def others(self) -> list[int]:
        """The layer's other axes: time, channel."""
        return [axis for axis in range(len(self.index)) if axis not in self.axes]

    def to_layer(self, volume: np.ndarray) -> np.ndarray:
        """Return a ZYX volume with the axes of the layer, a view of it; other axes have the length 1."""
        full = volume[(None,) * len(self.others)]
        return full.transpose(np.argsort([*self.others, *self.axes]).tolist())

    def from_layer(self, data: np.ndarray) -> np.ndarray:
        """Return the ZYX volume, a view of it, of an array with the axes of the layer."""
        return data.transpose([*self.others, *self.axes])[(0,) * len(self.others)]

    def kwargs(self) -> dict[str, Any]:
        """Return how a layer is placed that shows the volume: arguments of ``Viewer.add_labels``."""
        offset = np.array(self.index, float)
        offset[list(self.axes)] = self.start
        moved = np.asarray(self.transform["translate"], float) + self.step @ offset
        return self.transform | {"translate": moved}

    def within(self, box: Box) -> Place:
        """Return the place of a part of the volume."""
        return replace(self, start=triple(n + s.start for n, s in zip(self.start, box, strict=True)))


@dataclass(frozen=True, kw_only=True, eq=False)
class LayerVolume:
    """One 3D volume of a layer, read box by box: a time point, a channel."""

    data: Any
    """The layer's array, with all its axes; the finest level of a pyramid."""
    place: Place
    name: str
    """Name of the layer."""
    header: dict[str, Any] = field(default_factory=dict)
    """The header of the file of the layer, if a reader of this plugin opened it; see :data:`HEADER`."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along Z, Y, X."""
        return triple(int(self.data.shape[axis]) for axis in self.place.axes)

    @property
    def dtype(self) -> np.dtype:
        """Type of the voxels."""
        return np.dtype(self.data.dtype)

    @property
    def in_memory(self) -> bool:
        """Whether reading costs nothing."""
        return isinstance(self.data, np.ndarray) and not isinstance(self.data, np.memmap)

    def read(self, box: Box | None = None) -> np.ndarray:
        """Return the voxels of a box (Z, Y, X), all by default; a view where the layer is in memory."""
        wanted: list[Any] = list(self.place.index)
        for axis, part in zip(self.place.axes, box or (slice(None),) * 3, strict=True):
            wanted[axis] = part
        read = np.asarray(self.data[tuple(wanted)])
        kept = sorted(self.place.axes)
        return read.transpose([kept.index(axis) for axis in self.place.axes])

    def volume(self, size: VoxelSize | None) -> Volume:
        """Return all of it as a volume with a voxel size."""
        if size is None:
            return Volume(data=self.read())
        return Volume(data=self.read(), spacing=size.spacing, unit=size.unit)


def layer_volume(layer: Layer | None, point: Sequence[float] = ()) -> LayerVolume:
    """Return the volume that a layer shows at a point of the world.

    Parameters
    ----------
    layer : image layer of napari
        Its last three axes are Z, Y, X unless its axis labels name others so.
    point : sequence of float
        Where the sliders stand, ``viewer.dims.point``: chooses the time point and the channel.

    Raises
    ------
    InputError
        If there is no layer, or it has no 3D image: RGB, 2D, labels.
    """
    if layer is None:
        raise InputError("there is no image layer; open a 3D image")
    if not hasattr(layer, "rgb"):
        raise InputError(f"{layer.name} holds labels, not an image; choose an image layer")
    if layer.rgb:
        raise InputError(f"{layer.name} is an RGB image; split it into channels and choose one")
    axes = spatial_axes(layer)
    data = layer.data[0] if layer.multiscale else layer.data
    if data.dtype.kind not in "uifb":
        raise InputError(f"{layer.name} has voxels of the type {data.dtype}; convert them to numbers")
    at = layer.world_to_data(point) if len(point) else (0.0,) * layer.ndim
    index = [min(max(round(p), 0), n - 1) for p, n in zip(at, data.shape, strict=True)]
    for axis in axes:
        index[axis] = 0
    header = layer.metadata.get(HEADER, {})
    return LayerVolume(data=data, place=_place(layer, axes, tuple(index)), name=layer.name, header=header)


def labels_place(layer: Layer) -> Place:
    """Return where the one volume of a labels layer lies.

    Raises
    ------
    InputError
        If it is no labels layer, is 2D, or has several time points or channels.
    """
    if layer is None or hasattr(layer, "rgb"):
        raise InputError("there is no labels layer; segment an image first")
    if layer.multiscale:
        raise InputError(f"{layer.name} has several resolutions; edit a layer of the finest one")
    place = _place(layer, spatial_axes(layer), (0,) * layer.ndim)
    if any(layer.data.shape[axis] > 1 for axis in place.others):
        raise InputError(f"{layer.name} has several volumes; correct a layer of one time point and channel")
    return place


def spatial_axes(layer: Layer) -> tuple[int, int, int]:
    """Return which axes of a layer are Z, Y, X; ``InputError`` if it has none of them."""
    names = [_NAMES.get(name.lower(), name.lower()) for name in map(str, layer.axis_labels)]
    if layer.ndim < 3:
        raise InputError(f"{layer.name} is a 2D image; AnyStar segments 3D stacks: choose a 3D image")
    if all(axis in names for axis in _SPACE):
        return triple(names.index(axis) for axis in _SPACE)
    if layer.ndim == 3 and any(name in ("t", "time", "c", "channel") for name in names):
        raise InputError(
            f"{layer.name} has the axes {', '.join(map(str, layer.axis_labels))}, not Z; choose a 3D image"
        )
    return layer.ndim - 3, layer.ndim - 2, layer.ndim - 1


def _place(layer: Layer, axes: tuple[int, int, int], index: tuple[int, ...]) -> Place:
    transform: dict[str, Any] = {
        "scale": np.array(layer.scale, float),
        "translate": np.array(layer.translate, float),
        "affine": np.array(layer.affine, float),
        "units": tuple(map(str, layer.units)),
        "axis_labels": tuple(layer.axis_labels),
    }
    rotate, shear = np.array(layer.rotate, float), np.array(layer.shear, float)
    if not np.allclose(rotate, np.eye(layer.ndim)):
        transform["rotate"] = rotate
    if shear.any():
        transform["shear"] = shear
    step = np.linalg.inv(transform["affine"][:-1, :-1]) @ world_steps(layer)
    return Place(axes=axes, index=index, start=(0, 0, 0), transform=transform, step=step)


def world_steps(layer: Layer) -> np.ndarray:
    """Return how far a step along each axis of the data leads in the world, one column per axis."""
    origin = np.array(layer.data_to_world((0.0,) * layer.ndim))
    return np.stack([layer.data_to_world(one) - origin for one in np.eye(layer.ndim)], axis=1)


def voxel_size_of(layer: Layer) -> LayerVoxelSize:
    """Return the voxel size that a layer states by its scale, affine and units.

    A scale without a unit gives ratios only; a scale of 1 in pixels, which is napari's default, nothing.
    """
    axes = list(spatial_axes(layer))
    factors = [_micrometres(layer.units[axis]) for axis in axes]
    steps = world_steps(layer)[np.ix_(axes, axes)]
    known = all(factor is not None for factor in factors)
    if known:
        steps = steps * np.array(factors, float)[:, None]
    edges = np.linalg.norm(steps, axis=0)
    unit: Literal["um", "relative"] = "um" if known else "relative"
    if not known and np.allclose(edges, 1):
        return LayerVoxelSize(None, "not known: estimated")
    if not (np.isfinite(edges).all() and (edges > 0).all()):
        raise InputError(f"the scale of {layer.name} is {tuple(layer.scale)}; enter the voxel size")
    rounded = triple(float(f"{edge:.6g}") for edge in edges)
    origin = "from the layer" if known else "from the layer, which names no unit: ratios only"
    return LayerVoxelSize(VoxelSize(rounded, unit), origin)


def _micrometres(unit: Any) -> float | None:
    """Return how many micrometres a unit of napari (pint) is, ``None`` for pixels and seconds."""
    if "[length]" not in unit.dimensionality or len(unit.dimensionality) > 1:
        return None
    return float((1 * unit).to("micrometer").magnitude)


def features_of(table: Any) -> Any:
    """Return a table as napari's layers take it: the column ``index`` says which label a row is of."""
    frame = table.to_pandas()
    frame.insert(0, "index", frame["label"])
    return frame
