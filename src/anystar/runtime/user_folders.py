"""The folders of a user in which programs keep data, and what can be made again."""

from __future__ import annotations

import os
import sys
from pathlib import Path

__all__ = ["cache_folder", "data_folder"]


def data_folder() -> Path:
    """Return the folder for what AnyStar keeps for the user; it need not exist.

    ``%LOCALAPPDATA%`` on Windows, ``~/Library/Application Support`` on macOS, else ``$XDG_DATA_HOME`` or
    ``~/.local/share``.
    """
    return _folder("Application Support", "XDG_DATA_HOME", "~/.local/share")


def cache_folder() -> Path:
    """Return the folder for what AnyStar can make again; it need not exist.

    ``%LOCALAPPDATA%`` on Windows, ``~/Library/Caches`` on macOS, else ``$XDG_CACHE_HOME`` or ``~/.cache``.
    """
    return _folder("Caches", "XDG_CACHE_HOME", "~/.cache")


def _folder(library: str, variable: str, default: str) -> Path:
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    elif sys.platform == "darwin":
        base = f"~/Library/{library}"
    else:
        base = os.environ.get(variable) or default
    return Path(os.path.expanduser(base)) / "anystar"
