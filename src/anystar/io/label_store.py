"""An OME-Zarr label image that is filled block by block, and appears when it is whole."""

from __future__ import annotations

import itertools
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
from anystar.io.label_geometry import label_geometry
from anystar.io.lazy import LazyImage
from anystar.io.pyramid import Box, Shape, blocks, most_frequent
from anystar.io.unfinished import UnfinishedLabels, free_place, known_version, partial_of, place_of

__all__ = ["LabelStore"]

_CHUNK = 64
_SHARD = 256
"""Voxels along each axis of a file by default; Zarr format 3 only."""
_FINEST, _RECODED, _OLD = "0", "0.recoded", "0.old"


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelStore(UnfinishedLabels):
    """A label image on its way to the disk; made by :meth:`create` or, after an interruption, :meth:`resume`.

    Blocks go into a hidden folder beside the target, ``.NAME.partial``. :meth:`finish` makes the pyramid,
    writes the metadata last and renames the folder, so that nothing unfinished can be taken for a result.
    Blocks may be written by several threads or processes at once if they share no file, see :attr:`shards`.
    """

    chunks: Shape
    """Voxels along Z, Y, X that are compressed together: what is cheap to read at once."""
    shards: Shape
    """Voxels along Z, Y, X of a file, several chunks each; in Zarr format 2 (OME-Zarr 0.4) one chunk."""

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
        geometry = replace(geometry, version=known_version(version or geometry.version, image))
        z, y, x = (min(c, max(n, 1)) for c, n in zip(chunks or (_CHUNK,) * 3, shape, strict=True))
        file = shards or (_SHARD,) * 3 if geometry.version == "0.5" else (z, y, x)
        store = cls(
            target=target,
            geometry=geometry,
            shapes=shapes,
            chunks=(z, y, x),
            shards=_whole_chunks(file, (z, y, x), shape),
            image=image,
        )
        store._begin()
        store._level(_FINEST, shape, np.dtype(dtype))
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
        return super().finish()

    def _level(self, name: str, shape: Shape, dtype: np.dtype) -> Any:
        """Make an empty array of one level."""
        z, y, x = (min(c, n) for c, n in zip(self.chunks, shape, strict=True))
        return self._new(name, shape, dtype, (z, y, x), _whole_chunks(self.shards, (z, y, x), shape))

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

            _fill(self._level(_RECODED, self.shape, dtype), recoded)
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

        def covered(box: Box) -> tuple[slice, ...]:
            return tuple(slice(s.start * f, s.stop * f) for s, f in zip(box, (fz, fy, fx), strict=True))

        def coarser(box: Box) -> np.ndarray:
            z, y, x = (s.stop - s.start for s in box)
            labels = np.asarray(source[covered(box)])
            if not labels.any():
                return np.zeros((z, y, x), labels.dtype)
            return most_frequent(labels, (fz, fy, fx), (z, y, x))

        def stored(box: Box) -> bool:
            return _any_file(self.partial / names[number - 1], source, covered(box))

        _fill(self._level(names[number], shape, source.dtype), coarser, stored)


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


def _filled(partial: Path) -> str:
    """Return the name of the finest level; it is a passing one if its recoding was interrupted at the end."""
    return _FINEST if (partial / _FINEST).exists() else _RECODED
