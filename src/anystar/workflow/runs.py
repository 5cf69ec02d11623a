"""Files of a run: its labels, tables, images, ground truth, and what is known of how it was made."""

from __future__ import annotations

import itertools
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from anystar.arrays import LENGTH_UNITS
from anystar.display import unit_name
from anystar.errors import InputError
from anystar.io import file_stem, file_suffix
from anystar.io.address import is_png_or_jpeg
from anystar.report.table import TABLE_SUFFIXES, read_table
from anystar.workflow.pairing import by_volume, volume_name
from anystar.workflow.provenance import read_provenance

__all__ = ["FoundRun", "Source", "common_beginning", "find_run", "name_runs", "read_probabilities"]

_WITH_PROVENANCE = (*TABLE_SUFFIXES, ".toml")


@dataclass(frozen=True, kw_only=True)
class Source:
    """The files of one volume in one run."""

    labels: Path
    image: Path | None = None
    ground_truth: Path | None = None
    table: Path | None = None
    provenance: Mapping[str, Any] | None = None
    "How the labels were made, of :mod:`anystar.workflow.provenance`."


@dataclass(frozen=True, kw_only=True)
class FoundRun:
    """A run and its volumes by name."""

    name: str
    sources: Mapping[str, Source]
    place: Path | None = None
    "What was given, unless it was given with a name."
    facts: Mapping[str, str] = field(default_factory=dict)


def find_run(text: str) -> FoundRun:
    """Return the run that ``PATH`` or ``NAME=PATH`` names.

    PATH is a label file, a folder of them, the provenance or table of a run, a folder of these, or the scores
    that ``anystar evaluate --json`` wrote. A table (``a.csv``, ``a.parquet``) or provenance (``a.toml``) is
    found beside the labels ``a.tif``, or in ``tables`` or ``provenance`` beside them or their folder.

    Raises
    ------
    ValueError
        If it is none of these.
    """
    name, path = _named(text)
    if not path.exists():
        raise InputError(f"{path} does not exist; check the name")
    return replace(_find(name, path), place=None if name else path)


def _find(name: str, path: Path) -> FoundRun:
    ending = path.suffix.lower()
    if ending == ".json":
        return _from_scores(name or path.stem, path)
    if ending in _WITH_PROVENANCE:
        label, source = _from_provenance(path)
        return _complete(name or label, {label: source})
    if path.is_dir() and not _holds_volumes(path):
        found = _of_volumes(_from_provenance(p) for p in sorted(path.iterdir()) if _has_provenance(p))
        if found:
            return _complete(name or path.name, found)
    sources = {n: _beside(n, file) for n, file in by_volume(path).items()}
    return _complete(name or (path.name if path.is_dir() else volume_name(path)), sources)


def name_runs(runs: Sequence[FoundRun]) -> list[FoundRun]:
    """Return the runs with names that say what differs: in their places, then in their files' names.

    ``labels/a_p0.3.tif`` and ``labels/a_p0.5.tif`` become ``p0.3`` and ``p0.5``, ``ours/a.tif`` and
    ``other/a.tif`` become ``ours`` and ``other``. Names that were given stay; equal ones get a number.
    """
    named = [run.place is not None for run in runs]
    places = [run.place for run in runs if run.place is not None]
    short = iter(_what_differs(places) if len(places) > 1 else [run.name for run in runs if run.place])
    made: list[FoundRun] = []
    for run, rename in zip(runs, named, strict=True):
        taken = {r.name for r in made}
        base = next(short) if rename else run.name
        name, number = base, 2
        while name in taken:
            name, number = f"{base} ({number})", number + 1
        made.append(replace(run, name=name))
    return made


def _what_differs(places: Sequence[Path]) -> list[str]:
    """Return what is left of names without the parts that all have in common at their beginning and end."""
    parts = [[*place.absolute().parent.parts, _stem(place)] for place in places]
    left = ["/".join(own) or part[-1] for own, part in zip(_different(parts), parts, strict=True)]
    pieces = [re.split(r"(?<=[_\s-])|(?=[_\s-])", name) for name in left]
    shorter = ["".join(own).strip("_- ") for own in _different(pieces)]
    return shorter if all(shorter) and len(set(shorter)) == len(set(left)) else left


