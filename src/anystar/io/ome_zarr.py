"""OME-Zarr (NGFF 0.1 to 0.5) in, through zarr; a bare Zarr array too."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import zarr

from anystar.arrays import Volume
from anystar.errors import FileError
from anystar.io.address import Address
from anystar.io.label_store import LabelStore
from anystar.io.ngff import Multiscale, namespace, parse_multiscale
from anystar.io.source import Index, Source

__all__ = ["open_source", "write"]

_COUNTABLE = 100_000
"""Most files whose presence is looked up for a remark."""


def open_source(address: Address, level: int) -> Source:
    """Open a level of a multiscale image, or a bare array.

    Raises
    ------
    FileError
        If there is no image in the group, or its metadata is damaged.
    """
    node = _open(address)
    if isinstance(node, zarr.Array):
        return _bare(node)
    node = _only_series(node)
    multiscale = parse_multiscale(dict(node.attrs))
    chosen = min(max(level, 0), len(multiscale.levels) - 1)
    path = multiscale.levels[chosen].path
    try:
        array = node[path]
    except KeyError:
        raise FileError(f"lacks its level {path}; it is incomplete, copy or export it again") from None
    if not isinstance(array, zarr.Array) or array.ndim != len(multiscale.axes):
        raise FileError(f"states the axes {multiscale.axes}, which its level {path} has not; export it again")
    spacing, unit, fault = multiscale.spacing(chosen)
    return Source(
        axes=multiscale.axes,
        shape=array.shape,
        dtype=array.dtype,
        fetch=_fetch(array),
        spacing=spacing,
        unit=unit,
        fault=fault,
        header={"ngff": multiscale, "level": chosen, "levels": _shapes(node, multiscale)}
        | _world(multiscale, chosen, unit),
        channel_names=multiscale.channel_names,
        chunks=array.chunks,
        num_levels=len(multiscale.levels),
        remarks=lambda: _missing(array),
    )


def _open(address: Address) -> Any:
    try:
        return zarr.open(address.file, mode="r", path=address.inner or None)
    except (FileNotFoundError, KeyError):
        what = f"nothing named {address.inner}" if address.inner else "no Zarr metadata"
        raise FileError(f"has {what}; check the name, or copy the store again") from None


def _only_series(group: Any) -> Any:
    """Return the image of a store that bioformats2raw made, if it is the only one."""
    found = namespace(dict(group.attrs))
    if "multiscales" in found:
        return group
    if "plate" in found:
        raise FileError("is a plate; name the image of one field, STORE.zarr/ROW/COLUMN/FIELD")
    if "bioformats2raw.layout" in found:
        series = sorted(name for name in group.group_keys() if name.isdigit())
        if len(series) == 1:
            return group[series[0]]
        raise FileError(f"holds {len(series)} images; name one, STORE.zarr/{series[0] if series else 0}")
    return group


def _shapes(group: Any, multiscale: Multiscale) -> tuple[tuple[int, int, int], ...]:
    """Return the lengths of Z, Y, X on every level that is there."""
    shapes = []
    for level in multiscale.levels:
        if level.path in group:
            z, y, x = (int(n) for n in multiscale.spatial(group[level.path].shape))
            shapes.append((z, y, x))
    return tuple(shapes)


def _bare(array: Any) -> Source:
    """Return an array without a multiscale image around it: its dimensions' names, or Z, Y, X for three."""
    names = [str(n)[:1].upper() for n in getattr(array.metadata, "dimension_names", None) or ()]
    if len(names) != array.ndim:
        if array.ndim != 3:
            raise FileError(
                f"is an array of shape {array.shape} without names of axes; give an OME-Zarr image"
            )
        names = list("ZYX")
    return Source(
        axes="".join(names),
        shape=array.shape,
        dtype=array.dtype,
        fetch=_fetch(array),
        chunks=array.chunks,
        remarks=lambda: _missing(array),
    )


def _fetch(array: Any) -> Any:
    def fetch(index: Index) -> np.ndarray:
        try:
            return np.asarray(array[index])
        except MemoryError:
            raise
        except Exception as error:
            why = " ".join(str(error).split()) or type(error).__name__
            box = ", ".join(str(i) if isinstance(i, int) else f"{i.start}:{i.stop}" for i in index)
            raise FileError(
                f"has a chunk that cannot be decoded in [{box}] ({why:.120}); copy or export it again"
            ) from error

    return fetch


def _missing(array: Any) -> tuple[str, ...]:
    """Return a remark if chunks, or whole shards of them, are not stored, which reads as the fill value."""
    kind, file = ("chunks", array.chunks) if array.shards is None else ("shards", array.shards)
    total = math.prod(-(-num // size) for num, size in zip(array.shape, file, strict=True))
    if total > _COUNTABLE:
        return ()
    stored = array.nchunks_initialized // math.prod(s // c for s, c in zip(file, array.chunks, strict=True))
    if stored == total:
        return ()
    value = array.fill_value
    return (f"{total - stored} of {total} {kind} are not stored and read as {0 if value is None else value}",)


def _world(multiscale: Multiscale, level: int, unit: str) -> dict[str, np.ndarray]:
    """Return the affine (XYZ, millimetres) if the image does not begin at the origin."""
    shift = multiscale.spatial(multiscale.levels[level].translation)
    sizes, _, _ = multiscale.spacing(level)
    if "Z" not in multiscale.axes or not any(shift) or unit != "um" or sizes is None:
        return {}
    raw = multiscale.spatial(multiscale.levels[level].scale)
    factors = [size / r / 1e3 for size, r in zip(sizes, raw, strict=True)]
    affine = np.diag([s / 1e3 for s in sizes[::-1]] + [1.0])
    affine[:3, 3] = [s * f for s, f in zip(shift, factors, strict=True)][::-1]
    return {"world": affine}


def write(address: Address, volume: Volume, *, labels: bool) -> None:
    """Write a label image: a store of its own, or a group inside a store (``image.zarr/labels/nuclei``)."""
    if volume.data.dtype.kind not in "ui":
        raise FileError(
            f"{address} cannot hold {volume.data.dtype} values: OME-Zarr is written for labels only; choose "
            "a name ending in .nii.gz or .npy"
        )
    store = LabelStore.create(str(address), volume.shape, volume.data.dtype, like=volume, overwrite=True)
    try:
        store.write((0, 0, 0), volume.data)
        store.finish()
    except BaseException:
        store.discard()
        raise
