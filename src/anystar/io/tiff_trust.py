"""What a TIFF can be made to do to its reader: directories in a circle, files elsewhere."""

from __future__ import annotations

import os
from typing import Literal
from xml.etree import ElementTree

import tifffile

from anystar.errors import FileError
from anystar.io.address import Address
from anystar.io.outside import companion

__all__ = ["refuse_loops", "refuse_outside"]


def refuse_loops(tif: tifffile.TiffFile) -> None:
    """Raise ``FileError`` if the chain of directories comes back to one that was before.

    Only the first bytes and the last of each directory are read.
    """
    tiff, file = tif.tiff, tif.filehandle
    order: Literal["little", "big"] = "little" if tif.byteorder == "<" else "big"
    before, visited = file.tell(), set[int]()
    try:
        file.seek(8 if tiff.is_bigtiff else 4)
        while True:
            offset = int.from_bytes(file.read(tiff.offsetsize), order)
            if offset in visited:
                raise FileError(
                    f"has a chain of directories that does not end (after {len(visited)}); it is damaged, "
                    "export it again"
                )
            if not 0 < offset < file.size:
                return
            visited.add(offset)
            file.seek(offset)
            count = int.from_bytes(file.read(tiff.tagnosize), order)
            if offset + count * tiff.tagsize >= file.size:
                return
            file.seek(count * tiff.tagsize, os.SEEK_CUR)
    finally:
        file.seek(before)


def refuse_outside(address: Address, tif: tifffile.TiffFile) -> None:
    """Raise ``FileError`` if an OME-TIFF names other files that lie outside its folder."""
    if not (tif.is_ome and tif.ome_metadata):
        return
    try:
        root = ElementTree.fromstring(tif.ome_metadata)
    except ElementTree.ParseError:
        return
    names = {element.get("FileName") for element in root.iterfind(".//{*}TiffData/{*}UUID")}
    names |= {element.get("MetadataFile") for element in root.iterfind("{*}BinaryOnly")}
    for name in names:
        if name and name != address.file.name:
            companion(address.file, name)
