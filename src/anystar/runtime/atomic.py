"""Files and folders that appear whole or not at all: written beside their place, then renamed onto it."""

from __future__ import annotations

import contextlib
import csv
import errno
import glob
import os
import platform
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

__all__ = ["named", "remove_partial", "replace_folder", "staged", "staged_folder", "write_csv"]


_PREFIX = r"\.(\d+)(?:@([^@/]*))?\.partial\."


def _temporary(target: Path) -> Path:
    """Return a name of this process on this machine: several may share the folder."""
    return target.with_name(f".{os.getpid()}@{platform.node()}.partial.{target.name}")


def remove_partial(folder: Path) -> None:
    """Remove the temporary files below ``folder`` of processes that were killed, here or elsewhere.

    Whether a process of another machine still runs is unknown; what it still writes is lost.
    """
    for path in folder.rglob(".*.partial.*") if folder.is_dir() else ():
        found = re.match(_PREFIX, path.name)
        if found and not (found[2] in (None, platform.node()) and _alive(int(found[1]))):
            path.unlink(missing_ok=True)


def _remove_abandoned(target: Path) -> None:
    """Remove what processes of this machine that were killed have left of ``target``."""
    for path in target.parent.glob(f".*.partial.{glob.escape(target.name)}"):
        found = re.match(_PREFIX, path.name)
        if found and found[2] == platform.node() and not _alive(int(found[1])):
            with contextlib.suppress(OSError):
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink()


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@contextlib.contextmanager
def named(path: str | Path) -> Iterator[None]:
    """Add the name of the file to an ``OSError`` of writing: that of a full disk has none.

    Temporary names become those of the files that they are made for.

    Examples
    --------
    >>> with named("a.tif"):
    ...     raise OSError(28, "No space left on device")
    Traceback (most recent call last):
        ...
    OSError: [Errno 28] No space left on device: 'a.tif'
    """
    try:
        yield
    except OSError as error:
        # NumPy's own message for a file that could not be written to its end has no number either.
        number = errno.ENOSPC if re.search(r"\d+ requested and \d+ written", str(error)) else error.errno
        name = str(path) if error.filename is None else str(error.filename)
        plain = re.sub(rf"({_PREFIX})+", "", name)
        if number is None or plain == error.filename:
            raise
        raise OSError(number, os.strerror(number), plain) from error


@contextlib.contextmanager
def staged(*paths: str | Path) -> Iterator[tuple[Path, ...]]:
    """Give a temporary path for each of ``paths``; rename them all on success, remove them all on failure.

    The temporary files exist (empty) from the start, so that a place which cannot be written is known before
    the work begins. They lie in the same folder and keep the whole suffix, so that writers which choose a
    format by the name choose the same one. Missing folders are made.

    Parameters
    ----------
    *paths : str or Path
        Final places of the files.

    Yields
    ------
    tuple of Path
        One temporary path each, in the order of ``paths``.

    Raises
    ------
    OSError
        If a folder cannot be made or written.

    Examples
    --------
    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "new" / "a.txt"
    >>> with staged(target) as (temporary,):
    ...     _ = temporary.write_text("whole")
    >>> target.read_text(), len(list(target.parent.iterdir()))
    ('whole', 1)
    """
    targets = [Path(path) for path in paths]
    if not targets:
        yield ()
        return
    if len(set(targets)) != len(targets):
        raise ValueError(f"outputs must have different names, got {', '.join(map(str, targets))}")
    temporary = tuple(_temporary(t) for t in targets)
    made: list[Path] = []
    try:
        for target, path in zip(targets, temporary, strict=True):
            if target.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
            made += _make_folder(target.parent)
            _remove_abandoned(target)
            with named(target):
                path.touch()
        modes = [path.stat().st_mode for path in temporary]
        with named(targets[0]):
            yield temporary
        for target, path, mode in zip(targets, temporary, modes, strict=True):
            path.chmod(mode)  # some writers make files that only their owner may read
            os.replace(path, target)
        made.clear()
    finally:
        for path in temporary:
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):  # renamed, or never made
                path.unlink()
        for folder in reversed(made):
            with contextlib.suppress(OSError):  # not empty: someone else's file, leave it
                folder.rmdir()


def write_csv(path: str | Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table as CSV in UTF-8: the names of its columns, then its rows."""
    with staged(path) as (temporary,), open(temporary, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([columns, *rows])


@contextlib.contextmanager
def staged_folder(path: str | Path) -> Iterator[Path]:
    """Give a new folder beside ``path``; rename it on success (what was there goes), remove it on failure.

    Examples
    --------
    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "meshes"
    >>> with staged_folder(target) as temporary:
    ...     _ = (temporary / "a.obj").write_text("whole")
    >>> [p.name for p in target.iterdir()], len(list(target.parent.iterdir()))
    (['a.obj'], 1)
    """
    target = Path(path)
    made = _make_folder(target.parent)
    _remove_abandoned(target)
    temporary = _temporary(target)
    try:
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir()
        yield temporary
        replace_folder(temporary, target)
        made.clear()
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        for folder in reversed(made):
            with contextlib.suppress(OSError):
                folder.rmdir()


def replace_folder(made: Path, target: Path) -> None:
    """Rename a folder onto its place; what was there is removed afterwards."""
    old = target.with_name(f".{target.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    with contextlib.suppress(FileNotFoundError):
        target.rename(old)
    made.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def _make_folder(folder: Path) -> list[Path]:
    """Make ``folder`` and its parents; return those that were not there before, outermost first."""
    missing = [f for f in (folder, *folder.parents) if not f.exists()][::-1]
    folder.mkdir(parents=True, exist_ok=True)
    return missing
