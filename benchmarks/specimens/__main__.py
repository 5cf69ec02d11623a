"""Segment volumes whose scale is ambiguous, with defaults only: ``python -m benchmarks.specimens``.

A specimen full of objects must give its parts, an organ with nothing inside one object, textured cells the
cells, and a volume with objects of two sizes both. About 10 s a volume on two cores.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

import anystar
from anystar.evaluate import match_labels
from anystar.predict.result import Result
from benchmarks.accuracy.volumes import Sample
from benchmarks.models.tables import markdown
from benchmarks.specimens.volumes import SPECIMENS, TWO_SIZES, Specimen, make

_IOU = 0.5
_LARGE = 20.0
"""Diameter that parts the two sizes: all large ones are larger, all small ones smaller."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """What was found in one volume."""

    name: str
    seed: int
    num_true: int
    num_found: int
    ap: float
    diameter: float | None
    "That the image was scaled for, in voxels."
    true_diameter: float | None
    whole: bool
    "Whether one object fills the specimen."
    large: tuple[int, int]
    "Large objects that are found, and how many there are."
    small: tuple[int, int]
    notes: tuple[str, ...]
    seconds: float


def main() -> None:
    """Segment, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.specimens", description=__doc__)
    parser.add_argument("--kinds", nargs="*", help="names, or parts of them; all by default")
    parser.add_argument("--seeds", type=int, default=1, metavar="K")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--model", help="name or path; the default model if left out")
    options = parser.parse_args()
    model = anystar.load_model(options.model)
    rows = []
    for kind in (*SPECIMENS, *TWO_SIZES):
        if options.kinds and not any(part in kind.name for part in options.kinds):
            continue
        for seed in range(options.first_seed, options.first_seed + options.seeds):
            rows.append(measure(model, kind, seed))
            print(table(rows[-1:]).splitlines()[-1], flush=True)
    print(f"\n{table(rows)}")


def measure(model: anystar.Model, kind: Specimen, seed: int) -> Row:
    """Segment one volume and compare it with its ground truth."""
    sample = make(kind, seed=seed)
    start = time.perf_counter()
    result = model.segment(sample.image.data, spacing=(1, 1, 1))
    return judge(sample, result, seed=seed, seconds=time.perf_counter() - start)


def judge(sample: Sample, result: Result, *, seed: int, seconds: float) -> Row:
    """Compare a segmentation with the ground truth of a volume."""
    truth = sample.labels
    assert truth is not None
    scores = match_labels(truth, result.labels, thresholds=(_IOU,))[0]
    volumes = np.bincount(truth.ravel(), minlength=2)[1:]
    small = np.flatnonzero(volumes < np.pi / 6 * _LARGE**3) + 1
    found = result.objects.volume_vox
    specimen = np.prod(truth.shape) / 8
    counts = []
    for labels in (np.setdiff1d(np.arange(1, len(volumes) + 1), small), small):
        part = np.where(np.isin(truth, labels), truth, 0)
        counts.append((match_labels(part, result.labels, thresholds=(_IOU,))[0].tp, len(labels)))
    return Row(
        name=sample.name,
        seed=seed,
        num_true=scores.num_true,
        num_found=scores.num_pred,
        ap=scores.ap,
        diameter=result.diameter_vox,
        true_diameter=sample.diameter,
        whole=bool(len(found) and found.max() > specimen),
        large=counts[0],
        small=counts[1],
        notes=tuple(note.kind for note in result.notes),
        seconds=seconds,
    )


def table(rows: Sequence[Row]) -> str:
    """Return a Markdown table."""
    head = [
        "volume",
        "seed",
        "true",
        "found",
        "AP at IoU 0.5",
        "scaled for (voxels)",
        "true diameter",
        "large ones found",
        "small ones found",
        "the whole",
        "notes",
        "seconds",
    ]
    lines = [
        [
            row.name,
            str(row.seed),
            str(row.num_true),
            str(row.num_found),
            f"{row.ap:.2f}",
            "" if row.diameter is None else f"{row.diameter:.1f}",
            "" if row.true_diameter is None else f"{row.true_diameter:.1f}",
            "{} of {}".format(*row.large),
            "{} of {}".format(*row.small),
            "yes" if row.whole else "",
            ", ".join(row.notes),
            f"{row.seconds:.0f}",
        ]
        for row in rows
    ]
    return markdown(head, lines)


if __name__ == "__main__":
    main()
