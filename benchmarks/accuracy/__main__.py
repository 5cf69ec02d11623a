"""Measure a model with its defaults on the volumes of a folder: ``python -m benchmarks.accuracy --data DIR``.

The network gets the spacing of the file and nothing else: no diameter, no thresholds. The classical pipeline
beside it is given the diameter that the ground truth has.
"""

import argparse
import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

import anystar
from anystar.evaluate import CentreScores, Scores, match_centres, match_labels, mean_ap
from anystar.report.overview import save_overview
from benchmarks.accuracy.classical import segment_classical
from benchmarks.accuracy.volumes import Sample, load_samples

MAX_DISTANCE = 8.0
"""Of a found centre from a true one, in the unit of the spacing: half of a typical nucleus."""


@dataclass(frozen=True, kw_only=True)
class Found:
    sample: Sample
    labels: np.ndarray
    centres: np.ndarray
    seconds: float
    diameter_vox: float | None


def run_model(model: anystar.Model, sample: Sample) -> Found:
    start = time.perf_counter()
    result = model.segment(sample.image)
    return Found(
        sample=sample,
        labels=result.labels,
        centres=result.objects.centroid_vox,
        seconds=time.perf_counter() - start,
        diameter_vox=result.diameter_vox,
    )


def run_classical(sample: Sample, *, smooth_depth: bool) -> Found:
    assert sample.diameter is not None
    start = time.perf_counter()
    labels = segment_classical(
        sample.image.data, spacing=sample.image.spacing, diameter=sample.diameter, smooth_depth=smooth_depth
    )
    seconds = time.perf_counter() - start
    centres = ndimage.center_of_mass(labels > 0, labels, np.arange(1, labels.max() + 1))
    return Found(
        sample=sample,
        labels=labels,
        centres=np.reshape(centres, (-1, 3)),
        seconds=seconds,
        diameter_vox=None,
    )


def label_scores(found: Found) -> tuple[Scores, ...]:
    assert found.sample.labels is not None
    return match_labels(found.sample.labels, found.labels)


def centre_scores(found: Found) -> CentreScores:
    assert found.sample.centres is not None
    spacing = found.sample.image.spacing or (1.0, 1.0, 1.0)
    return match_centres(found.sample.centres, found.centres, max_distance=MAX_DISTANCE, spacing=spacing)


def markdown(header: str, rows: list[list[str]]) -> str:
    names = header.split(" | ")
    lines = [
        "| " + " | ".join(cells) + " |" for cells in (names, ["---"] + ["---:"] * (len(names) - 1), *rows)
    ]
    return "\n".join(lines)


def labels_table(pairs: list[tuple[Found, Found, Found]]) -> str:
    rows = []
    for network, *classical in pairs:
        ours = label_scores(network)
        row = [network.sample.name, f"{ours[0].num_true}", f"{ours[0].num_pred}"]
        row += [f"{s.ap:.2f}" for s in ours if s.threshold in (0.3, 0.5)]
        row += [f"{mean_ap(ours):.2f}", f"{network.seconds:.1f}"]
        for other in classical:
            theirs = label_scores(other)
            row.append(" / ".join(f"{s.ap:.2f}" for s in theirs if s.threshold in (0.3, 0.5)))
        rows.append(row)
    return markdown(
        "volume | true | found | AP at IoU 0.3 | at 0.5 | mean of 0.1 to 0.9 | seconds"
        " | classical, 0.3 / 0.5 | classical, smoothed distances",
        rows,
    )


def centres_table(pairs: list[tuple[Found, Found, Found]]) -> str:
    rows = []
    for network, *classical in pairs:
        ours = centre_scores(network)
        row = [network.sample.name, f"{ours.num_true}", f"{ours.num_pred}", f"{ours.f1:.2f}"]
        row += [f"{ours.precision:.2f}", f"{ours.recall:.2f}", f"{network.seconds:.1f}"]
        rows.append(row + [f"{centre_scores(other).f1:.2f}" for other in classical])
    return markdown(
        "volume | true centres | found | F1 | precision | recall | seconds"
        " | classical F1 | classical, smoothed distances",
        rows,
    )


def unlabelled_table(found: list[Found]) -> str:
    rows = [
        [
            f.sample.name,
            str(len(f.centres)),
            f"{f.diameter_vox:.1f}" if f.diameter_vox else "",
            f"{f.seconds:.1f}",
        ]
        for f in found
    ]
    return markdown("volume | found | scaled for a diameter of (finest voxels) | seconds", rows)


def save_stack(path: Path, pictures: list[Path], *, width: int = 1100) -> None:
    """Put overview images below each other, all as wide."""
    opened = [Image.open(path).convert("RGB") for path in pictures]
    scaled = [one.resize((width, round(one.height * width / one.width))) for one in opened]
    stack = Image.new("RGB", (width, sum(one.height for one in scaled)), "white")
    top = 0
    for one in scaled:
        stack.paste(one, (0, top))
        top += one.height
    stack.quantize(128).save(path, optimize=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("ANYSTAR_DATA", "../shared/data")))
    parser.add_argument("--model", help="name or path; the default model if left out")
    parser.add_argument("--device", default="auto")
    parser.add_argument(
        "--out", type=Path, default=Path("out/accuracy"), help="folder for the overview images"
    )
    parser.add_argument("--readme", type=Path, help="file for the README's overview")
    options = parser.parse_args()
    model = anystar.load_model(options.model, device=options.device)
    with_labels, with_centres, without = [], [], []
    for sample in load_samples(options.data):
        network = run_model(model, sample)
        save_overview(
            options.out / f"{sample.name}.png",
            sample.image.data,
            network.labels,
            spacing=sample.image.spacing,
            unit=sample.image.unit,
            title=f"{sample.name}: {len(network.centres)} objects",
        )
        if sample.diameter is None:
            without.append(network)
            continue
        classical = (run_classical(sample, smooth_depth=s) for s in (False, True))
        (with_centres if sample.labels is None else with_labels).append((network, *classical))
    if options.readme is not None:
        shown = ("qcanet_8cell", "gonuclear_1135")
        save_stack(options.readme, [options.out / f"{name}.png" for name in shown])
    print(f"Model {model.name}, its defaults only.\n")
    print(labels_table(with_labels), "\n")
    print(f"Centres within {MAX_DISTANCE:g} pixels:\n\n{centres_table(with_centres)}\n")
    print(
        f"Without ground truth (look at the overview images in {options.out}):\n\n{unlabelled_table(without)}"
    )


if __name__ == "__main__":
    main()
