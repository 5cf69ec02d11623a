"""Readers: the library's formats as layers of napari, with scale, units and place."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.linalg import block_diag

from anystar.napari.layers import HEADER

if TYPE_CHECKING:
    from anystar.io import LazyImage

__all__ = ["LayerData", "layer_of", "placement", "reader"]

LayerData = tuple[Any, dict[str, Any], str]
_FORMATS = ("nrrd", "nifti", "hdf5", "ome_zarr", "npy")
"""Modules of :mod:`anystar.io` whose files are read; TIFF is left to napari and others."""
_AT_ONCE = 1 << 28
"""Bytes up to which a channel is read at once; what is larger is read as it is displayed."""
_LABELS = re.compile(r"(?i)(?:^|[^a-z])(labels?|masks?|seg|segmentation)(?:[^a-z]|$)")


def reader(path: str | Sequence[str]) -> Callable[[Any], list[LayerData]] | None:
    """Return what reads a path, or None if this plugin does not."""
    if not isinstance(path, str):
        return None
    from anystar.io.address import locate

    return _read if locate(path).module in _FORMATS else None


def _read(path: str) -> list[LayerData]:
    """Return every channel of a file as a layer, then the labels that an OME-Zarr image has."""
    from anystar.io import file_stem, open_image
    from anystar.io.address import locate

    address = locate(path)
    name = address.inner.rpartition("/")[2] or file_stem(path)
    image = open_image(path, channel=0, time=0, sized=False)
    whole = image.dtype.kind in "ui" and bool(_LABELS.search(str(address.file.name) + "/" + address.inner))
    layers = [
        layer_of(image, channel, _named(name, image, channel), labels=whole)
        for channel in range(image.num_channels or 1)
    ]
    if all(isinstance(data, np.ndarray) for data, _, _ in layers):
        image.close()
    for inner in _labels_of(path) if address.module == "ome_zarr" and not address.inner else []:
        labels = open_image(f"{path.rstrip('/')}/{inner}", channel=0, time=0, sized=False)
        layers.append(layer_of(labels, 0, f"{name} {inner.rpartition('/')[2]}", labels=True))
        if isinstance(layers[-1][0], np.ndarray):
            labels.close()
    return layers


def _named(name: str, image: LazyImage, channel: int) -> str:
    if image.num_channels <= 1:
        return name
    own = image.channel_names[channel] if image.channel_names else ""
    return f"{name} {own or f'channel {channel}'}"


def _labels_of(path: str) -> list[str]:
    """Return the label images that an OME-Zarr image lists."""
    import zarr

    from anystar.io.ngff import namespace

    with contextlib.suppress(KeyError, FileNotFoundError, ValueError):
        group: Any = zarr.open_group(path, mode="r", path="labels")
        return [f"labels/{name}" for name in namespace(dict(group.attrs)).get("labels", [])]
    return []


@dataclass(frozen=True, eq=False)
class _Series:
    """The time points of a channel as one array, read when it is indexed."""

    image: LazyImage
    channel: int

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.image.num_times, *self.image.shape)

    @property
    def dtype(self) -> np.dtype:
        return self.image.dtype

    @property
    def ndim(self) -> int:
        return 4

    def __getitem__(self, index: tuple[int | slice, ...]) -> np.ndarray:
        whole = [
            slice(i, i + 1) if isinstance(i, int | np.integer) else slice(*i.indices(n))
            for i, n in zip(index, self.shape, strict=True)
        ]
        times, *box = (slice(s.start, s.stop) for s in whole)
        parts = [
            self.image.at(channel=self.channel, time=t).read(box) for t in range(times.start, times.stop)
        ]
        first = tuple(0 if isinstance(i, int | np.integer) else slice(None, None, i.step) for i in index)
        return np.stack(parts)[first]


def layer_of(image: LazyImage, channel: int, name: str, *, labels: bool = False) -> LayerData:
    """Return a channel of an image as a layer, with its levels; time is the first axis if there is any."""
    levels = [image] + [
        image.reopen(channel=channel, time=0, level=level) for level in range(1, image.num_levels)
    ]
    data = [_array(level, channel) for level in levels]
    kwargs = {"name": name} | placement(image)
    header = {"file": image.header, "shape": image.shape, "scale": kwargs.get("scale", np.ones(3))}
    kwargs["metadata"] = {HEADER: header}
    if image.num_times > 1:
        kwargs = _with_time(kwargs)
    if labels:
        data = [level if level.dtype.itemsize > 1 else level.astype(np.int32) for level in data]
    if len(data) > 1:
        return data, kwargs | {"multiscale": True}, "labels" if labels else "image"
    return data[0], kwargs, "labels" if labels else "image"


def _array(image: LazyImage, channel: int) -> Any:
    series = _Series(image, channel)
    one_time = image.num_times <= 1
    if np.prod(series.shape) * series.dtype.itemsize <= _AT_ONCE and image.num_levels == 1:
        whole = series[(slice(None),) * 4]
        return whole[0] if one_time else whole
    from dask import array

    lazy = array.from_array(series, chunks=(1, *image.chunks), name=False, meta=np.zeros(0, series.dtype))
    return lazy[0] if one_time else lazy


def placement(image: LazyImage) -> dict[str, Any]:
    """Return ``scale``, ``translate``, ``affine``, ``units`` and ``axis_labels`` in micrometres."""
    if image.spacing is None:
        return {"axis_labels": ("z", "y", "x")}
    scale, unit, per_unit = np.array(image.spacing), "pixel", 1.0
    if image.unit == "um":
        unit, per_unit = "um", 1e3
    found: dict[str, Any] = {"scale": scale, "units": (unit,) * 3, "axis_labels": ("z", "y", "x")}
    if image.header.get("world") is None:
        return found
    world = np.asarray(image.header["world"], float) * per_unit  # XYZ, in millimetres before
    matrix, origin = world[2::-1, 2::-1], world[2::-1, 3]
    if not np.allclose(np.linalg.norm(matrix, axis=0), scale, rtol=1e-3):
        return found  # the voxel size was overruled
    turn = matrix / scale
    if np.allclose(turn, np.eye(3), atol=1e-4):
        return found | {"translate": origin}
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = turn, origin
    return found | {"affine": affine}


def _with_time(kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return the placement of a volume with an axis of time in front."""
    first = {"axis_labels": "t", "units": "pixel", "scale": 1.0, "translate": 0.0}
    made = kwargs | {name: (value, *kwargs[name]) for name, value in first.items() if name in kwargs}
    return made | ({"affine": block_diag(1.0, kwargs["affine"])} if "affine" in kwargs else {})
