"""The errors that AnyStar raises on purpose; any other exception is a bug.

Messages read ``<what is wrong>; <what to do>`` and name arguments, never options of the command line.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["AlreadyDone", "AnyStarError", "ConfigError", "FileError", "InputError"]


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
