"""An OME-Zarr label image on its way to the disk: a hidden folder beside its name until it is whole."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import zarr
from numpy.typing import DTypeLike

from anystar.errors import FileError
from anystar.io.address import ZARR_FILES, locate
from anystar.io.ngff import Multiscale, label_metadata, namespace, parse_multiscale
from anystar.io.pyramid import Shape
from anystar.runtime.atomic import replace_folder

__all__ = ["UnfinishedLabels", "free_place", "known_version", "partial_of", "place_of", "register"]

_METHOD = "most frequent label"


@dataclass(frozen=True, kw_only=True, eq=False)
class UnfinishedLabels:
    """What is common to label images of one volume and of a series."""

    target: Path
    """The folder that the label image will be."""
    geometry: Multiscale
    """Axes, units and levels."""
    shapes: tuple[Shape, ...]
    """Voxels along Z, Y, X of the levels, finest first."""
    image: Path | None
    """The group of the image, for a label image in its ``labels/``."""

    @property
    def partial(self) -> Path:
        """The folder that it is until it is finished."""
        return partial_of(self.target)

    def finish(self) -> Path:
        """Write the metadata and let the label image appear; return the target."""
        group = zarr.open_group(self.partial, mode="r+")
        image, target = self.image, self.target
        source = None if image is None else os.path.relpath(image, target).replace(os.sep, "/")
        group.attrs.update(label_metadata(self.geometry, name=target.stem, method=_METHOD, source=source))
        replace_folder(self.partial, target)
        if image is not None:
            register(image, target.name)
        return target

    def discard(self) -> None:
        """Remove what was written, unless it is finished."""
        shutil.rmtree(self.partial, ignore_errors=True)

    @contextlib.contextmanager
    def filled(self) -> Iterator[None]:
        """Finish at the end of a ``with`` statement that writes the labels; discard them if it fails."""
        try:
            yield
            self.finish()
        except BaseException:
            self.discard()
            raise

    def _begin(self) -> None:
        """Make the hidden folder anew, empty."""
        self.discard()
        zarr.create_group(self.partial, zarr_format=self._format)

    @property
    def _format(self) -> Literal[2, 3]:
        return 3 if self.geometry.version == "0.5" else 2

    def _open(self, name: str, mode: Literal["r", "r+"] = "r") -> Any:
        return zarr.open_array(self.partial, path=name, mode=mode, zarr_format=self._format)

    def _new(
        self,
        name: str,
        shape: tuple[int, ...],
        dtype: DTypeLike,
        chunks: tuple[int, ...],
        shards: tuple[int, ...] | None = None,
    ) -> Any:
        """Make an empty array of one level; only Zarr format 3 has shards."""
        return zarr.create_array(
            self.partial,
            name=name,
            shape=shape,
            chunks=chunks,
            shards=shards if self._format == 3 else None,
            dtype=dtype,
            fill_value=0,
            zarr_format=self._format,
            chunk_key_encoding={"name": "v2" if self._format == 2 else "default", "separator": "/"},
            dimension_names=tuple(self.geometry.axes.lower()) if self._format == 3 else None,
            overwrite=True,
        )


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
    if not _is_zarr(image):
        raise FileError(f"{image} is no OME-Zarr image; choose a store of its own, NAME.zarr")
    return target, image


def free_place(path: str | Path, *, overwrite: bool) -> tuple[Path, Path | None]:
    """Return what :func:`place_of` does, unless something is there that must not be replaced."""
    target, image = place_of(path)
    if target.exists() and not (overwrite and _is_zarr(target)):
        what = "is a folder but no Zarr store;" if overwrite else "exists already; add overwrite=True, or"
        raise FileError(f"{target} {what} choose another name")
    return target, image


def partial_of(target: Path) -> Path:
    """Return the hidden folder that a label image is until it is finished."""
    return target.with_name(f".{target.name}.partial")


def known_version(wanted: str, image: Path | None) -> Literal["0.4", "0.5"]:
    """Return the version of NGFF to write: that of the image that the labels go into, else what is wanted."""
    if image is not None:
        wanted = parse_multiscale(dict(zarr.open_group(image, mode="r").attrs)).version
    return "0.5" if wanted == "0.5" else "0.4"


def _is_zarr(folder: Path) -> bool:
    """Return whether a folder is a Zarr store or a part of one."""
    return locate(folder / "x").module == "ome_zarr" and any((folder / name).is_file() for name in ZARR_FILES)


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
