"""The page itself: what was examined, put into the template."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from anystar._version import __version__
from anystar.display import unit_name
from anystar.evaluate import KINDS, NUM_RESAMPLES, Curve, add_scores, ap_curve
from anystar.report.html.charts import HEIGHT, WIDTH, Chart, curve_chart, histogram
from anystar.report.html.examine import RunReport, VolumeReport, outline_colours, worst_first
from anystar.rng import stream

__all__ = ["Run", "render_report"]

SETTINGS = ("Model", "Probability threshold", "Overlap threshold", "Diameter (µm)", "Box", "AnyStar")
"""Facts of a run that are put beside each other where they differ."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run of a tool over volumes."""

    name: str
    facts: Mapping[str, str] = field(default_factory=dict)
    "What is known of it: model, version, thresholds and so on."


def render_report(
    runs: Sequence[Run],
    volumes: Sequence[VolumeReport],
    *,
    title: str = "AnyStar report",
    left_out: Sequence[str] = (),
    threshold: float = 0.5,
) -> str:
    """Return the page as HTML that needs no other file.

    Parameters
    ----------
    runs : sequence of Run
        In the order of their columns.
    volumes : sequence of VolumeReport
        At least one; they are put in order, the worst first.
    title : str
        Heading of the page.
    left_out : sequence of str
        A line for each volume that could not be used.
    threshold : float
        Overlap at which errors were sorted by kind.
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("anystar.report.html"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    ordered = worst_first(volumes)
    settings = _differing(runs)
    summaries = [
        _summary(run.name, ordered) | {"settings": [run.facts.get(name, "") for name in settings]}
        for run in runs
    ]
    return environment.get_template("report.html").render(
        title=title,
        version=__version__,
        runs=runs,
        styles={run.name: number for number, run in enumerate(runs)},
        volumes=ordered,
        summaries=summaries,
        settings=settings,
        ap_chart=_ap_chart(summaries),
        resamples=NUM_RESAMPLES,
        histograms={v.name: _histograms(v) for v in ordered},
        data={v.name: _data(v) for v in ordered if v.planes},
        layers={v.name: _layers(v) for v in ordered},
        kinds=KINDS,
        threshold=threshold,
        left_out=left_out,
        width=WIDTH,
        height=HEIGHT,
    )


def _differing(runs: Sequence[Run]) -> list[str]:
    """Return the settings in which the runs differ."""
    known = {name for run in runs for name in run.facts} & set(SETTINGS)
    return [name for name in SETTINGS if name in known and len({run.facts.get(name) for run in runs}) > 1]


def _summary(run: str, volumes: Sequence[VolumeReport]) -> dict[str, Any]:
    """Return one run's row of the first table: sums over its volumes."""
    mine = [v for volume in volumes for v in volume.run_reports if v.run == run]
    scored = [v for v in mine if v.counts is not None]
    return {
        "run": run,
        "volumes": len(mine),
        "objects": sum(v.objects for v in mine),
        "outliers": sum(v.outliers for v in mine),
        "scored": len(scored),
    } | (_scores(scored) if scored else {"at": None, "errors": None})


def _scores(scored: Sequence[RunReport]) -> dict[str, Any]:
    """Return what one run scores on all volumes with a ground truth, their objects pooled, with intervals."""
    # Always the same draws: the page depends on the runs alone, and equal runs get equal intervals.
    rng = stream(0, "report", "bootstrap")
    curve = ap_curve([v.counts for v in scored if v.counts is not None], rng=rng)
    index = int(np.argmin(np.abs(np.array(curve.thresholds) - 0.5)))
    return {
        "curve": curve,
        "at": add_scores([v.scores for v in scored])[index],
        "ap": curve.ap[index],
        "panoptic_quality": curve.panoptic_quality[index],
        "errors": {
            kind: tuple(sum(v.errors[kind][side] for v in scored if v.errors) for side in (0, 1))
            for kind in ("found", *KINDS)
        },
    }


def _ap_chart(summaries: Sequence[Mapping[str, Any]]) -> Chart | None:
    curves: dict[str, Curve] = {s["run"]: s["curve"] for s in summaries if s["scored"]}
    x = next(iter(curves.values())).thresholds if curves else ()
    if len(x) < 2:
        return None
    return curve_chart(
        "Average precision (AP) against overlap",
        x,
        {name: curve.ap for name, curve in curves.items()},
        x_label="intersection over union from which an object counts as found",
        y_label="AP",
    )


def _histograms(volume: VolumeReport) -> list[Chart]:
    unit = unit_name(volume.length_unit) if volume.spacing and volume.unit == "um" else "voxels"
    sizes = {v.run: v.diameter for v in volume.run_reports}
    if volume.true_diameter is not None:
        sizes = {"ground truth": volume.true_diameter, **sizes}
    grey = {v.run: v.intensity for v in volume.run_reports if v.intensity is not None}
    sure = {v.run: v.probability for v in volume.run_reports if v.probability is not None}
    across = f"diameter of a ball of the same volume ({unit})"
    made = [
        histogram("Size", sizes, x_label=across, ground_truth="ground truth"),
        histogram("Intensity", grey, x_label="mean grey value of the object"),
        histogram("Confidence", sure, x_label="probability", limits=(0, 1)),
    ]
    return [chart for chart in made if chart is not None]


def _layers(volume: VolumeReport) -> list[dict[str, Any]]:
    """Return name and colours of each layer of outlines, and whether it is a run that found something."""
    layers = [] if volume.true_objects is None else [("ground truth", False)]
    layers += [(v.run, v.objects > 0) for v in volume.run_reports]
    made = []
    for (name, found), colours in zip(layers, outline_colours(volume), strict=True):
        stripes = [
            f"rgb({r} {g} {b}) {100 * i / len(colours):.0f}% {100 * (i + 1) / len(colours):.0f}%"
            for i, (r, g, b) in enumerate(colours)
        ]
        colour = f"linear-gradient(90deg, {', '.join(stripes)})"
        made.append({"name": name, "colour": colour, "run": found})
    return made


def _data(volume: VolumeReport) -> str:
    """Return what the script needs of a volume, as JSON that can stand in a script element."""
    planes = [
        {"axis": p.axis, "size": p.size, "index": p.index, "grey": p.grey, "outlines": p.outlines}
        for p in volume.planes
    ]
    text = json.dumps({"shape": volume.shape, "planes": planes}, separators=(",", ":"))
    return text.replace("<", "\\u003c")
