"""Files that belong together: two files, or two folders of files with matching names."""

from __future__ import annotations

from pathlib import Path

from anystar.errors import InputError
from anystar.io.address import file_stem, locate
from anystar.io.planes import list_volumes

__all__ = ["by_volume", "file_pairs", "matching_pairs", "volume_name"]

_ROLES = ("_labels", "_label", "_image", "_ground_truth", "_truth", "_pred", "_mask", "_masks")


def volume_name(path: Path) -> str:
    """Return the name of a volume: its file's name without the ending and without the file's role.

    Examples
    --------
    >>> volume_name(Path("in/embryo_labels.nii.gz")), volume_name(Path("embryo.tif"))
    ('embryo', 'embryo')
    """
    stem = file_stem(path)
    role = next((r for r in _ROLES if stem.lower().endswith(r) and len(stem) > len(r)), "")
    return stem[: len(stem) - len(role)]


def by_volume(path: Path) -> dict[str, Path]:
    """Return the volumes of a file or folder by name.

    Raises
    ------
    ValueError
        If there are none, or two of one name.
    """
    locate(path)  # which refuses addresses
    if not path.exists():
        raise InputError(f"{path} does not exist; check the name")
    found: dict[str, Path] = {}
    for file in list_volumes(path) if _is_folder(path) else [path]:
        if (other := found.setdefault(volume_name(file), file)) is not file:
            raise InputError(f"{other} and {file} would be the same volume; rename one of them")
    return found


def _is_folder(path: Path) -> bool:
    """Return whether a path is a folder of volumes: not that of a Zarr store, or of planes that make one."""
    return path.is_dir() and locate(path).module != "ome_zarr" and list_volumes(path) != [path]


def file_pairs(first: Path, second: Path) -> dict[str, tuple[Path, Path]]:
    """Return the pairs of files by name; ``ValueError`` says what is missing."""
    pairs, lacks = matching_pairs(first, second)
    if lacks:
        raise InputError(f"{' and '.join(lacks)}; give folders of matching names")
    return pairs


def matching_pairs(first: Path, second: Path) -> tuple[dict[str, tuple[Path, Path]], list[str]]:
    """Return the pairs of files by name, and what each folder lacks; ``ValueError`` if there is no pair."""
    found = [by_volume(path) for path in (first, second)]
    if _is_folder(first) != _is_folder(second):
        raise InputError(f"{first} and {second} are a file and a folder; give two files or two folders")
    if not _is_folder(first):
        return {first.name: (first, second)}, []
    lacks = []
    for folder, own, other in ((first, found[0], found[1]), (second, found[1], found[0])):
        if missing := sorted(other.keys() - own.keys()):
            lacks.append(f"{folder} lacks {', '.join(missing[:5])}{', ...' if len(missing) > 5 else ''}")
    pairs = {name: (found[0][name], found[1][name]) for name in sorted(found[0].keys() & found[1])}
    if not pairs:
        raise InputError(f"{' and '.join(lacks)}; give folders of matching names")
    return pairs, lacks
