"""What the names of files say: which plane, channel and time point each of them is."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from anystar.errors import FileError
from anystar.io.address import file_stem

__all__ = ["Grid", "grid_of"]

_WORDS = {
    "Z": "z slice sl plane section sec",
    "T": "t time tp frame timepoint",
    "C": "c ch channel chan w wavelength",
    "P": "pos position series xy field scene well",
}
_LETTERS = {word: letter for letter, words in _WORDS.items() for word in words.split()}
_NUMBER = re.compile(r"([A-Za-z]*)([-_= ]?)(\d+)")


class Grid(NamedTuple):
    """Files on a grid of time points, channels and planes."""

    axes: str
    """Letters of the axes that the names count, slowest first."""
    shape: tuple[int, ...]
    """Their lengths."""
    files: dict[tuple[int, ...], Path]
    """By their place on the grid; complete, but for time points at its end."""
    channels: tuple[str, ...]
    """Names of the channels, if they are distinguished by words."""
    incomplete: tuple[int, ...]
    """Time points of which files are missing."""


def grid_of(files: Sequence[Path]) -> Grid:
    """Return the grid that the names of files count up.

    One number that varies is the plane, whatever stands before it. Of several, each needs a letter or a word
    before it: z, t, c (``img_t01_z005_c2``). Words that vary are channels (``img_DAPI_001``).

    Raises
    ------
    FileError
        If the names do not count up, in ``<what>; <what to do>``.
    """
    parsed = {path: _NUMBER.findall(file_stem(path)) for path in files}
    if bare := [path.name for path, numbers in parsed.items() if not numbers]:
        raise FileError(f"holds 2D images, of which {bare[0]} has no number; {_ADVICE}")
    texts: dict[str, list[Path]] = {}
    for path in files:
        texts.setdefault(_NUMBER.sub(r"\1\2#", file_stem(path)), []).append(path)
    counts = {len(numbers) for numbers in parsed.values()}
    if len(counts) > 1:
        raise FileError(f"holds 2D images with different kinds of names, {_some(texts)}; {_ADVICE}")
    width = counts.pop()
    columns = [sorted({int(parsed[p][i][2]) for p in files}) for i in range(width)]
    varying = [i for i in range(width) if len(columns[i]) > 1]
    letters = _letters([parsed[files[0]][i][0] for i in varying])
    if len(texts) > 1 and "C" in letters:
        raise FileError(f"holds 2D images with different kinds of names, {_some(texts)}; {_ADVICE}")
    values = {letter: columns[i] for letter, i in zip(letters, varying, strict=True)}
    for letter, found in values.items():
        _refuse_gaps(letter, found)
    names = sorted(texts) if len(texts) > 1 else []
    axes = "".join(a for a in "TCZ" if a in letters or (a == "C" and names))
    lengths = {a: len(v) for a, v in values.items()} | ({"C": len(names)} if names else {})
    placed: dict[tuple[int, ...], Path] = {}
    for channel, text in enumerate(sorted(texts)):
        for path in texts[text]:
            at = {a: values[a].index(int(parsed[path][i][2])) for a, i in zip(letters, varying, strict=True)}
            at |= {"C": channel} if names else {}
            place = tuple(at[a] for a in axes)
            if (other := placed.setdefault(place, path)) is not path:
                raise FileError(f"holds {other.name} and {path.name}, which are the same plane; remove one")
    shape = tuple(lengths[a] for a in axes)
    return Grid(axes, shape, placed, _short(names), _incomplete(axes, shape, placed))


_ADVICE = "number them img_001.tif, img_002.tif, ..., or put other images elsewhere"


def _letters(words: Sequence[str]) -> list[str]:
    """Return what the numbers that vary count."""
    letters = [_LETTERS.get(word.lower(), "") for word in words]
    if "P" in letters:
        raise FileError("holds 2D images of several positions; put each position into a folder of its own")
    if letters.count("") == 1 and "Z" not in letters:
        letters[letters.index("")] = "Z"
    if len(letters) == 1:
        letters = ["Z"]
    if "" in letters or len(set(letters)) < len(letters) or "Z" not in letters:
        raise FileError(
            "holds 2D images whose names count in several places; say what each number is, "
            "img_t01_c1_z001.tif for example"
        )
    return letters


def _refuse_gaps(letter: str, found: list[int]) -> None:
    steps = [b - a for a, b in pairwise(found)]
    step = min(steps)
    if letter == "Z" and any(s != step for s in steps):
        missing = [n for n in range(found[0], found[-1], step) if n not in found]
        listed = ", ".join(map(str, missing[:6])) + (", ..." if len(missing) > 6 else "")
        raise FileError(
            f"holds 2D images whose numbers do not count up: {listed} missing; copy what is missing, or "
            "number the planes without gaps"
        )


def _incomplete(axes: str, shape: tuple[int, ...], placed: dict[tuple[int, ...], Path]) -> tuple[int, ...]:
    """Return the time points that lack files; ``FileError`` if none is complete."""
    total = math.prod(shape)
    if len(placed) == total:
        return ()
    time = axes.find("T")
    num_times = 1 if time < 0 else shape[time]
    have = Counter(0 if time < 0 else place[time] for place in placed)
    lacking = tuple(t for t in range(num_times) if have[t] < total // num_times)
    if len(lacking) == num_times:
        raise FileError(f"holds {len(placed)} of the {total} planes that its names count; {_ADVICE}")
    return lacking


def _short(names: list[str]) -> tuple[str, ...]:
    """Return words without what they have in common at both ends."""
    if not names:
        return ()
    parts = [re.split(r"[-_ #]+", name) for name in names]
    if len({len(p) for p in parts}) == 1:
        varying = [i for i, words in enumerate(zip(*parts, strict=True)) if len(set(words)) > 1]
        return tuple(" ".join(p[i] for i in varying) for p in parts)
    return tuple(name.strip("#_- ") for name in names)


def _some(texts: dict[str, list[Path]]) -> str:
    return " and ".join(paths[0].name for paths in list(texts.values())[:2])
