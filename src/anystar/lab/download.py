"""Fetch a file that its owner offers: continued where it stopped, checked, whole or not at all."""

from __future__ import annotations

import hashlib
import http.client
import os
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path

from anystar.errors import InputError
from anystar.lab.sources import Archive

__all__ = ["fetch", "unpack_archive"]

_CHUNK = 1 << 20
_SECONDS = 30
_ATTEMPTS = 3


def fetch(archive: Archive, folder: Path, *, progress: Callable[[int, int], None] | None = None) -> Path:
    """Download an archive into ``folder`` and return the complete file; a part that is there is continued.

    ``NAME.part`` holds what has arrived so far. ``progress`` is called with the bytes so far and in all: 0 if
    the server does not say. If it cannot be reached or what arrives is not the published file, that is an
    ``InputError``.
    """
    target, part = folder / archive.name, folder / f"{archive.name}.part"
    if target.exists():
        _verify(archive, target)
        return target
    for attempt in range(_ATTEMPTS):
        try:
            _continue(archive.url, part, progress)
            break
        except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
            if attempt == _ATTEMPTS - 1 or isinstance(error, urllib.error.HTTPError):
                why = getattr(error, "reason", error)
                raise InputError(
                    f"{archive.url} cannot be downloaded ({why}); fetch it with a browser into {folder}, "
                    "or run this again: what has arrived is kept"
                ) from error
    _verify(archive, part)
    os.replace(part, target)
    return target


def _continue(url: str, part: Path, progress: Callable[[int, int], None] | None) -> None:
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        answer = urllib.request.urlopen(request, timeout=_SECONDS)
    except urllib.error.HTTPError as error:
        if error.code == 416 and have:  # nothing beyond what is there: complete
            return
        raise
    with answer:
        if answer.status != 206:  # the server does not continue: from the start
            have = 0
        length = answer.headers.get("Content-Length")
        total = have + int(length) if length else 0
        part.parent.mkdir(parents=True, exist_ok=True)
        with open(part, "ab" if have else "wb") as file:
            while chunk := answer.read(_CHUNK):
                file.write(chunk)
                have += len(chunk)
                if progress:
                    progress(have, total)
    if total and have < total:
        raise ConnectionError(f"the connection ended after {have} of {total} bytes")


def _verify(archive: Archive, path: Path) -> None:
    """Compare size and checksums; what does not agree is removed, so that it is fetched anew."""
    wrong = None
    if archive.size is not None and path.stat().st_size != archive.size:
        wrong = f"has {path.stat().st_size} bytes, not {archive.size}"
    for kind, expected in (("md5", archive.md5), ("sha256", archive.sha256)):
        if expected and not wrong:
            with open(path, "rb") as file:
                found = hashlib.file_digest(file, kind).hexdigest()
            wrong = None if found == expected else f"has the {kind} {found}, not {expected}"
    if wrong:
        path.unlink()
        raise InputError(f"{path} {wrong}; it was removed, run this again")


def unpack_archive(path: Path, folder: Path) -> list[Path]:
    """Unpack a zip archive below ``folder`` and return its top-level folders.

    Every member's checksum is tested on the way; nothing is written outside ``folder``.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            archive.extractall(folder)
            names = {Path(n).parts[0] for n in archive.namelist() if Path(n).parts}
    except zipfile.BadZipFile as error:
        raise InputError(f"{path} is not a whole zip archive ({error}); download it again") from error
    return sorted(folder / n for n in names if not n.startswith("__MACOSX"))
