"""Volumes in every format, with bytes changed, cut off, or with another header."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import h5py
import nibabel as nib
import nrrd
import numpy as np
import tifffile
import zarr

from anystar import io
from anystar.arrays import Volume

__all__ = ["DATA", "LAYOUTS", "SHAPE", "damaged_bytes", "damaged_file"]

SHAPE = (12, 20, 24)
DATA = np.random.default_rng(7).integers(0, 4000, SHAPE).astype(np.uint16)


def _plain(path: Path) -> None:
    io.write(path, Volume(data=DATA, spacing=(2.0, 0.5, 0.5)))


def _raw_tif(path: Path) -> None:
    tifffile.imwrite(path, DATA, imagej=True, metadata={"axes": "ZYX"})


def _tiled(path: Path) -> None:
    tifffile.imwrite(path, DATA, tile=(16, 16), compression="zlib", metadata={"axes": "ZYX"}, ome=True)


def _raw_nrrd(path: Path) -> None:
    nrrd.write(str(path), DATA.T, {"encoding": "raw", "space": "left-posterior-superior"})


def _checked_h5(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("a", data=DATA, chunks=(4, 10, 12), compression="gzip", fletcher32=True)


def _store(version: int) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        group = zarr.open_group(path, mode="w", zarr_format=version)  # type: ignore[arg-type]
        array: Any = group.create_array("0", shape=SHAPE, dtype=DATA.dtype, chunks=(6, 10, 12))
        array[...] = DATA
        axes = [{"name": name, "type": "space", "unit": "micrometer"} for name in "zyx"]
        scale = [{"type": "scale", "scale": [2.0, 0.5, 0.5]}]
        image = {"axes": axes, "datasets": [{"path": "0", "coordinateTransformations": scale}]}
        if version == 2:
            group.attrs["multiscales"] = [{"version": "0.4", **image}]
        else:
            group.attrs["ome"] = {"version": "0.5", "multiscales": [image]}

    return make


LAYOUTS: dict[str, tuple[str, Callable[[Path], None]]] = {
    "ImageJ TIFF": ("a.tif", _plain),
    "ImageJ TIFF, raw": ("b.tif", _raw_tif),
    "OME-TIFF": ("a.ome.tif", _plain),
    "OME-TIFF, tiles": ("b.ome.tif", _tiled),
    "NIfTI": ("a.nii", _plain),
    "NIfTI, gzip": ("a.nii.gz", _plain),
    "NRRD, gzip": ("a.nrrd", _plain),
    "NRRD, raw": ("b.nrrd", _raw_nrrd),
    "HDF5": ("a.h5", _plain),
    "HDF5, fletcher32": ("b.h5", _checked_h5),
    "NumPy": ("a.npy", _plain),
    "Zarr 2": ("a.zarr", _store(2)),
    "Zarr 3": ("b.zarr", _store(3)),
}


def damaged_file(kind: str, folder: Path, rng: np.random.Generator) -> Callable[[], bool]:
    """Make a file, damage it, and return what reads it and compares it with another reader's answer."""
    name, make = LAYOUTS[kind]
    path = folder / name
    made = folder.parent / f"whole-{name}"
    if not made.exists():
        (folder / name).parent.mkdir(exist_ok=True)
        make(path)
        shutil.move(path, made)
    if made.is_dir():
        shutil.copytree(made, path)
        files = sorted(p for p in path.rglob("*") if p.is_file())
        target = files[int(rng.integers(len(files)))]
    else:
        shutil.copy(made, path)
        target = path
    content = damaged_bytes(target.read_bytes(), rng)
    if content is None:
        target.unlink()
    else:
        target.write_bytes(content)
    box = None if rng.random() < 0.7 else (slice(2, 9), slice(3, 17), slice(5, 20))

    def read() -> bool:
        with io.open_image(path) as image:
            found, notes = image.read(box), image.notes
        expected = DATA[box or ...]
        if np.array_equal(found, expected) or _explained(found, box, notes):
            return True
        others = [*_independent(path), *_stored(made, path)]
        return any(np.array_equal(found, other[box or ...]) for other in others)

    return read


def _explained(found: np.ndarray, box: tuple[slice, slice, slice] | None, notes: Sequence[str]) -> bool:
    """Return whether a note names what differs.

    That is chunks that are not stored and the value in their place, or pages of a TIFF that are left out.
    """
    if any("the file also holds" in note and "left out" in note for note in notes):
        planes = {plane.tobytes() for plane in (DATA if box is None else DATA[:, *box[1:]])}
        return all(plane.tobytes() in planes for plane in found)
    expected = DATA[box or ...]
    found_in = [match for note in notes if (match := re.search(r"are not stored and read as (\S+)", note))]
    if not found_in or found.shape != expected.shape:
        return False
    return bool((found[found != expected] == float(found_in[0][1])).all())


def damaged_bytes(content: bytes, rng: np.random.Generator) -> bytes | None:
    """Return changed content: some bytes, some near the beginning, a cut, a hole, a repetition, nothing."""
    way, size = rng.random(), len(content)
    changed = bytearray(content)
    if way < 0.45:
        reach = size if way < 0.2 else min(size, 400)
        for place in rng.integers(0, max(reach, 1), int(rng.integers(1, 9))):
            if size:
                changed[place] = int(rng.integers(256))
        return bytes(changed)
    if way < 0.65:
        return content[: int(rng.integers(size + 1))]
    if way < 0.8 and size:
        start = int(rng.integers(size))
        stop = min(size, start + int(rng.integers(1, 200)))
        changed[start:stop] = bytes(stop - start) if rng.random() < 0.5 else rng.bytes(stop - start)
        return bytes(changed)
    if way < 0.9 and size:
        start = int(rng.integers(size))
        return content[:start] + content[start : start + 50] + content[start:]
    return rng.bytes(int(rng.integers(2000))) if way < 0.97 else None


def _independent(path: Path) -> list[np.ndarray]:
    """Return what other programs read from a file that was changed where nothing checks it."""
    found: list[Any] = []
    readers: tuple[Callable[[], Any], ...] = (
        lambda: tifffile.imread(path),
        lambda: np.asarray(nib.load(path).dataobj).T,  # type: ignore[attr-defined]
        lambda: np.asarray(nib.load(path).dataobj, np.float32).T,  # type: ignore[attr-defined]
        lambda: nrrd.read(str(path), index_order="C")[0],
        lambda: np.load(path),
        lambda: _h5(path),
        lambda: np.asarray(zarr.open(path, mode="r")["0"][...]),  # type: ignore[index]
    )
    for reader in readers:
        try:
            value = np.asarray(reader())
        except Exception:  # of another format, or refused
            continue
        if value.ndim == 3:
            found += [value, value.astype(np.float32)]
    return found


def _stored(whole: Path, path: Path) -> list[np.ndarray]:
    """Return the voxels in the place where a file of plain bytes has them, if it is one."""
    if not (whole.is_file() and path.is_file()):
        return []
    start = whole.read_bytes().find(DATA.tobytes())
    part = path.read_bytes()[start : start + DATA.nbytes]
    return [np.frombuffer(part, DATA.dtype).reshape(SHAPE)] if start >= 0 and len(part) == DATA.nbytes else []


def _h5(path: Path) -> np.ndarray:
    with h5py.File(path) as file:
        names: list[str] = []
        file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
        return np.asarray(file[names[0]])
