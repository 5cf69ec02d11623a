"""The header of an NRRD file; a field of its geometry that cannot be parsed is set aside."""

from __future__ import annotations

import re
from typing import Any, BinaryIO

import nrrd
import numpy as np

from anystar.errors import FileError

__all__ = ["read_header"]

_VOXELS = ("type", "dimension", "sizes", "encoding", "endian", "datafile", "lineskip", "byteskip")
"""Fields, without spaces, that say where the voxels are."""
_WITHOUT = dict.fromkeys(("spacings", "spacedirections"), "voxel size")
_WITHOUT |= dict.fromkeys(("units", "spaceunits"), "unit of the voxel size")
"""What is not known without a field."""
_LONGEST = 1 << 24
"""Bytes of a header."""


def read_header(file: BinaryIO) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the fields of a header and what is wrong with some; ``file`` is left where the voxels begin.

    Raises
    ------
    FileError
        If it is no NRRD header, or a field that says where the voxels are cannot be parsed.
    """
    magic = file.readline(_LONGEST)
    if re.fullmatch(rb"NRRD000[1-5]\s*", magic) is None:
        raise FileError("does not begin as an NRRD file of version 1 to 5; copy or export it again")
    first = magic.decode("ascii")
    lines: list[str] = []
    notes: list[str] = []
    left = _LONGEST
    while (line := file.readline(left).rstrip()) and left > 0:
        left -= len(line) + 1
        text = _text(line)
        name = re.split(r":=?", text, maxsplit=1)[0].strip()
        if text.startswith("#"):
            continue
        try:
            found = nrrd.read_header([first, text])
            _check(found)
        except Exception as error:  # the parser raises whatever it stumbles over
            if name.replace(" ", "") in _VOXELS:
                why = " ".join(str(error).split())
                raise FileError(f"states {text:.60} ({why:.60}); export it again") from error
            unknown = _WITHOUT.get(name.replace(" ", ""))
            notes.append(
                f"the file states {text.strip():.60}, which cannot be parsed"
                + (f", so the {unknown} is not known; if it is, give spacing=(Z, Y, X)" if unknown else "")
            )
            continue
        lines.append(text)
    if left <= 0:
        raise FileError(f"has a header of more than {_LONGEST >> 20} MiB; export it again")
    return dict(nrrd.read_header([first, *lines])), tuple(notes)


def _text(line: bytes) -> str:
    """Return a line as printable text; both signs for micro become u, which every program reads."""
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        text = line.decode("latin-1")
    text = text.replace("\N{MICRO SIGN}", "u").replace("\N{GREEK SMALL LETTER MU}", "u")
    return "".join(character if character.isprintable() else " " for character in text)


def _check(field: dict[str, Any]) -> None:
    """Raise ``ValueError`` unless vectors in space have three numbers each."""
    if "space directions" in field:
        rows = [row for row in field["space directions"] if row is not None]
        if any(np.shape(row) != (3,) for row in rows):
            raise ValueError("directions of three numbers are expected")
    if "space origin" in field and np.shape(field["space origin"]) != (3,):
        raise ValueError("three numbers are expected")
