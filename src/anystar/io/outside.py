"""Other files that a file names: used only inside its own folder, unless the user allows more."""

from __future__ import annotations

import os
from pathlib import Path

from anystar.errors import FileError

__all__ = ["VARIABLE", "companion"]

VARIABLE = "ANYSTAR_FOLLOW_FILES"
"""Environment variable that allows files in other folders if it is 1."""


def companion(file: Path, name: str, *, folder: Path | None = None) -> Path:
    """Return the path of a file that ``file`` refers to.

    A file from somebody else must not make this process read what only this process may read. Symbolic links
    count as where they lie: whoever made them decided where they lead.

    ``name`` is absolute, or relative to ``folder``, by default that of ``file``.

    Raises
    ------
    FileError
        If the other lies outside the folder of ``file`` and ``ANYSTAR_FOLLOW_FILES`` is not 1, or is no file.

    Examples
    --------
    >>> companion(Path("/data/a.nhdr"), "voxels/a.raw").as_posix()
    '/data/voxels/a.raw'
    """
    if not name or "\0" in name:
        raise FileError("refers to a file without a name; export it again")
    own = os.path.abspath(file.parent)
    other = os.path.abspath(os.path.join(folder or own, name))
    inside = os.path.commonpath([own, other]) == own and other != own
    if not inside and os.environ.get(VARIABLE) != "1":
        raise FileError(
            f"refers to {name}, a file outside its own folder; "
            f"copy that file beside it, or set {VARIABLE}=1 if you trust it"
        )
    if os.path.exists(other) and not os.path.isfile(other):
        raise FileError(f"refers to {name}, which is not a regular file; export it again as one file")
    return Path(other)
