"""The folder of a user in which programs keep their data."""

from __future__ import annotations

import os
import sys
from pathlib import Path

__all__ = ["user_folder"]


def user_folder() -> Path:
    """Return the folder for what AnyStar keeps for the user; it need not exist.

    ``%LOCALAPPDATA%`` on Windows, ``~/Library/Application Support`` on macOS, else ``$XDG_DATA_HOME`` or
    ``~/.local/share``.
    """
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    elif sys.platform == "darwin":
        base = "~/Library/Application Support"
    else:
        base = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(os.path.expanduser(base)) / "anystar"
