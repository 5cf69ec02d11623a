"""The errors that AnyStar raises on purpose; any other exception is a bug.

Messages read ``<what is wrong>; <what to do>`` and name arguments, never options of the command line.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

__all__ = [
    "AlreadyDone",
    "AnyStarError",
    "Cancelled",
    "ConfigError",
    "FileError",
    "InputError",
    "user_message",
]

_PLACES = (errno.EACCES, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.EISDIR, errno.ENOSPC, errno.EPERM)
"""Numbers of errors for which another place helps."""


class AnyStarError(Exception):
    """Base class of all errors of this package."""


class InputError(AnyStarError, ValueError):
    """An argument, a file or a setting that cannot be used: the user can correct it."""


class FileError(InputError):
    """A file that cannot be used.

    Inside :mod:`anystar.io` the message leaves the file's name out; :func:`anystar.io.read` puts it in front.
    """


class ConfigError(InputError):
    """A configuration that cannot be used; the message says which key and why."""


class Cancelled(AnyStarError):
    """A run that was stopped on request: whatever is called to report progress may raise it."""

    def __init__(self, message: str = "the run was cancelled") -> None:
        super().__init__(message)


class AlreadyDone(AnyStarError):
    """Everything that was requested exists already, so nothing was done.

    Parameters
    ----------
    labels : Path
        The label image.
    num_objects : int
        Number of objects of the run that made it.
    """

    def __init__(self, labels: Path, num_objects: int) -> None:
        super().__init__(f"{labels} is finished, {num_objects} objects; nothing is left to do")
        self.labels = labels
        self.num_objects = num_objects

    def __reduce__(self) -> tuple[type[AlreadyDone], tuple[Path, int]]:
        return type(self), (self.labels, self.num_objects)


def _lacks_memory(error: BaseException) -> bool:
    """Return whether memory ran out: Python, the system, or PyTorch on a CPU or a GPU has a type each."""
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        return True
    texts = ("out of memory", "can't allocate memory", "Cannot allocate memory", "not enough memory")
    return isinstance(error, RuntimeError) and any(text in str(error) for text in texts)


def user_message(error: BaseException) -> str | None:
    """Return the line for the user about an error that is not a bug, else ``None``.

    Besides the errors of this package, the user can correct missing files and permissions, and a lack of
    memory.

    Examples
    --------
    >>> user_message(InputError("a.tif is a 2D image; give a 3D stack"))
    'a.tif is a 2D image; give a 3D stack'
    >>> user_message(ValueError("operands could not be broadcast together")) is None
    True
    """
    if _lacks_memory(error):
        return "not enough memory; crop the image, or try device=cpu"
    if isinstance(error, OSError) and error.errno and error.filename:
        advice = "choose another place" if error.errno in _PLACES else "check the name and the permissions"
        return f"{error.filename}: {os.strerror(error.errno)}; {advice}"
    return str(error) if isinstance(error, AnyStarError | OSError) else None
