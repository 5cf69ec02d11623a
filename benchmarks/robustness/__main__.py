"""Segment volumes before and after changes that should not matter: ``python -m benchmarks.robustness``.

A cell holds the number of objects and the AP at IoU 0.5 against the ground truth; for volumes without labels,
against the segmentation of the unchanged volume. One in bold lost more than 0.05 without a note that
says why: a new one, or one that says that objects are not certain.
"""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

import anystar
from anystar.evaluate import match_labels
from anystar.predict.result import Result
from benchmarks.accuracy.volumes import Sample, load_samples
from benchmarks.robustness.changes import CHANGES, Change

_MOST = 0.05
"""AP that may be lost."""
_UNSURE = "have a probability close to the threshold"
"""What a note says that allows for another result."""
_IOU = 0.5
_OTHER_IOU = {"qcanet_8cell": 0.3}
"""Volumes whose ground truth is drawn too long along Z."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """What became of one volume."""

    volume: str
    change: str
    num_objects: int
    ap: float
    notes: tuple[str, ...]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("ANYSTAR_DATA", "data"))
    parser.add_argument("--volumes", nargs="*", help="names, or parts of them; all by default")
    parser.add_argument("--changes", nargs="*", help="names, or parts of them; all by default")
    parser.add_argument("--json", type=Path, help="keep results here; what is there is not done again")
    parser.add_argument("--voxels", type=int, help="of larger volumes, take the middle with at most as many")
    args = parser.parse_args()
    model = anystar.load_model()
    samples = [s for s in load_samples(Path(args.data)) if _chosen(s.name, args.volumes)]
    samples = [middle(sample, args.voxels) for sample in samples]
    changes = [c for c in CHANGES if c.name == "none" or _chosen(c.name, args.changes)]
    rows = _read(args.json)
    bench = Bench(model)
    for change in changes:  # all volumes first: what is known early is known of every one
        for sample in samples:
            if any((row.volume, row.change) == (sample.name, change.name) for row in rows):
                continue
            if (row := bench.measure(sample, change)) is None:
                continue
            rows.append(row)
            if args.json:
                with args.json.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(asdict(row)) + "\n")
    names = {sample.name for sample in samples}
    print("\n".join(table([row for row in rows if row.volume in names])))


def middle(sample: Sample, most: int | None) -> Sample:
    """Return the middle part of a volume of at most ``most`` voxels: its longest axes are shortened alike."""
    shape = np.array(sample.image.shape)
    side = int(shape.max())
    while most and np.minimum(shape, side).prod() > most:
        side -= 1
    box = tuple(slice((n - min(n, side)) // 2, (n + min(n, side)) // 2) for n in shape.tolist())
    labels = None if sample.labels is None else sample.labels[box]
    return replace(sample, image=sample.image.crop(box), labels=labels)


class Bench:
    """Segments volumes, and remembers what they are compared with."""

    def __init__(self, model: anystar.Model) -> None:
        self._model = model
        self._plain: dict[str, Result] = {}

    def measure(self, sample: Sample, change: Change) -> Row | None:
        """Return the result of a change, ``None`` if it makes no sense for the volume."""
        spacing = sample.image.spacing
        if spacing is None and change.axes[0] != 0:
            return None  # the distance of the planes is estimated along Z only
        plain = None
        if sample.labels is None or change.name == "none":
            plain = self._plain.get(sample.name)
            if plain is None:
                plain = self._plain[sample.name] = self._model.segment(sample.image.data, spacing=spacing)
        wanted = sample.labels if sample.labels is not None else plain.labels
        row = Row(volume=sample.name, change=change.name, num_objects=0, ap=0.0, notes=())
        try:
            result = plain if change.name == "none" else self._changed(sample, change)
        except ValueError as error:
            return replace(row, notes=(str(error),))
        iou = _OTHER_IOU.get(sample.name, _IOU)
        (scores,) = match_labels(change.labels(wanted), result.labels, thresholds=(iou,))
        ap = 1.0 if not wanted.any() and not result.labels.any() else scores.ap
        return replace(
            row,
            num_objects=len(result.objects),
            ap=round(ap, 3),
            notes=tuple(note.text for note in result.notes),
        )

    def _changed(self, sample: Sample, change: Change) -> Result:
        spacing = change.spacing(sample.image.spacing)
        return self._model.segment(change.image(sample.image.data), spacing=spacing)


def table(rows: list[Row]) -> list[str]:
    """Return the lines of a table in Markdown: changes down, volumes across, and all notes that are new."""
    volumes = list(dict.fromkeys(row.volume for row in rows))
    lines = ["| change | " + " | ".join(volumes) + " |", "| --- |" + " ---: |" * len(volumes)]
    of = {(row.volume, row.change): row for row in rows}
    remarks = []
    for change in dict.fromkeys(row.change for row in rows):
        cells = []
        for volume in volumes:
            row, plain = of.get((volume, change)), of[volume, "none"]
            if row is None:
                cells.append("")
                continue
            cell = f"{row.num_objects} ({row.ap:.2f})"
            new = [note for note in row.notes if note not in plain.notes or _UNSURE in note]
            lost = row.ap < plain.ap - _MOST
            cells.append(f"**{cell}**" if lost and not new else f"{cell}*" if lost else cell)
            remarks += [f"- {volume}, {change}: {note}" for note in new if lost]
        lines.append(f"| {change} | " + " | ".join(cells) + " |")
    return [*lines, "", *remarks]


def _read(path: Path | None) -> list[Row]:
    if path is None or not path.exists():
        return []
    entries = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return [Row(**{**entry, "notes": tuple(entry["notes"])}) for entry in entries]


def _chosen(name: str, parts: list[str] | None) -> bool:
    return not parts or any(part in name for part in parts)


if __name__ == "__main__":
    main()
