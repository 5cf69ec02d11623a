"""Whether a file is in use, by this program or another one."""

from __future__ import annotations

from typing import IO

__all__ = ["lock"]


def lock(file: IO[bytes]) -> bool:
    """Lock an open file until it is closed, and return whether that succeeded: no one else has locked it.

    The lock ends with the program, however it ends. Where there are no such locks (on Windows, and on some
    network drives) no file counts as locked.
    """
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True
