"""OME-Zarr (NGFF 0.1 to 0.5) in, through zarr; a bare Zarr array too."""

from __future__ import annotations

import contextlib
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import zarr

from anystar.arrays import Volume
from anystar.errors import FileError
from anystar.io.address import Address
from anystar.io.axes import refuse_number
from anystar.io.axis_names import letters_of, unnamed_axes
from anystar.io.calibration import Calibration
from anystar.io.label_store import LabelStore
from anystar.io.ngff import Multiscale, namespace, parse_multiscale
from anystar.io.source import Index, Source
from anystar.io.zarr_files import CheckedFiles

__all__ = ["HAS_SERIES", "open_source", "write"]

HAS_SERIES = True
"""A store of bioformats2raw may hold several images."""
_FINEST = ("0", "s0", "scale0")
"""Usual names of the finest level."""
_MIN_AXES = 3
"""Fewest axes of a volume."""

_COUNTABLE = 100_000
"""Most files whose presence is looked up for a remark."""


def open_source(address: Address, level: int, series: int | None = None) -> Source:
    """Open a level of a multiscale image, or a bare array.

    An array that is a level of a multiscale image, ``image.zarr/1``, has the geometry of that image.

    Raises
    ------
    FileError
        If there is no image in the group.
    """
    node, notes = _open(address)
    if isinstance(node, zarr.Array):
        if series is not None:
            raise FileError("is one array; leave out series=")
        found = _level_of(address)
        return replace(_bare(node), notes=notes) if found is None else _of_level(*found, alone=True)
    node = _only_series(node, series)
    attributes = dict(node.attrs)
    if not namespace(attributes).get("multiscales"):
        return replace(_bare(_only_array(node)), notes=notes)
    try:
        multiscale = parse_multiscale(attributes)
    except FileError:
        raise
    except Exception as error:  # metadata of another form than the specification's
        array = next((node[name] for name in _FINEST if name in node), None)
        note = _unparsed(error, "" if array is None else array.basename)
        return _bare(_only_array(node) if array is None else array, note)
    return _of_level(node, multiscale, min(max(level, 0), len(multiscale.levels) - 1), alone=False)


def _of_level(group: Any, multiscale: Multiscale, level: int, *, alone: bool) -> Source:
    """Return a level of a multiscale image, as if it were the only one if ``alone``."""
    path = multiscale.levels[level].path
    try:
        array = group[path]
    except KeyError:
        raise FileError(f"lacks its level {path}; it is incomplete, copy or export it again") from None
    if not isinstance(array, zarr.Array):
        raise FileError(f"has a group for its level {path}, not an array; export it again")
    if array.ndim != len(multiscale.axes):
        what = f"the file states the axes {multiscale.axes} for an array of shape {array.shape}"
        return _bare(array, f"{what}, so its voxel size is not known")
    size = multiscale.calibration(level)
    return Source(
        axes=multiscale.axes,
        shape=array.shape,
        dtype=array.dtype,
        fetch=_fetch(array),
        calibration=size,
        header={"ngff": multiscale, "level": level, "levels": _shapes(group, multiscale)}
        | _world(multiscale, level),
        channel_names=multiscale.channel_names,
        chunks=array.chunks,
        num_levels=1 if alone else len(multiscale.levels),
        remarks=lambda: _missing(array),
    )


def _open(address: Address) -> tuple[Any, tuple[str, ...]]:
    """Return the group or array of a name, and what is wrong with the metadata beside it."""
    try:
        return zarr.open(_files(address.file), mode="r", path=address.inner or None), ()
    except (FileNotFoundError, KeyError):
        what = f"nothing named {address.inner}" if address.inner else "no Zarr metadata"
        raise FileError(f"has {what}; check the name, or copy the store again") from None
    except (MemoryError, OSError):
        raise
    except Exception as error:  # a group whose attributes are no JSON; its arrays have metadata of their own
        for name in _FINEST:
            with contextlib.suppress(Exception):
                array = zarr.open_array(
                    _files(address.file), mode="r", path=f"{address.inner}/{name}".strip("/")
                )
                return array, (_unparsed(error, name),)
        raise


def _unparsed(error: Exception, name: str) -> str:
    """Return the note about metadata that cannot be parsed."""
    why = " ".join(str(error).split()) or type(error).__name__
    read = f"; the array {name} is read" if name else ""
    return f"the metadata of the image cannot be parsed ({why:.100}), so its voxel size is not known{read}"


def _files(store: Path) -> CheckedFiles:
    if not store.is_dir():
        raise FileError("has no Zarr metadata; check the name, or copy the store again")
    return CheckedFiles(store, read_only=True)


