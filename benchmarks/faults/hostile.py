"""Files that point elsewhere, unpack to more than they say, or do not end."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import tifffile

from anystar import io
from benchmarks.faults.files import DATA, SHAPE

__all__ = ["hostile_file"]


def hostile_file(kind: str, folder: Path, rng: np.random.Generator) -> Callable[[], bool]:
    """Make a file that must be refused, or read as what it says without what lies elsewhere."""
    makers = (_nrrd, _links, _bomb, _loop, _ome, _pipe)
    path = makers[int(rng.integers(len(makers)))](folder, rng)

    def read() -> bool:
        found = io.read(path)
        return found.shape == SHAPE and np.array_equal(found.data, DATA)

    return read


def _header(rng: np.random.Generator, extra: str) -> str:
    return f"NRRD0004\ntype: uint16\ndimension: 3\nsizes: 24 20 12\nendian: little\n{extra}"


def _nrrd(folder: Path, rng: np.random.Generator) -> Path:
    (folder / "in").mkdir()
    DATA.tofile(folder / "secret.raw")
    DATA.tofile(folder / "in" / "a.raw")
    names = [
        "../secret.raw",
        str(folder / "secret.raw"),
        "/etc/passwd",
        "a.raw",
        "sub/../../secret.raw",
        "LIST",
    ]
    numbers = [0, -1, -2, 1, 10**12, 2**62, 2**70]
    extra = "".join(
        f"{field}: {rng.choice(numbers) if rng.random() < 0.5 else 0}\n"
        for field in ("line skip", "byte skip")
    )
    path = folder / "in" / f"a.{rng.choice(['nhdr', 'nrrd'])}"
    encoding = rng.choice(["raw", "gzip", "bzip2", "ascii", "hex"])
    path.write_text(_header(rng, f"encoding: {encoding}\n{extra}data file: {rng.choice(names)}\n"))
    return path


def _links(folder: Path, rng: np.random.Generator) -> Path:
    (folder / "in").mkdir()
    with h5py.File(folder / "secret.h5", "w") as file:
        file["a"] = DATA + 1
    DATA.tofile(folder / "secret.raw")
    path = folder / "in" / "a.h5"
    target = str(rng.choice(["../secret.h5", str(folder / "secret.h5"), "missing.h5", "a.h5"]))
    with h5py.File(path, "w") as file:
        way = int(rng.integers(4))
        if way == 0:
            file["x"] = h5py.ExternalLink(target, "/a")
        elif way == 1:
            file["x"] = h5py.SoftLink(str(rng.choice(["/x", "/y", "/x/x"])))
        elif way == 2:
            file.create_dataset("x", SHAPE, "u2", external=[(str(folder / "secret.raw"), 0, DATA.nbytes)])
        else:
            layout = h5py.VirtualLayout(SHAPE, "u2")
            layout[:] = h5py.VirtualSource(target, "a", SHAPE)
            file.create_virtual_dataset("x", layout)
    return Path(f"{path}:/x")


def _bomb(folder: Path, rng: np.random.Generator) -> Path:
    more = bytes(int(rng.integers(20, 60)) << 20)
    if rng.random() < 0.5:
        path = folder / "a.nrrd"
        path.write_bytes(
            _header(rng, "encoding: gzip\n\n").encode() + gzip.compress(DATA.tobytes() + more, 1)
        )
    else:
        io.write(folder / "a.nii", io.read(_whole(folder)))
        path = folder / "a.nii.gz"
        path.write_bytes(gzip.compress((folder / "a.nii").read_bytes() + more, 1))
    return path


def _whole(folder: Path) -> Path:
    np.save(folder / "whole.npy", DATA)
    return folder / "whole.npy"


def _loop(folder: Path, rng: np.random.Generator) -> Path:
    path = folder / "a.tif"
    description = str(rng.choice(["ImageJ=1.54f\nimages=12\nslices=12\n", ""]))
    with tifffile.TiffWriter(path, bigtiff=bool(rng.random() < 0.5)) as writer:
        for plane in DATA:
            writer.write(plane, contiguous=False, description=description, metadata=None)
    with tifffile.TiffFile(path) as tif:
        tiff, offsets = tif.tiff, [page.offset for page in tif.pages]  # type: ignore[union-attr]
        number = int(rng.integers(len(offsets)))
        place = offsets[number] + tiff.tagnosize + len(tif.pages[number].tags) * tiff.tagsize  # type: ignore[union-attr]
    content = bytearray(path.read_bytes())
    back = offsets[int(rng.integers(number + 1))]
    content[place : place + tiff.offsetsize] = back.to_bytes(tiff.offsetsize, "little")
    path.write_bytes(content)
    return path


def _ome(folder: Path, rng: np.random.Generator) -> Path:
    (folder / "in").mkdir()
    path = folder / "in" / "a.ome.tif"
    tifffile.imwrite(path, DATA, metadata={"axes": "ZYX"})
    tifffile.imwrite(folder / "b.ome.tif", DATA + 1, metadata={"axes": "ZYX"})
    xml = tifffile.tiffcomment(path)
    name = rng.choice(
        ["../b.ome.tif", str(folder / "b.ome.tif"), "missing.ome.tif", "a.ome.tif", "/etc/passwd"]
    )
    named = f'<TiffData IFD="0" PlaneCount="12"><UUID FileName="{name}">urn:uuid:1</UUID></TiffData>'
    start, stop = xml.index("<TiffData"), xml.index("</Pixels>")
    tifffile.tiffcomment(path, (xml[:start] + named + xml[stop:]).encode())
    return path


def _pipe(folder: Path, rng: np.random.Generator) -> Path:
    path = folder / f"a.{rng.choice(['tif', 'nii', 'nii.gz', 'nrrd', 'h5', 'npy'])}"
    os.mkfifo(path)
    return path
