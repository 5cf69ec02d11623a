"""Statistics of our samples beside those of the reference's own: a Markdown table and a figure.

    python -m benchmarks.generator.statistics -n 500 --reference DIR --out docs/generator [--recipes ...]

``DIR`` holds the reference's samples (``sample_*.npz`` with ``image`` and ``label``). Writes
``DIR_OUT-statistics.md`` and ``DIR_OUT-statistics.png`` for ``--out DIR_OUT``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from anystar.synth.recipes import get_recipe
from benchmarks.generator.samples import (
    DEBRIS,
    QUANTILES,
    middle,
    pieces,
    reference_samples,
    star_convexity,
    statistics,
)

ROWS = [
    ("objects a sample", "objects", "{:.0f}"),
    ("instances under 20 voxels a sample", "debris", "{:.1f}"),
    ("median diameter, voxels", "diameter", "{:.1f}"),
    ("foreground, %", "foreground", "{:.1f}"),
    ("objects that touch another, %", "touching", "{:.0f}"),
    ("voxels that are 0, %", "zero", "{:.1f}"),
    ("contrast to surroundings over spread", "contrast", "{:.2f}"),
    *((f"{q}% quantile of the intensity", f"q{q}", "{:.2f}") for q in QUANTILES),
]


def collect(pairs) -> dict[str, np.ndarray]:
    found = [statistics(image, labels) for image, labels in pairs]
    table = {k: np.stack([f[k] for f in found]) for k in found[0] if k not in ("diameters", "quantiles")}
    for name in ("foreground", "touching", "zero"):
        table[name] = 100 * table[name]
    table["diameter"] = np.array(
        [np.median(f["diameters"]) if len(f["diameters"]) else np.nan for f in found]
    )
    quantiles = np.stack([f["quantiles"] for f in found])
    table |= {f"q{q}": quantiles[:, i] for i, q in enumerate(QUANTILES)}
    return table | {"diameters": np.concatenate([f["diameters"] for f in found])}


def ours(name: str, number: int, size: int) -> dict[str, np.ndarray]:
    """Return the statistics of one recipe, and on every fifth sample how star-convex objects are.

    Of samples made with ``size`` voxels an axis, the middle 64 count.
    """
    recipe, pairs, ious, counts = get_recipe(name), [], [], {"before": [], "after": []}
    for index in range(number):
        batch, parts = pieces(recipe, seed=0, index=index, size=size)
        pairs.append(middle(batch.image[0, 0].numpy(), batch.labels[0].numpy(), 64))
        for when, count in parts.items():
            counts[when].append(count)
        if index % 5 == 0:
            ious.append(star_convexity(pairs[-1][1]))
    table = collect(pairs)
    table["iou"] = np.concatenate(ious)
    for when, count in counts.items():
        second = np.concatenate(count)
        table[f"cut {when}"] = np.array([100 * (second > 0).mean(), 100 * (second >= DEBRIS).mean()])
    return table


def markdown(tables: dict[str, dict[str, np.ndarray]]) -> str:
    lines = [f"| | {' | '.join(tables)} |", f"|---|{'---|' * len(tables)}"]
    for title, key, form in ROWS:
        cells = []
        for table in tables.values():
            low, middle, high = (form.format(v) for v in np.nanpercentile(table[key], (10, 50, 90)))
            cells.append(f"{middle} ({low} to {high}), mean {form.format(np.nanmean(table[key]))}")
        lines.append(f"| {title} | {' | '.join(cells)} |")
    extra = [
        ("IoU of rasterise(star distances) with the object, median", lambda t: f"{np.median(t['iou']):.3f}"),
        ("the same, mean", lambda t: f"{np.mean(t['iou']):.3f}"),
        ("objects with an IoU under 0.7, %", lambda t: f"{100 * np.mean(t['iou'] < 0.7):.1f}"),
        ("instances with a second piece before the bend, %", lambda t: f"{t['cut before'][0]:.2f}"),
        ("instances with a second piece after the bend, %", lambda t: f"{t['cut after'][0]:.2f}"),
        ("instances cut in two (second piece of 20 voxels), %", lambda t: f"{t['cut after'][1]:.2f}"),
    ]
    for title, value in extra:
        cells = [
            value(table) if "cut after" in table or "IoU" in title or "same" in title else ""
            for table in tables.values()
        ]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def figure(tables: dict[str, dict[str, np.ndarray]]) -> Figure:
    panels = [
        ("objects", "objects a sample", np.geomspace(1, 1000, 25)),
        ("diameters", "diameter of an object, voxels", np.linspace(0, 50, 26)),
        ("foreground", "foreground, %", np.linspace(0, 80, 21)),
        ("touching", "objects that touch, %", np.linspace(0, 100, 21)),
        ("contrast", "contrast over spread", np.linspace(-6, 6, 25)),
        ("q50", "median intensity", np.linspace(0, 1, 21)),
    ]
    fig = Figure(figsize=(10, 5.2), layout="constrained")
    for axis, (key, title, bins) in zip(fig.subplots(2, 3).flat, panels, strict=True):
        for name, table in tables.items():
            values = table[key][np.isfinite(table[key])]
            clipped = np.clip(values, bins[0], bins[-1])
            weights = np.full(len(values), 100 / max(len(values), 1))
            axis.hist(clipped, bins, weights=weights, histtype="step", label=name, lw=1.6)
        axis.set_xlabel(title)
        axis.set_ylabel("share, %")
        if key == "objects":
            axis.set_xscale("log")
        if key == "touching":
            axis.legend(fontsize=7, loc="upper center")
    return fig


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("-n", "--number", type=int, default=500)
    parser.add_argument("--reference", type=Path, help="folder of the reference's samples")
    parser.add_argument("--recipes", nargs="+", default=["as-mix", "wide"])
    parser.add_argument(
        "--size", type=int, default=64, help="voxels an axis made, of which the middle 64 count"
    )
    parser.add_argument("--out", required=True, help="prefix of the table and the figure")
    options = parser.parse_args()
    tables: dict[str, dict[str, np.ndarray]] = {}
    if options.reference:
        pairs = reference_samples(options.reference)
        name = f"reference ({len(pairs)} samples)"
        tables[name] = collect(pairs) | {"iou": np.concatenate([star_convexity(b) for _, b in pairs])}
    for recipe in options.recipes:
        tables[recipe] = ours(recipe, options.number, options.size)
    text = markdown(tables)
    Path(f"{options.out}-statistics.md").write_text(text, encoding="utf-8")
    figure(tables).savefig(f"{options.out}-statistics.png", dpi=90)
    print(text)


if __name__ == "__main__":
    main()
