"""Corrections on the disk as they are made: nothing that was painted is lost when a program ends early.

The file lies beside the image, as ``NAME.corrections``, or in the user's own folder if that cannot be
written. It begins with the labels before the first edit. Then every edit, undo and redo is appended, and is
on the disk before the call returns. The file is removed when everything was saved.
"""

from __future__ import annotations

import glob
import os
import time
import zlib
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import IO, Any

import numpy as np

from anystar.arrays import Volume, VoxelSize
from anystar.box import triple
from anystar.correction.corrections import Corrections
from anystar.correction.editable import EditableLabels
from anystar.correction.entries import encode, read_entries
from anystar.correction.history import Patch
from anystar.correction.packed import Packed, pack, unpack
from anystar.correction.proposals import Proposals
from anystar.correction.rows import decode_rows, encode_rows
from anystar.errors import FileError
from anystar.geometry.rays import Rays
from anystar.preprocess import Preprocessing
from anystar.runtime.user_folders import data_folder

__all__ = ["ImageKey", "Journal", "Unsaved", "find_unsaved", "recover"]

_ENDING = ".corrections"
_CHUNK = 1 << 26
"""Bytes of labels that are compressed at once."""
_PLANES = 16
"""Planes of an image that are compared to recognise it."""
_ARRAYS, _ROWS = ("before", "after", "reviewed_before", "reviewed_after"), ("rows_before", "rows_after")
"""What is kept of a patch besides its header."""


