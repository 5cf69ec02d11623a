"""Files that belong together: two files, or two folders of files with matching names."""

from __future__ import annotations

from pathlib import Path

__all__ = ["file_pairs", "matching_pairs"]


def file_pairs(first: Path, second: Path) -> dict[str, tuple[Path, Path]]:
    """Return the pairs of files by name; ``ValueError`` says what is missing."""
    pairs, lacks = matching_pairs(first, second)
    if lacks:
        raise ValueError(f"{' and '.join(lacks)}; give folders of matching names")
    return pairs


def matching_pairs(first: Path, second: Path) -> tuple[dict[str, tuple[Path, Path]], list[str]]:
    """Return the pairs of files by name, and what each folder lacks; ``ValueError`` if there is no pair."""
    from anystar.io import file_stem, list_volumes

    for path in (first, second):
        if not path.exists():
            raise ValueError(f"{path} does not exist; check the name")
    if first.is_dir() != second.is_dir():
        raise ValueError(f"{first} and {second} are a file and a folder; give two files or two folders")
    if not first.is_dir():
        return {first.name: (first, second)}, []
    found = [{file_stem(p): p for p in list_volumes(folder)} for folder in (first, second)]
    lacks = []
    for folder, own, other in ((first, found[0], found[1]), (second, found[1], found[0])):
        if missing := sorted(other.keys() - own.keys()):
            lacks.append(f"{folder} lacks {', '.join(missing[:5])}{', ...' if len(missing) > 5 else ''}")
    pairs = {name: (found[0][name], found[1][name]) for name in sorted(found[0].keys() & found[1])}
    if not pairs:
        raise ValueError(f"{' and '.join(lacks)}; give folders of matching names")
    return pairs, lacks
