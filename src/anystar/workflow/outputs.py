"""Files that are never overwritten: an input, or what exists without consent."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from anystar.errors import InputError
from anystar.io.address import remote_address
from anystar.outputs import Outputs, target_of
from anystar.report.table import sidecar

__all__ = ["Outputs", "refuse_ending", "refuse_outputs", "target_of"]


def refuse_ending(name: str, path: Path | None, *endings: str) -> None:
    """Raise ``InputError`` unless a file that an argument names ends as it must; None is not given."""
    if path is not None and path.suffix.lower() not in endings:
        raise InputError(f"{name} must end in {' or '.join(endings)}, got {path}; change the name")


def refuse_outputs(
    outputs: Iterable[tuple[str, Path]], *, inputs: Iterable[Path | None] = (), overwrite: bool
) -> None:
    """Raise ``InputError`` if an output is an input or another output, or exists and may not be replaced.

    Parameters
    ----------
    outputs : iterable of (str, Path)
        What each is, for the message, and what is written on the disk.
    inputs : iterable of Path, optional
        Everything that is read, with the provenance beside a table; None for what was not given.
    overwrite : bool
        Whether outputs that exist may be replaced.
    """
    given = [path for path in inputs if path is not None]
    files = [target_of(path) for path in given] + [p for p in map(sidecar, given) if p is not None]
    sources = {file.resolve() for file in files}
    sources.update([folder for source in sources for folder in source.parents])
    taken: dict[Path, str] = {}
    for what, path in outputs:
        if stated := remote_address(path):
            raise InputError(
                f"{stated} is an address, to which nothing is written; give {what} a file or folder"
            )
        place = path.resolve()
        if place in taken:
            raise InputError(f"{taken[place]} and {what} would both become {path}; rename one of them")
        if place in sources:
            raise InputError(f"{path} is an input and would be overwritten; choose another output")
        if path.exists() and not overwrite:
            raise InputError(f"{path} exists already; add overwrite=True, or choose another name")
        taken[place] = what