def _level_of(address: Address) -> tuple[Any, Multiscale, int] | None:
    """Return the group, the image and the level that an array belongs to, if it does to one."""
    parts = [part for part in address.inner.split("/") if part]
    store = address.file
    if not parts:  # the name of the array itself ends the path
        store, parts = store.parent, [store.name]
    for cut in range(len(parts) - 1, -1, -1):
        try:
            group: Any = zarr.open_group(_files(store), mode="r", path="/".join(parts[:cut]) or None)
            multiscale = parse_multiscale(dict(group.attrs))
        except Exception:
            continue
        path = "/".join(parts[cut:])
        for level, stated in enumerate(multiscale.levels):
            if stated.path.strip("/") == path:
                return group, multiscale, level
    return None


def _only_series(group: Any, wanted: int | None) -> Any:
    """Return the image of a store that bioformats2raw made: the one that is wanted, or the only one."""
    found = namespace(dict(group.attrs))
    if "multiscales" not in found and "plate" in found:
        raise FileError("is a plate; name the image of one field, STORE.zarr/ROW/COLUMN/FIELD")
    if "multiscales" in found or "bioformats2raw.layout" not in found:
        refuse_number(wanted or 0, 1, "image", "series")
        return group
    names = sorted((name for name in group.group_keys() if name.isdigit()), key=int)
    if wanted is None and len(names) == 1:
        return group[names[0]]
    if wanted is not None and str(wanted) in names:
        return group[str(wanted)]
    last = names[-1] if names else 0
    raise FileError(
        f"holds {len(names)} images; choose one with series={names[0] if names else 0} to series={last}, "
        f"or name it, STORE.zarr/{last}"
    )


def _only_array(group: Any) -> Any:
    """Return the volume in a group without metadata of an image, if it is the only one."""
    arrays = [(name, array) for name, array in group.arrays() if array.ndim >= _MIN_AXES]
    if len(arrays) == 1:
        return arrays[0][1]
    if not arrays:
        raise FileError("is a Zarr group without a multiscale image; name one inside, STORE.zarr/GROUP")
    listed = ", ".join(f"{name} {array.shape}" for name, array in arrays[:6])
    raise FileError(f"holds {len(arrays)} arrays, {listed}; name one, STORE.zarr/{arrays[0][0]}")


def _shapes(group: Any, multiscale: Multiscale) -> tuple[tuple[int, int, int], ...]:
    """Return the lengths of Z, Y, X on every level that is there."""
    shapes = []
    for level in multiscale.levels:
        if level.path in group:
            z, y, x = (int(n) for n in multiscale.spatial(group[level.path].shape))
            shapes.append((z, y, x))
    return tuple(shapes)


def _bare(array: Any, *notes: str) -> Source:
    """Return an array without a multiscale image around it: its dimensions' names, or Z, Y, X for three.

    The notes say why its voxel size is not known.
    """
    named = getattr(array.metadata, "dimension_names", None) or array.attrs.get("_ARRAY_DIMENSIONS")
    named = named if isinstance(named, list | tuple) else ()
    letters = letters_of(named) if len(named) == array.ndim else ""
    return Source(
        axes=letters or unnamed_axes(array.shape),
        shape=array.shape,
        dtype=array.dtype,
        fetch=_fetch(array),
        calibration=Calibration(notes=notes),
        chunks=array.chunks,
        remarks=lambda: _missing(array),
    )


def _fetch(array: Any) -> Any:
    if isinstance(array.store, CheckedFiles):
        array.store.expect(array)

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


def _world(multiscale: Multiscale, level: int) -> dict[str, Any]:
    """Return where the first voxel lies, and the affine (XYZ, millimetres), unless it lies at the origin."""
    shift, size = multiscale.spatial(multiscale.levels[level].translation), multiscale.calibration(level)
    if "Z" not in multiscale.axes or not any(shift):
        return {}
    raw = multiscale.spatial(multiscale.levels[level].scale)
    first = {"first": tuple(s / r for s, r in zip(shift, raw, strict=True))}
    if size.unit != "um" or size.spacing is None:
        return first
    factors = [s / r / 1e3 for s, r in zip(size.spacing, raw, strict=True)]
    affine = np.diag([s / 1e3 for s in size.spacing[::-1]] + [1.0])
    affine[:3, 3] = [s * f for s, f in zip(shift, factors, strict=True)][::-1]
    return {"world": affine, **first}


def write(address: Address, volume: Volume, *, labels: bool) -> None:
    """Write a label image: a store of its own, or a group inside a store (``image.zarr/labels/nuclei``)."""
    if volume.data.dtype.kind not in "ui":
        raise FileError(
            f"{address} cannot hold {volume.data.dtype} values: OME-Zarr is written for labels only; choose "
            "a name ending in .nii.gz or .npy"
        )
    store = LabelStore.create(str(address), volume.shape, volume.data.dtype, like=volume, overwrite=True)
    with store.filled():
        store.write((0, 0, 0), volume.data)