@dataclass(frozen=True, kw_only=True)
class ImageKey:
    """What an image is recognised by."""

    path: Path | None
    """Its file, if it has one."""
    name: str
    shape: tuple[int, int, int]
    checksum: int
    """Of some of its planes."""

    @classmethod
    def of(cls, image: Any, *, path: Path | None = None, name: str = "") -> ImageKey:
        """Return the key of an image ``(Z, Y, X)``, in memory or read box by box."""
        total, num = 0, image.shape[0]
        for k in range(0, num, max(1, num // _PLANES)):
            total = zlib.crc32(np.ascontiguousarray(image[k]).tobytes(), total)
        own = name or ("image" if path is None else path.name)
        return cls(path=path, name=own, shape=triple(image.shape), checksum=total)

    @property
    def places(self) -> tuple[Path, ...]:
        """Where its corrections may be kept, without the number at the end: best first."""
        name = "".join(c if c.isalnum() or c in "-_." else "_" for c in self.name)
        whole = zlib.crc32(str(self.path.absolute()).encode()) if self.path else self.checksum
        own = data_folder() / "corrections" / f"{name}-{whole:08x}{_ENDING}"
        if self.path is None:
            return (own,)
        return self.path.with_name(f"{self.path.name}{_ENDING}"), own


class Journal:
    """Writes the edits of one correction; set it as the ``recorder`` of the corrections.

    Parameters
    ----------
    key : ImageKey
        The image. Nothing is written before the first edit.

    Attributes
    ----------
    path : Path or None
        The file, once there is one.
    note : str
        A remark for the user: where the file is if not beside the image, or why there is none.
    """

    def __init__(self, key: ImageKey) -> None:
        self.key = key
        self.path: Path | None = None
        self.note = ""
        self.unsaved = 0
        "Edits, undos and redos since the last :meth:`saved`."
        self._file: IO[bytes] | None = None
        self._made: list[Path] = []

    @property
    def keeps(self) -> bool:
        """Whether every edit so far is on the disk or was saved."""
        return self._file is not None or not self.unsaved

    def edit(self, state: EditableLabels, patch: Patch) -> None:
        """Append an edit that was just made."""
        if self._file is None:
            state.restore(patch, forwards=False)
            try:
                self._begin(state)
            finally:
                state.restore(patch, forwards=True)
        header, arrays = _of_patch(patch)
        self._append({"kind": "edit", **header}, arrays)
        self.unsaved += 1

    def step(self, state: EditableLabels, kind: str) -> None:
        """Append an ``undo`` or a ``redo``."""
        self.unsaved += 1
        self._append({"kind": kind}, {})
        if self._file is None:
            self._begin(state)

    def saved(self, path: Path) -> None:
        """Note that everything was saved to another file."""
        self._append({"kind": "saved", "path": str(path)}, {})
        self.unsaved = 0

    def close(self) -> None:
        """Close the file, and remove it if everything was saved."""
        if self._file is not None:
            self._file.close()
            self._file = None
        for path in [] if self.unsaved else self._made:
            path.unlink(missing_ok=True)

    def __del__(self) -> None:
        if self._file is not None:  # as at the end of a program; what it holds stays
            self._file.close()

    def _begin(self, state: EditableLabels) -> None:
        """Make a file that begins with the state as it is; a note says so if no place can be written."""
        why: OSError | None = None
        for place in self.key.places:
            try:
                self.path, self._file = _new_file(place)
            except OSError as error:
                why = why or error
                continue
            self._made.append(self.path)
            if why is not None:
                self.note = f"{self.key.places[0].parent} cannot be written; edits are kept in {self.path}"
            self._write_start(state)
            return
        self.note = f"edits are not kept on the disk ({why.strerror if why else ''}); save them soon"

    def _write_start(self, state: EditableLabels) -> None:
        header = {
            "kind": "start",
            "version": 1,
            "image": {"name": self.key.name, "shape": self.key.shape, "checksum": self.key.checksum},
            "voxel_size": [state.voxel_size.spacing, state.voxel_size.unit],
            "rays": state.rays.to_dict(),
        }
        self._append(header, {"reviewed": pack(state.reviewed)})
        planes = max(1, _CHUNK // max(1, state.labels[0].size * 4))
        for first in range(0, len(state.labels), planes):
            part = pack(np.asarray(state.labels[first : first + planes], np.int32))
            self._append({"kind": "labels"}, {"labels": part})
        rows, distances = encode_rows(state.rows)
        self._append({"kind": "begun", "rows": rows, "unsaved": self.unsaved}, {"distances": distances})

    def _append(self, header: dict[str, Any], arrays: dict[str, Packed]) -> None:
        """Write an entry to the disk; if that fails, give the file up, with what it holds so far."""
        if self._file is None:
            return
        end = self._file.tell()
        try:
            self._file.write(encode(header, arrays))
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:  # the edit itself stays, in memory
            self.note = f"edits are not kept on the disk ({error.strerror}); save them soon"
            with suppress(OSError):
                self._file.truncate(end)
            with suppress(OSError):
                self._file.close()
            self._file = None

    @classmethod
    def _reopened(cls, key: ImageKey, path: Path, end: int, unsaved: int) -> Journal:
        journal = cls(key)
        journal.path, journal.unsaved, journal._made = path, unsaved, [path]
        journal._file = open(path, "r+b")  # noqa: SIM115 (open as long as the correction)
        if not _lock(journal._file):
            journal._file.close()
            raise FileError(f"{path} is in use by another viewer; close that first")
        journal._file.truncate(end)
        journal._file.seek(end)
        return journal


def _new_file(place: Path) -> tuple[Path, IO[bytes]]:
    """Make a file that did not exist: an older one, which may hold what was not saved, stays as it is."""
    place.parent.mkdir(parents=True, exist_ok=True)
    for number in count(1):
        path = place if number == 1 else place.with_name(f"{place.name}-{number}")
        with suppress(FileExistsError):
            file = open(path, "xb")  # noqa: SIM115 (open as long as the correction)
            _lock(file)
            return path, file
    raise AssertionError


def _lock(file: IO[bytes]) -> bool:
    """Lock an open file until it is closed, and return whether that succeeded: no one else has locked it.

    The lock ends with the program, however it ends. Where there are no such locks (on Windows, and on some
    network drives) no file counts as locked.
    """
    try:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except (ImportError, OSError):
        return True
    return True


def _of_patch(patch: Patch) -> tuple[dict[str, Any], dict[str, Packed]]:
    header: dict[str, Any] = {"what": patch.kind, "labels": patch.labels, "box": patch.box}
    arrays = {name: value for name in _ARRAYS if (value := getattr(patch, name)) is not None}
    for name in _ROWS:
        header[name], arrays[f"{name}_distances"] = encode_rows(getattr(patch, name))
    return header, arrays


def _to_patch(header: dict[str, Any], arrays: dict[str, Packed]) -> Patch:
    values: dict[str, Any] = {name: arrays.get(name) for name in _ARRAYS}
    values |= {name: decode_rows(header[name], arrays[f"{name}_distances"]) for name in _ROWS}
    values |= {name: tuple(header[name]) for name in ("labels", "box")}
    return Patch(kind=header["what"], **values)


@dataclass(frozen=True, kw_only=True)
class Unsaved:
    """Corrections of an image that were not saved."""

    path: Path
    edits: int
    """Edits, undos and redos since they were saved last, or in all."""
    time: float
    """When the last of them was made, in seconds since 1970."""

    @property
    def text(self) -> str:
        """A line for the user."""
        when = time.strftime("%d %B %Y, %H:%M", time.localtime(self.time))
        return f"{self.edits} edit{'s' if self.edits > 1 else ''} of {when} that were not saved"


def find_unsaved(key: ImageKey) -> list[Unsaved]:
    """Return the corrections of an image that were not saved and that no program has open, newest first.

    Files of which everything was saved are removed.
    """
    found = []
    for place in key.places:
        for name in glob.glob(f"{glob.escape(str(place))}*"):
            path = Path(name)
            with suppress(OSError):
                edits = _count_unsaved(path, key)
                if edits:
                    found.append(Unsaved(path=path, edits=edits, time=path.stat().st_mtime))
                elif edits == 0:
                    path.unlink()
    return sorted(found, key=lambda one: -one.time)


def _count_unsaved(path: Path, key: ImageKey) -> int | None:
    """Return how many edits were not saved; None if the file is in use, damaged or of another image."""
    edits, begun = 0, False
    with open(path, "rb") as file:
        if not _lock(file):
            return None
    for header, _, _ in read_entries(path):
        if header["kind"] == "start":
            image = header["image"]
            if (tuple(image["shape"]), image["checksum"]) != (key.shape, key.checksum):
                return None
        edits, begun = _still_unsaved(edits, header), begun or header["kind"] == "begun"
    return edits if begun else None


def _still_unsaved(edits: int, header: dict[str, Any]) -> int:
    """Return how many edits are not saved after an entry, given how many were not before."""
    if header["kind"] == "begun":
        return int(header["unsaved"])
    return 0 if header["kind"] == "saved" else edits + (header["kind"] in ("edit", "undo", "redo"))


def recover(
    path: Path,
    key: ImageKey,
    *,
    image: Volume | None = None,
    preprocessing: Preprocessing | None = None,
    proposals: Proposals | None = None,
) -> tuple[Corrections, Journal]:
    """Return a correction as it was when its program ended, with its undo history, and go on recording it.

    Parameters
    ----------
    path : Path
        One of :func:`find_unsaved`.
    key : ImageKey
        The image.
    image, preprocessing, proposals
        As :class:`Corrections` takes them.

    Raises
    ------
    FileError
        If the file is damaged before the first edit, or in use.
    """
    corrections, end, unsaved = None, 0, 0
    parts: list[np.ndarray] = []
    start: dict[str, Any] = {}
    reviewed = np.zeros(0, bool)
    for header, arrays, stop in read_entries(path):
        kind = header["kind"]
        if kind == "start":
            start, reviewed = header, unpack(arrays["reviewed"])
        elif kind == "labels":
            parts.append(unpack(arrays["labels"]))
        elif kind == "begun":
            spacing, unit = start["voxel_size"]
            corrections = Corrections(
                np.concatenate(parts),
                decode_rows(header["rows"], arrays["distances"]),
                voxel_size=VoxelSize(triple(spacing), unit),
                rays=Rays.from_dict(start["rays"]),
                image=image,
                preprocessing=preprocessing,
                proposals=proposals,
            )
            corrections.reviewed[:] = reviewed
        elif corrections is None:
            break
        elif kind == "edit":
            corrections.replay(_to_patch(header, arrays))
        elif kind in ("undo", "redo"):
            getattr(corrections, kind)()
        unsaved, end = _still_unsaved(unsaved, header), stop
    if corrections is None:
        raise FileError(f"{path} holds no corrections, or is damaged; remove it")
    journal = Journal._reopened(key, path, end, unsaved)
    corrections.recorder = journal
    return corrections, journal
