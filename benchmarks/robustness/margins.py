"""What constant margins do to the objects beyond them: ``python -m benchmarks.robustness.margins``.

Margins are put around a volume, or cut out of it, whose other voxels stay as they are. Objects within half a
diameter of the cut, true or found, do not count, with and without the margin. ``--fit`` segments nothing: it
compares what the network would see, and which voxels are left out, for every volume and more constants.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage

import anystar
from anystar.evaluate import match_labels
from anystar.preprocess import PreparedImage, Preprocessing
from anystar.preprocess.arrays import whole_box
from benchmarks.accuracy.volumes import Sample, load_samples
from benchmarks.models.cache import cached_simulation
from benchmarks.models.simulator.conditions import CONDITIONS

_VOLUMES, _CONDITIONS = ("gonuclear_1135",), ("chromatin", "dense dark")
_IOU = 0.5


@dataclass(frozen=True, kw_only=True)
class Margin:
    """A volume with a margin."""

    name: str
    image: np.ndarray
    box: tuple[slice, slice, slice]
    """Where the volume lies in it."""
    cut: np.ndarray
    """Voxels of the volume that it lost, bool."""


def margins(image: np.ndarray) -> Iterator[Margin]:
    """Yield a volume with margins of many kinds."""
    none = np.zeros(image.shape, bool)
    values = {"0": 0, "the median": np.rint(np.median(image)), "the maximum": image.max()}
    for width in (1, 2, 8, 16, 32):
        for name, value in values.items() if width == 8 else [("0", 0)]:
            box = tuple(slice(width, width + num) for num in image.shape)
            padded = np.pad(image, width, constant_values=value)
            yield Margin(name=f"{width} voxels of {name} around", image=padded, box=(*box,), cut=none)
    for axis, letter in enumerate("ZYX"):
        for ends in ((12, 0), (0, 12)):
            widths = [ends if k == axis else (0, 0) for k in range(3)]
            z, y, x = (slice(a, a + n) for (a, _), n in zip(widths, image.shape, strict=True))
            where = "before" if ends[0] else "after"
            padded = np.pad(image, widths, constant_values=values["the median"])
            yield Margin(
                name=f"12 voxels of the median {where} {letter}", image=padded, box=(z, y, x), cut=none
            )
    whole = slice(None), slice(None), slice(None)
    for name, cut in cuts(image.shape):
        for told, value in values.items():
            yield Margin(
                name=f"{name}, {told} there",
                image=np.where(cut, value, image).astype(image.dtype),
                box=whole,
                cut=cut,
            )


CONSTANTS: dict[str, Callable[[np.ndarray], float]] = {
    "0": lambda image: 0.0,
    "the median": lambda image: float(np.rint(np.median(image))),
    "the maximum": lambda image: float(image.max()),
    "the type's largest": lambda image: float(np.iinfo(image.dtype).max),
    "-1000, float": lambda image: -1000.0,
    "NaN, float": lambda image: np.nan,
}
"""What margins are filled with, by name."""
_SIDES: dict[str, tuple[tuple[int, int], ...]] = {
    "8 voxels around": ((8, 8),) * 3,
    "planes on four sides": ((2, 0), (0, 7), (5, 1)),
}
_WHOLE = 0.99
"""Overlap of the region that is left out with the cut from which on they count as the same."""


def fit(image: np.ndarray) -> Iterator[tuple[str, str, bool]]:
    """Yield kind and constant of margins, and whether the preprocessing leaves out what they are."""
    plain = Preprocessing.fit(image)
    whole = plain.apply(image)
    for constant, value in CONSTANTS.items():
        data = image.astype(np.float32) if "float" in constant else image
        filling = np.array(value(image)).astype(data.dtype)
        for kind, widths in _SIDES.items():
            padded = np.pad(data, widths, constant_values=filling)
            fitted = Preprocessing.fit(padded)
            inner = fitted.apply(padded)
            yield kind, constant, inner.shape == whole.shape and np.array_equal(_seen(inner), _seen(whole))
        for kind, cut in cuts(image.shape):
            fitted = Preprocessing.fit(np.where(cut, filling, data).astype(data.dtype))
            left = fitted.margin_mask(whole_box(image.shape)) if fitted.margins else np.zeros_like(cut)
            yield kind, constant, bool((left & cut).sum() >= _WHOLE * (left | cut).sum())


def _seen(image: PreparedImage) -> np.ndarray:
    z, y, x = (slice(0, num) for num in image.shape)
    return image.read((z, y, x))


def _print_fits(samples: Sequence[Sample]) -> None:
    """Print how many volumes are as before, by kind and constant of the margin, and the others."""
    found: dict[tuple[str, str], list[str]] = {}
    for sample in samples:
        for kind, constant, same in fit(sample.image.data):
            found.setdefault((kind, constant), []).extend([] if same else [sample.name])
    print("| margin | " + " | ".join(CONSTANTS) + " |\n| --- |" + " ---: |" * len(CONSTANTS))
    for kind in dict.fromkeys(kind for kind, _ in found):
        cells = [f"{len(samples) - len(found[kind, constant])} of {len(samples)}" for constant in CONSTANTS]
        print(f"| {kind} | " + " | ".join(cells) + " |")
    for (kind, constant), names in found.items():
        if names:
            print(f"- {kind}, {constant}: not {', '.join(names)}")


def cuts(shape: tuple[int, ...]) -> Iterator[tuple[str, np.ndarray]]:
    """Yield what is outside a box that is turned in the volume, and outside an ellipsoid."""
    grid = np.stack(np.mgrid[tuple(slice(n) for n in shape)], -1) - (np.array(shape) - 1) / 2
    for degrees, (a, b) in ((10, (1, 2)), (45, (1, 2)), (20, (0, 2))):
        turn = np.deg2rad(degrees)
        along = np.abs(np.cos(turn) * grid[..., a] + np.sin(turn) * grid[..., b])
        across = np.abs(np.cos(turn) * grid[..., b] - np.sin(turn) * grid[..., a])
        reach = [0.5 * n * (1.0 if degrees < 45 else 1.15) for n in (shape[a], shape[b])]
        yield f"outside a box turned by {degrees} degrees", (along > reach[0]) | (across > reach[1])
    yield "outside an ellipsoid", ((grid / (0.55 * np.array(shape))) ** 2).sum(-1) > 1


def measure(
    model: anystar.Model, sample: Sample, names: Sequence[str] | None = None
) -> Iterator[tuple[str, int, int, float, float]]:
    """Yield for each margin the objects that count, those found, and AP at IoU 0.5 without and with it."""
    assert sample.labels is not None
    image, truth, spacing = sample.image.data, sample.labels, sample.image.spacing
    plain = model.segment(image, spacing=spacing)
    size = np.array(spacing or (1, 1, 1)) / min(spacing or (1,))
    for margin in margins(image):
        if names and not any(name in margin.name for name in names):
            continue
        near = np.zeros(image.shape, bool)
        if margin.cut.any():
            away = ndimage.distance_transform_edt(~margin.cut, sampling=size)
            near = away <= (plain.diameter_vox or 0) / 2
        result = model.segment(margin.image, spacing=spacing)
        found = result.labels[margin.box]
        wanted = _beyond(truth, near)
        scores = [
            match_labels(wanted, _beyond(labels, near), thresholds=(_IOU,))[0].ap
            for labels in (plain.labels, found)
        ]
        yield margin.name, len(np.unique(wanted)) - 1, len(result.objects), scores[0], scores[1]


def _beyond(labels: np.ndarray, near: np.ndarray) -> np.ndarray:
    """Return the labels without those that reach into a region."""
    return np.where(np.isin(labels, labels[near]), 0, labels) if near.any() else labels


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("ANYSTAR_DATA", "data"))
    parser.add_argument("--cache", type=Path, default=Path("out/models/cache"))
    parser.add_argument("--volumes", nargs="*", default=_VOLUMES)
    parser.add_argument("--conditions", nargs="*", default=_CONDITIONS)
    parser.add_argument("--margins", nargs="*", help="names of margins, or parts of them; all by default")
    parser.add_argument("--fit", action="store_true", help="segment nothing, see above")
    args = parser.parse_args()
    if args.fit:
        _print_fits(load_samples(Path(args.data)))
        return
    model = anystar.load_model()
    samples = [s for s in load_samples(Path(args.data)) if s.name in args.volumes]
    samples += [cached_simulation(args.cache, c, seed=0) for c in CONDITIONS if c.name in args.conditions]
    worst = 0.0
    for sample in samples:
        print(f"\n{sample.name}\n\n| margin | true objects | found | accuracy without | with |")
        print("| --- | ---: | ---: | ---: | ---: |")
        for name, count, found, without, with_it in measure(model, sample, args.margins):
            worst = max(worst, without - with_it)
            print(f"| {name} | {count} | {found} | {without:.2f} | {with_it:.2f} |", flush=True)
    print(f"\nmost that is lost: {worst:.3f}")


if __name__ == "__main__":
    main()
