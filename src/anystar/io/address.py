"""Names of images: which format, and which part of a file that holds several."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from anystar.errors import FileError

__all__ = [
    "READABLE",
    "SUFFIXES",
    "ZARR_FILES",
    "Address",
    "file_stem",
    "file_suffix",
    "image_files",
    "is_png_or_jpeg",
    "locate",
    "remote_address",
]

# The format's module is loaded when it is needed: each brings a library along.
_FORMATS = {
    ".ome.tif": "tiff",
    ".ome.tiff": "tiff",
    ".tif": "tiff",
    ".tiff": "tiff",
    ".nii": "nifti",
    ".nii.gz": "nifti",
    ".nrrd": "nrrd",
    ".nhdr": "nrrd",
    ".h5": "hdf5",
    ".hdf5": "hdf5",
    ".npy": "npy",
    ".ome.zarr": "ome_zarr",
    ".zarr": "ome_zarr",
}
SUFFIXES = tuple(suffix for suffix in _FORMATS if suffix != ".nhdr")
"""Name endings that can be read and written."""
_VENDORS = (".czi", ".dv", ".ims", ".lif", ".nd2", ".oib", ".oif", ".oir", ".vsi")
_PNG_JPEG = (".png", ".jpg", ".jpeg")
READABLE = (*_FORMATS, *_VENDORS, *_PNG_JPEG)
"""Name endings that can be read. NRRD headers have their data in a file beside them; formats of makers of
microscopes go through bioio; a folder of PNG or JPEG is a stack."""

_INSIDE_HDF5 = re.compile(r"(?P<file>.*?\.(?:h5|hdf5))(?::/*|/+)(?P<inner>.*)", re.IGNORECASE)
_INSIDE_ZARR = re.compile(r"(?P<file>.*?\.zarr)(?::/*|/+)(?P<inner>.+)", re.IGNORECASE)
_ADDRESS = re.compile(r"(https?|ftps?|sftp|s3|gs|gcs|az|abfss?|hdfs|file):/+", re.IGNORECASE)
"""What is read by no reader here; a path has one slash where an address has two."""
ZARR_FILES = ("zarr.json", ".zattrs", ".zgroup", ".zarray")
"""Names of which a Zarr store, and each group and array in it, has one or more."""


class Address(NamedTuple):
    """Where an image lies."""

    file: Path
    """The file, or the folder of a Zarr store."""
    inner: str
    """The path of a dataset or group inside, without slashes around it; empty for the whole."""
    suffix: str
    """The known ending of the file's name, in lower case, or empty."""
    module: str
    """The module of :mod:`anystar.io` that knows the format, or empty."""

    def __str__(self) -> str:
        if not self.inner:
            return str(self.file)
        return f"{self.file}:/{self.inner}" if self.module == "hdf5" else f"{self.file}/{self.inner}"


def locate(path: str | Path) -> Address:
    """Take a name apart: ``file.h5:/dataset``, ``file.h5/dataset``, ``store.zarr/group`` or a plain name.

    Examples
    --------
    >>> locate("a.h5:/raw/cells")[1:]
    ('raw/cells', '.h5', 'hdf5')
    >>> locate("b.OME.zarr/labels/nuclei")[1:]
    ('labels/nuclei', '.ome.zarr', 'ome_zarr')
    >>> locate("notes.txt")[1:]
    ('', '', '')
    """
    if stated := remote_address(path):
        what = f"{stated} is an address, not a file"
        if stated.lower().startswith("file:"):
            raise FileError(f"{what}; give {stated[7:]}")
        raise FileError(f"{what}; download it first, or mount it as a folder")
    path = Path(path).expanduser()
    inner = ""
    found = _INSIDE_HDF5.fullmatch(str(path))
    if found is None or Path(found["file"]).is_dir():
        found = _INSIDE_ZARR.fullmatch(str(path))
    if found:
        path, inner = Path(found["file"]), found["inner"].strip("/")
    name = path.name.lower()
    suffix = next((s for s in sorted(READABLE, key=len, reverse=True) if name.endswith(s)), "")
    module = _FORMATS.get(suffix) or ("png_jpeg" if suffix in _PNG_JPEG else "vendor" if suffix else "")
    if not suffix and any((path / file).is_file() for file in ZARR_FILES):
        module = "ome_zarr"  # a store by its content, whatever its name
    return Address(path, inner, suffix, module)


def remote_address(path: str | Path) -> str:
    """Return the address that a name is, or nothing.

    >>> remote_address("s3:/bucket/a.zarr"), remote_address("file:/data/a.tif"), remote_address("a.tif")
    ('s3://bucket/a.zarr', 'file:///data/a.tif', '')
    """
    found = _ADDRESS.match(str(path))
    if found is None:
        return ""
    root = "/" if found[1].lower() == "file" else ""
    return f"{found[1]}://{root}{str(path)[found.end() :]}"


def file_suffix(path: str | Path) -> str:
    """Return the known ending of a file's name in lower case, or ``""``.

    Examples
    --------
    >>> file_suffix("brain.NII.gz"), file_suffix("a.ome.tif"), file_suffix("notes.txt")
    ('.nii.gz', '.ome.tif', '')
    """
    return locate(path).suffix


def file_stem(path: str | Path) -> str:
    """Return a file's name without its known ending.

    Examples
    --------
    >>> file_stem("in/brain.nii.gz"), file_stem("in/cells.h5:/raw")
    ('brain', 'cells')
    """
    name = locate(path).file.name
    return name[: len(name) - len(locate(path).suffix)]


def image_files(folder: str | Path) -> list[Path]:
    """Return the files of a folder whose names end as those of images, sorted; hidden ones are left out.

    PNG and JPEG files beside other images are previews, and left out as well.

    Raises
    ------
    FileError
        If there are none.
    """
    folder = Path(folder)
    found = [
        p
        for p in folder.iterdir()
        if not p.name.startswith(".")
        and (address := locate(p)).suffix
        and p.is_dir() == (address.module == "ome_zarr")
    ]
    if not found:
        raise FileError(f"{folder} holds no images; expected files that end in {', '.join(SUFFIXES)}")
    return sorted([p for p in found if not is_png_or_jpeg(p)] or found)


def is_png_or_jpeg(path: str | Path) -> bool:
    """Return whether a name ends as that of a PNG or JPEG file, which is one plane."""
    return locate(path).module == "png_jpeg"