def common_beginning(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the items at the beginning that all rows have in common."""
    columns = zip(*rows, strict=False)
    return [column[0] for column in itertools.takewhile(lambda column: len(set(column)) == 1, columns)]


def _different(rows: Sequence[list[str]]) -> list[list[str]]:
    """Return the rows without the items that all have in common at their beginning and end."""
    start = len(common_beginning(rows))
    stop = len(common_beginning([row[start:][::-1] for row in rows]))
    return [row[start : len(row) - stop] for row in rows]


def _stem(place: Path) -> str:
    return place.stem if place.suffix.lower() in (*_WITH_PROVENANCE, ".json") else file_stem(place)


def _of_volumes(found: Iterable[tuple[str, Source]]) -> dict[str, Source]:
    """Return sources by image, or by their labels where one image has several (channels, time points)."""
    by_labels = {source.labels: (name, source) for name, source in found}
    times = Counter(name for name, _ in by_labels.values())
    return {
        name if times[name] == 1 else volume_name(labels): source
        for labels, (name, source) in by_labels.items()
    }


def _named(text: str) -> tuple[str, Path]:
    name, sign, path = text.partition("=")
    if sign and not Path(text).exists():
        return name, Path(path).expanduser()
    return "", Path(text).expanduser()


def _holds_volumes(folder: Path) -> bool:
    return any(file_suffix(p) and not is_png_or_jpeg(p) for p in folder.iterdir())


def _has_provenance(path: Path) -> bool:
    """Return whether a file is a provenance, or a table with one (whose sidecar does not count again)."""
    if path.suffix.lower() == ".csv":
        return path.with_name(f"{path.name}.toml").is_file()
    return path.suffix.lower() in _WITH_PROVENANCE and not path.name.lower().endswith(".csv.toml")


def _from_provenance(path: Path) -> tuple[str, Source]:
    """Return the volume of one provenance, and its name."""
    provenance = read_provenance(path)
    parameters = provenance["parameters"]
    images = parameters.get("inputs") or []
    if "output" not in parameters or len(images) != 1:
        raise InputError(f"{path} does not say where the labels are; give the labels themselves")
    labels = _moved(Path(parameters["output"]), path)
    if labels is None:
        gone = f"{parameters['output']}, the labels of {path}, does not exist"
        raise InputError(f"{gone}; give the labels themselves")
    table = parameters.get("table")
    return volume_name(Path(images[0])), Source(
        labels=labels,
        image=_moved(Path(images[0]), path),
        table=path if path.suffix.lower() in TABLE_SUFFIXES else table and _moved(Path(table), path),
        provenance=provenance,
    )


def _moved(file: Path, provenance: Path) -> Path | None:
    """Return a file of a run: where it was, or beside the provenance if all was moved; None if it is gone."""
    return next((p for p in (file, provenance.parent / file.name) if p.exists()), None)


def _beside(name: str, labels: Path) -> Source:
    """Return a volume of labels with the table and the provenance that lie beside them."""
    folder = labels.parent
    stems = {file_stem(labels), name}
    table = _first(folder, ("tables",), stems, TABLE_SUFFIXES)
    file = _first(folder, ("provenance", "records"), stems, (".toml",)) or (
        table if table and _has_provenance(table) else None
    )
    if file is None:
        return Source(labels=labels, table=table)
    try:
        _, found = _from_provenance(file)
    except InputError:  # a TOML file of another kind, or the provenance of labels that lay elsewhere
        return Source(labels=labels, table=table)
    return replace(found, labels=labels, table=table or found.table)


def _first(folder: Path, inner: tuple[str, ...], stems: set[str], endings: tuple[str, ...]) -> Path | None:
    places = [folder, *(parent / name for name in inner for parent in (folder, folder.parent))]
    files = (place / f"{stem}{ending}" for place in places for stem in sorted(stems) for ending in endings)
    return next((f for f in files if f.is_file()), None)


def _complete(name: str, sources: Mapping[str, Source]) -> FoundRun:
    """Return a run with the facts in its provenance."""
    return FoundRun(
        name=name, sources=sources, facts=_facts([s.provenance for s in sources.values() if s.provenance])
    )


def _facts(provenances: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return facts that all volumes share, and ranges or sums of those that differ."""
    if not provenances:
        return {}

    def every(*path: str) -> list[Any]:
        found = []
        for provenance in provenances:
            value: Any = provenance
            for key in path:
                value = value.get(key) if isinstance(value, Mapping) else None
            if value is not None and value not in found:
                found.append(value)
        return found

    facts: dict[str, str] = {}
    for title, path in (
        ("AnyStar", ("anystar",)),
        ("Model", ("model", "name")),
        ("Weights (SHA-256)", ("model", "weights")),
        ("Device", ("model", "device")),
        ("Probability threshold", ("parameters", "prob_thresh")),
        ("Overlap threshold", ("parameters", "nms_thresh")),
        ("Diameter", ("estimate", "diameter_was")),
        *((f"Diameter ({unit_name(unit)})", ("estimate", f"diameter_{unit}")) for unit in LENGTH_UNITS),
        ("Box", ("parameters", "box")),
    ):
        values = [f"{v:.4g}" if isinstance(v, float) else str(v) for v in every(*path)]
        if values:
            facts[title] = ", ".join(values[:6]) + (", ..." if len(values) > 6 else "")
    seconds = [r.get("result", {}).get("seconds", {}).get("total") for r in provenances]
    if any(s is not None for s in seconds):
        facts["Seconds in all"] = f"{sum(s or 0.0 for s in seconds):.1f}"
    notes = [note for notes in every("result", "notes") for note in notes]
    if notes:
        facts["Notes"] = "; ".join(dict.fromkeys(notes))
    return facts


def _from_scores(name: str, path: Path) -> FoundRun:
    advice = "give what 'anystar evaluate --json' of this version writes"
    try:
        files = json.loads(path.read_text(encoding="utf-8"))["files"]
        sources = {
            volume_name(Path(file)): replace(
                _beside(volume_name(Path(file)), path.parent / entry["pred"]),
                ground_truth=path.parent / entry["ground_truth"],
            )
            for file, entry in files.items()
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path} does not say which files were compared; {advice}") from error
    return _complete(name, sources)


def read_probabilities(path: Path) -> dict[int, float] | None:
    """Return the confidence by label from a table of objects, None if it has none.

    Raises
    ------
    ValueError
        If it is no table of objects.
    """
    table, _ = read_table(path)
    if "probability" not in table.columns:
        return None
    labels, sure = table.columns["label"].tolist(), table.columns["probability"].tolist()
    return dict(zip(labels, sure, strict=True))
