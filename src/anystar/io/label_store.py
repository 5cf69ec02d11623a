"""An OME-Zarr label image that is filled block by block, and appears when it is whole."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import zarr
from numpy.typing import DTypeLike

from anystar.arrays import Volume
from anystar.errors import FileError, InputError
from anystar.io.address import locate
from anystar.io.label_geometry import label_geometry
from anystar.io.lazy import LazyImage
from anystar.io.ngff import Multiscale, label_metadata, namespace, parse_multiscale
from anystar.io.pyramid import Box, Shape, blocks, most_frequent
from anystar.runtime.atomic import replace_folder

__all__ = ["LabelStore", "attributes_of", "free_place", "is_zarr", "partial_of", "publish", "register"]

_CHUNK = 64
_SHARD = 256
"""Voxels along each axis of a file by default; Zarr format 3 only."""
METHOD = "most frequent label"
_FINEST, _RECODED, _OLD = "0", "0.recoded", "0.old"


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelStore:
    """A label image on its way to the disk; made by :meth:`create` or, after an interruption, :meth:`resume`.

    Blocks go into a hidden folder beside the target, ``.NAME.partial``. :meth:`finish` makes the pyramid,
    writes the metadata last and renames the folder, so that nothing unfinished can be taken for a result.
    Blocks may be written by several threads or processes at once if they share no file, see :attr:`shards`.
    """

    target: Path
    """The folder that the label image will be."""
    partial: Path
    """The folder that it is until then."""
    geometry: Multiscale
    """Axes, units and levels."""
    shapes: tuple[Shape, ...]
    """Of the levels, finest first."""
    chunks: Shape
    """Voxels along Z, Y, X that are compressed together: what is cheap to read at once."""
    shards: Shape
    """Voxels along Z, Y, X of a file, several chunks each; in Zarr format 2 (OME-Zarr 0.4) one chunk."""
    image: Path | None
    """The group of the image, for a label image in its ``labels/``."""

    @classmethod
    def create(
        cls,
        path: str | Path,
        shape: Shape,
        dtype: DTypeLike,
        *,
        like: Volume | LazyImage,
        chunks: Shape | None = None,
        shards: Shape | None = None,
        version: Literal["0.4", "0.5"] | None = None,
        overwrite: bool = False,
    ) -> LabelStore:
        """Begin a label image.

        Parameters
        ----------
        path : str or Path
            A store of its own, ``cells.zarr``, or a label image in the store of an image,
            ``image.zarr/labels/cells``.
        shape : 3 ints
            Voxels along Z, Y, X.
        dtype : dtype
            An integer type for the blocks; :meth:`finish` can change it.
        like : Volume or LazyImage
            The image: its spacing, units and origin, and the levels of its pyramid if it is OME-Zarr.
        chunks : 3 ints, optional
            Voxels that are compressed together; 64 along each axis by default.
        shards : 3 ints, optional
            Voxels that make a file, rounded down to whole chunks; 256 along each axis by default. A file
            appears whole or not at all, and a block that covers it is written without reading it.
            OME-Zarr 0.4 has no shards: there each chunk is a file.
        version : {"0.4", "0.5"}, optional
            Of the metadata: by default that of the store it goes into, of an OME-Zarr image, or 0.5.
        overwrite : bool
            Whether a finished label image of the same name may be replaced (by :meth:`finish`).

        Raises
        ------
        FileError
            If the name does not end in ``.zarr`` or ``labels/NAME``, or something is there already.
        """
        target, image = free_place(path, overwrite=overwrite)
        if np.dtype(dtype).kind not in "ui":
            raise InputError(f"dtype must be an integer type, got {np.dtype(dtype)}")
        geometry, shapes = label_geometry(shape, like)
        of_store = None if image is None else parse_multiscale(attributes_of(image)).version
        wanted = of_store or version or geometry.version
        geometry = replace(geometry, version="0.5" if wanted == "0.5" else "0.4")
        z, y, x = (min(c, max(n, 1)) for c, n in zip(chunks or (_CHUNK,) * 3, shape, strict=True))
        store = cls(
            target=target,
            partial=partial_of(target),
            geometry=geometry,
            shapes=shapes,
            chunks=(z, y, x),
            shards=_whole_chunks(shards or (_SHARD,) * 3, (z, y, x), shape)
            if geometry.version == "0.5"
            else (z, y, x),
            image=image,
        )
        store.discard()
        zarr.create_group(store.partial, zarr_format=store._format)
        store._array(_FINEST, shape, np.dtype(dtype))
        return store

    @classmethod
    def resume(cls, path: str | Path, *, like: Volume | LazyImage) -> LabelStore:
        """Go on with a label image that was begun with the same ``path`` and ``like``.

        Raises
        ------
        FileError
            If nothing was begun there, or it belongs to an image of another shape.
        """
        target, image = place_of(path)
        partial = partial_of(target)
        shutil.rmtree(partial / _OLD, ignore_errors=True)
        try:
            zarr.open_group(partial, mode="r")
            array: Any = zarr.open_array(partial, path=_filled(partial), mode="r")
        except FileNotFoundError:
            raise FileError(f"{target} was not begun; there is nothing to resume") from None
        except (ValueError, KeyError, TypeError) as error:  # its metadata
            raise FileError(f"{partial} is damaged ({error}); begin anew") from error
        z, y, x = array.shape
        if array.shape != tuple(like.shape):
            raise FileError(
                f"{target} was begun with shape {array.shape}, the image has {like.shape}; begin anew"
            )
        geometry, shapes = label_geometry((z, y, x), like)
        geometry = replace(geometry, version="0.5" if array.metadata.zarr_format == 3 else "0.4")
        return cls(
            target=target,
            partial=partial,
            geometry=geometry,
            shapes=shapes,
            chunks=array.chunks,
            shards=array.shards or array.chunks,
            image=image,
        )

    @property
    def shape(self) -> Shape:
        """Voxels along Z, Y, X."""
        return self.shapes[0]

    @property
    def dtype(self) -> np.dtype:
        """Type of the blocks on the disk."""
        return self._open(_filled(self.partial)).dtype

    def write(self, start: Sequence[int], labels: np.ndarray) -> None:
        """Write a block whose first voxel is ``start``.

        Raises
        ------
        ValueError
            If it reaches beyond the volume, or a label does not fit the type.
        """
        array = self._open(_FINEST, mode="r+")
        box = tuple(slice(s, s + n) for s, n in zip(start, labels.shape, strict=True))
        if any(s.start < 0 or s.stop > n for s, n in zip(box, self.shape, strict=True)):
            raise InputError(f"start {tuple(start)} and shape {labels.shape} must lie within {self.shape}")
        if labels.size and not (labels.min() >= 0 and labels.max() <= np.iinfo(array.dtype).max):
            raise InputError(f"labels must fit {array.dtype}, got {labels.min()} to {labels.max()}")
        self._remove_covered(array, box)
        array[box] = labels

    def _remove_covered(self, array: Any, box: Sequence[slice]) -> None:
        """Remove the files that a box covers: zarr would read them, even one that a power cut has damaged."""
        files = [
            range(-(-s.start // size), s.stop // size if s.stop < num else -(-num // size))
            for s, size, num in zip(box, self.shards, self.shape, strict=True)
        ]
        for place in itertools.product(*files):
            (self.partial / _FINEST / array.metadata.encode_chunk_key(place)).unlink(missing_ok=True)

    def read(self, box: Sequence[slice] | None = None) -> np.ndarray:
        """Return the labels of a box (Z, Y, X) as they are on the disk; 0 where nothing was written."""
        return np.asarray(self._open(_filled(self.partial))[tuple(box) if box is not None else ...])

    def finish(
        self,
        *,
        dtype: DTypeLike | None = None,
        relabel: Callable[[np.ndarray], np.ndarray] | None = None,
    ) -> Path:
        """Make the pyramid, write the metadata, and let the label image appear.

        Parameters
        ----------
        dtype : dtype, optional
            Store the labels in this type instead.
        relabel : callable, optional
            Takes an array of labels and returns the final ones, of the same shape; called for each chunk.

        Returns
        -------
        Path
            The target.
        """
        if dtype is not None or relabel is not None:
            self._recode(np.dtype(dtype or self.dtype), relabel)
        for number in range(1, len(self.shapes)):
            self._coarsen(number)
        # The finest array is "0" while it is filled; the image it belongs to may name its levels otherwise.
        publish(self.partial, self.target, self.geometry, self.image)
        return self.target

    def discard(self) -> None:
        """Remove what was written, unless it is finished."""
        shutil.rmtree(self.partial, ignore_errors=True)

    @property
    def _format(self) -> Literal[2, 3]:
        return 3 if self.geometry.version == "0.5" else 2

    def _open(self, name: str, mode: Literal["r", "r+"] = "r") -> Any:
        return zarr.open_array(self.partial, path=name, mode=mode, zarr_format=self._format)

    def _array(self, name: str, shape: Shape, dtype: np.dtype) -> Any:
        """Make an empty array of one level."""
        z, y, x = (min(c, n) for c, n in zip(self.chunks, shape, strict=True))
        return zarr.create_array(
            self.partial,
            name=name,
            shape=shape,
            chunks=(z, y, x),
            shards=_whole_chunks(self.shards, (z, y, x), shape) if self._format == 3 else None,
            dtype=dtype,
            fill_value=0,
            zarr_format=self._format,
            chunk_key_encoding={"name": "v2" if self._format == 2 else "default", "separator": "/"},
            dimension_names=("z", "y", "x") if self._format == 3 else None,
            overwrite=True,
        )

    def _recode(self, dtype: np.dtype, relabel: Callable[[np.ndarray], np.ndarray] | None) -> None:
        """Write the finest level anew and put it in the place of the old one."""
        if (self.partial / _FINEST).exists():  # else a recoding was interrupted when it was complete
            old = self._open(_FINEST)

            def recoded(box: Box) -> np.ndarray:
                labels = np.asarray(old[box])
                labels = labels if relabel is None else relabel(labels)
                if labels.size and labels.max() > np.iinfo(dtype).max:
                    raise InputError(f"dtype must hold the label {labels.max()}, got {dtype}")
                return labels

            _fill(self._array(_RECODED, self.shape, dtype), recoded)
            # Away at once: killed while it is removed piece by piece, it would look as if parts were blank
            (self.partial / _FINEST).rename(self.partial / _OLD)
        (self.partial / _RECODED).rename(self.partial / _FINEST)
        shutil.rmtree(self.partial / _OLD, ignore_errors=True)

    def _coarsen(self, number: int) -> None:
        """Make a level from the one before it."""
        fine, shape = self.shapes[number - 1], self.shapes[number]
        fz, fy, fx = (max(1, round(n / m)) for n, m in zip(fine, shape, strict=True))
        names = [level.path for level in self.geometry.levels]
        source = self._open(names[number - 1])

        def coarser(box: Box) -> np.ndarray:
            covered = tuple(slice(s.start * f, s.stop * f) for s, f in zip(box, (fz, fy, fx), strict=True))
            z, y, x = (s.stop - s.start for s in box)
            labels = np.asarray(source[covered])
            return (
                most_frequent(labels, (fz, fy, fx), (z, y, x))
                if labels.any()
                else np.zeros((z, y, x), labels.dtype)
            )

        def stored(box: Box) -> bool:
            covered = (slice(s.start * f, s.stop * f) for s, f in zip(box, (fz, fy, fx), strict=True))
            return _any_file(self.partial / names[number - 1], source, list(covered))

        _fill(self._array(names[number], shape, source.dtype), coarser, stored)


def _whole_chunks(shards: Shape, chunks: Shape, shape: Shape) -> Shape:
    """Return shards of whole chunks, no larger than it takes to cover ``shape``."""
    z, y, x = (c * max(1, min(s // c, -(-n // c))) for s, c, n in zip(shards, chunks, shape, strict=True))
    return z, y, x


def _fill(
    array: Any, make: Callable[[Box], np.ndarray], stored: Callable[[Box], bool] = lambda box: True
) -> None:
    """Fill an array with what ``make`` returns for each chunk; a shard in memory at a time, written once.

    Shards for which ``stored`` is false stay empty.
    """
    for shard in blocks(array.shape, array.shards or array.chunks):
        if not stored(shard):
            continue
        start = [s.start for s in shard]
        part = np.zeros([s.stop - s.start for s in shard], array.dtype)
        for inner in blocks(part.shape, array.chunks):
            z, y, x = (slice(s.start + o, s.stop + o) for s, o in zip(inner, start, strict=True))
            part[inner] = make((z, y, x))
        if part.any():
            array[shard] = part


def _any_file(folder: Path, array: Any, box: Sequence[slice]) -> bool:
    """Return whether anything of a box is on the disk: where nothing is, everything is 0."""
    sizes = array.shards or array.chunks
    files = [
        range(s.start // size, -(-min(s.stop, num) // size))
        for s, size, num in zip(box, sizes, array.shape, strict=True)
    ]
    return any((folder / array.metadata.encode_chunk_key(at)).exists() for at in itertools.product(*files))


def place_of(path: str | Path) -> tuple[Path, Path | None]:
    """Return the folder of a label image, and that of the image if it lies in its ``labels/``."""
    address = locate(path)
    if address.module != "ome_zarr":
        raise FileError(f"{path} is no Zarr store; end its name in .zarr")
    if not address.inner:
        return address.file, None
    target = address.file / address.inner
    if target.parent.name != "labels":
        raise FileError(f"cannot write {path}; choose a store of its own, or {address.file}/labels/NAME")
    image = target.parent.parent
    if not is_zarr(image):
        raise FileError(f"{image} is no OME-Zarr image; choose a store of its own, NAME.zarr")
    return target, image


def free_place(path: str | Path, *, overwrite: bool) -> tuple[Path, Path | None]:
    """Return what :func:`place_of` does, unless something is there that must not be replaced."""
    target, image = place_of(path)
    if target.exists() and not (overwrite and is_zarr(target)):
        what = "is a folder but no Zarr store;" if overwrite else "exists already; add overwrite=True, or"
        raise FileError(f"{target} {what} choose another name")
    return target, image


def partial_of(target: Path) -> Path:
    """Return the hidden folder that a label image is until it is finished."""
    return target.with_name(f".{target.name}.partial")


def _filled(partial: Path) -> str:
    """Return the name of the finest level; it is a passing one if its recoding was interrupted at the end."""
    return _FINEST if (partial / _FINEST).exists() else _RECODED


def is_zarr(folder: Path) -> bool:
    """Return whether a folder is a Zarr store or a part of one."""
    return locate(folder / "x").module == "ome_zarr" and any(
        (folder / name).is_file() for name in ("zarr.json", ".zgroup", ".zattrs", ".zarray")
    )


def attributes_of(group: Path) -> dict[str, Any]:
    """Return the attributes of a group."""
    return dict(zarr.open_group(group, mode="r").attrs)


def publish(partial: Path, target: Path, geometry: Multiscale, image: Path | None) -> None:
    """Write the metadata of a label image whose voxels are all written, and give it its name."""
    group = zarr.open_group(partial, mode="r+")
    source = None if image is None else os.path.relpath(image, target).replace(os.sep, "/")
    group.attrs.update(label_metadata(geometry, name=target.stem, method=METHOD, source=source))
    replace_folder(partial, target)
    if image is not None:
        register(image, target.name)


def register(image: Path, name: str) -> None:
    """Name a label image in the list of its image's ``labels`` group."""
    version: Literal[2, 3] = 3 if (image / "zarr.json").is_file() else 2
    group = zarr.open_group(image / "labels", mode="a", zarr_format=version)
    listed = list(namespace(dict(group.attrs)).get("labels", ()))
    if name not in listed:
        listed.append(name)
        group.attrs.update(
            {"ome": {"version": "0.5", "labels": listed}} if version == 3 else {"labels": listed}
        )
