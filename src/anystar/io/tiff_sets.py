"""OME-TIFF data sets over several files: each of the files reads as the whole."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import tifffile

from anystar.io.address import locate
from anystar.io.ome_xml import companion_of, parse_ome
from anystar.io.outside import companion

__all__ = ["ome_of", "without_repeats"]


def ome_of(path: Path) -> str:
    """Return the OME-XML of a companion file, or of the first file of a set."""
    if locate(path).module != "tiff":
        return path.read_text(encoding="utf-8", errors="replace")
    with tifffile.TiffFile(path) as tif:
        return tif.pages.first.description


def without_repeats(files: Sequence[Path]) -> list[Path]:
    """Return the first file of each data set that OME-XML spreads over several of ``files``, and all others.

    Fields of view in a file each are data sets of their own.
    """
    if len(files) < 2:
        return list(files)
    there, kept, taken = {path.name: path for path in files}, [], set[Path]()
    for path in files:
        if path in taken:
            continue
        kept.append(path)
        taken |= {there[name] for name in _set_of(path) if name in there}
    return kept


def _set_of(path: Path) -> frozenset[str]:
    """Return the names of the files of the image that a file is a part of."""
    if locate(path).module != "tiff":
        return frozenset()
    try:
        text = ome_of(path)
        if "<OME" not in text[:4096]:
            return frozenset()
        if (other := companion_of(text)) is not None:
            text = ome_of(companion(path, other))
        images = parse_ome(text)
    except Exception:  # a damaged file makes the parser raise anything; it is reported when it is opened
        return frozenset()
    return next((image.files for image in images if path.name in image.files), frozenset())
