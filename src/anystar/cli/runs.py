"""What belongs to a run: its labels, tables, images, truth, and what is known of how it was made."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from anystar.arrays import Volume
    from anystar.io import Series

__all__ = [
    "FoundRun",
    "Source",
    "by_volume",
    "find_run",
    "read_probabilities",
    "refuse_mismatch",
    "volume_name",
]

_ROLES = ("_labels", "_label", "_image", "_truth", "_pred", "_mask", "_masks")


@dataclass(frozen=True, kw_only=True)
class Source:
    """The files of one volume in one run."""

    labels: Path
    image: Path | None = None
    truth: Path | None = None
    table: Path | None = None


@dataclass(frozen=True, kw_only=True)
class FoundRun:
    """A run and its volumes by name."""

    name: str
    sources: Mapping[str, Source]
    facts: Mapping[str, str] = field(default_factory=dict)


def volume_name(path: Path) -> str:
    """Return what a volume is called: its file's name without the ending and without the file's role.

    Examples
    --------
    >>> volume_name(Path("in/embryo_labels.nii.gz")), volume_name(Path("embryo.tif"))
    ('embryo', 'embryo')
    """
    from anystar.io import file_stem

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
    from anystar.io import list_volumes

    if not path.exists():
        raise ValueError(f"{path} does not exist; check the name")
    found: dict[str, Path] = {}
    for file in list_volumes(path) if path.is_dir() else [path]:
        if (other := found.setdefault(volume_name(file), file)) is not file:
            raise ValueError(f"{other} and {file} would be the same volume; rename one of them")
    return found


def find_run(text: str) -> FoundRun:
    """Return the run that ``PATH`` or ``NAME=PATH`` names.

    PATH is a label file, a folder of them, or what ``anystar evaluate --json`` wrote.

    Raises
    ------
    ValueError
        If it is none of these.
    """
    name, path = _named(text)
    if path.suffix.lower() == ".json":
        return _from_scores(name or path.stem, path)
    volumes = by_volume(path)
    beside = path if path.is_dir() else path.parent
    sources = {n: Source(labels=file, table=_table_beside(beside, n)) for n, file in volumes.items()}
    return FoundRun(name=name or (path.name if path.is_dir() else volume_name(path)), sources=sources)


def _named(text: str) -> tuple[str, Path]:
    name, sign, path = text.partition("=")
    if sign and not Path(text).exists():
        return name, Path(path).expanduser()
    return "", Path(text).expanduser()


def _table_beside(folder: Path, name: str) -> Path | None:
    """Return the table of objects that lies beside the labels or in a folder ``tables`` beside them."""
    places = (folder, folder / "tables", folder.parent / "tables")
    return next((t for place in places for t in [place / f"{name}.csv"] if t.is_file()), None)


def _from_scores(name: str, path: Path) -> FoundRun:
    if not path.exists():
        raise ValueError(f"{path} does not exist; check the name")
    advice = "give what 'anystar evaluate --json' of this version writes"
    try:
        files = json.loads(path.read_text(encoding="utf-8"))["files"]
        sources = {
            volume_name(Path(file)): Source(
                labels=path.parent / entry["pred"], truth=path.parent / entry["truth"]
            )
            for file, entry in files.items()
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} does not say which files were compared; {advice}") from error
    return FoundRun(name=name, sources=sources, facts={"scores": path.name})


def read_probabilities(path: Path) -> dict[int, float]:
    """Return the confidence by label from a table of objects.

    Raises
    ------
    ValueError
        If it lacks a column or holds something else than numbers.
    """
    with open(path, newline="", encoding="utf-8") as file:
        try:
            rows = [(int(row["label"]), row["probability"]) for row in csv.DictReader(file)]
            return {label: float(p) if p else math.nan for label, p in rows}
        except (KeyError, TypeError, ValueError) as error:
            advice = "give a table that 'anystar segment' wrote"
            raise ValueError(f"{path} lacks label and probability of an object; {advice}") from error


def refuse_mismatch(path: Path, volume: Volume | Series, other_path: Path, other: Volume | Series) -> None:
    """Raise ``ValueError`` unless two volumes have the same shape and, where both say it, spacing."""
    import numpy as np

    if volume.shape != other.shape:
        raise ValueError(
            f"{path} has the shape {volume.shape} but {other_path} {other.shape}; "
            "give files of the same volume"
        )
    one, two = volume.spacing, other.spacing
    if one and two and volume.unit == other.unit and not np.allclose(one, two, rtol=0.01):
        texts = [" ".join(f"{s:.4g}" for s in spacing) for spacing in (one, two)]
        raise ValueError(
            f"{path} has the spacing {texts[0]} but {other_path} {texts[1]}; "
            "correct the spacing in one of the files"
        )
