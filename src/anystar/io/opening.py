"""Open a file with the reader of its format, and say of which file an error is."""

from __future__ import annotations

import contextlib
import errno
import importlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from anystar.errors import FileError
from anystar.io.address import SUFFIXES, Address, locate
from anystar.io.source import Source

__all__ = ["DAMAGED", "existing", "format_of", "named", "open_source", "stated_axes"]


def stated_axes(path: str | Path) -> str:
    """Return the letters of a file's axes as the file states them, slowest first."""
    with contextlib.closing(open_source(existing(path), 0, None)) as source:
        return source.axes


def existing(path: str | Path) -> Address:
    """Return the address of a file or folder that can be opened."""
    address = locate(path)
    if not address.file.exists():
        raise FileNotFoundError(f"{address.file} does not exist; check the name")
    if address.file.is_dir() and address.module != "ome_zarr":
        address = address._replace(module="planes")
    if not address.file.is_dir() and not address.file.is_file():
        format_of(address)
        raise FileError(f"{address.file} is a pipe or a device, not a file; copy it into a file first")
    return address


def open_source(address: Address, level: int, series: int | None) -> Source:
    """Open what a format's module reads; only some formats hold several images."""
    module = format_of(address)
    with named(address, _UNREADABLE):
        if getattr(module, "HAS_SERIES", False):
            return module.open_source(address, level, series)
        if series is not None:
            raise FileError("is of a format that holds one image; leave out series=")
        return module.open_source(address, level)


def format_of(address: Address) -> Any:
    """Return the module that reads and writes what the name says."""
    if not address.module and address.file.is_dir():
        raise FileError(f"{address.file} is a folder; give a file")
    if address.file.name.lower().endswith((".ome", ".ome.xml")):
        raise FileError(
            f"{address.file} holds metadata only; give a TIFF file that it describes, or their folder"
        )
    if not address.module:
        raise FileError(f"{address.file} has no known ending; use one of {', '.join(SUFFIXES)}")
    return importlib.import_module(f"anystar.io.{address.module}")


DAMAGED = "cannot be read ({}); its voxels are damaged, copy or export it again"
"""What to say of whatever a parser raises where voxels are read."""
_UNREADABLE = "cannot be opened ({}); it is incomplete or not what its name says, copy or export it again"
_NOT_THE_FILE = (errno.EACCES, errno.EPERM, errno.EMFILE, errno.ENFILE, errno.EIO, errno.ESTALE)
"""Numbers of errors that say nothing about what is in a file."""


@contextlib.contextmanager
def named(address: Address, otherwise: str = "") -> Iterator[None]:
    """Put the name in front of what is wrong; ``otherwise`` is what to say of whatever a parser raises."""
    try:
        yield
    except FileError as error:
        raise FileError(f"{address} {error}") from error
    except MemoryError:
        raise
    except Exception as error:  # a damaged file makes a parser raise whatever it likes
        number = getattr(error, "errno", None)
        if not otherwise or number in _NOT_THE_FILE:
            raise
        if number == errno.ENOMEM:
            raise MemoryError(str(error)) from error
        if number in (errno.ENOSPC, errno.EDQUOT):
            folder = tempfile.gettempdir()
            raise FileError(
                f"{address} cannot be read: {folder}, the folder for temporary files, is full; "
                "set TMPDIR to a larger one"
            ) from error
        why = " ".join(str(error).split()) or type(error).__name__
        raise FileError(f"{address} {otherwise.format(why[:200])}") from error
