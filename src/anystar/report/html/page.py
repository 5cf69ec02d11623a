"""The page itself: what was examined, put into the template."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from anystar._version import __version__
from anystar.atomic import staged
from anystar.evaluate import KINDS, add_scores, mean_accuracy
from anystar.report.html.charts import HEIGHT, WIDTH, Chart, curve_chart, histogram
from anystar.report.html.examine import OUTLINE_COLOURS, TRUTH_COLOUR, Examined, worst_first

__all__ = ["Run", "render_report", "write_report"]


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run of a tool over volumes."""

    name: str
    facts: Mapping[str, str] = field(default_factory=dict)
    "What is known of it: model, version, thresholds and so on."


def write_report(
    path: str | Path,
    runs: Sequence[Run],
    volumes: Sequence[Examined],
    *,
    title: str = "AnyStar report",
    left_out: Sequence[str] = (),
    threshold: float = 0.5,
) -> int:
    """Write the report as one HTML file, whole or not at all, and return its size in bytes.

    Parameters
    ----------
    path : str or Path
    runs : sequence of Run
        In the order of their columns.
    volumes : sequence of Examined
        At least one; they are put in order, the worst first.
    title : str
        Heading of the page.
    left_out : sequence of str
        A line for each volume that could not be used.
    threshold : float
        Overlap at which errors were sorted by kind.
    """
    text = render_report(runs, volumes, title=title, left_out=left_out, threshold=threshold)
    with staged(path) as (temporary,):
        temporary.write_text(text, encoding="utf-8")
    return len(text.encode("utf-8"))


def render_report(
    runs: Sequence[Run],
    volumes: Sequence[Examined],
    *,
    title: str = "AnyStar report",
    left_out: Sequence[str] = (),
    threshold: float = 0.5,
) -> str:
    """Return the page as text; see :func:`write_report`."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("anystar.report.html"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    ordered = worst_first(volumes)
    return environment.get_template("report.html").render(
        title=title,
        version=__version__,
        runs=runs,
        styles={run.name: number for number, run in enumerate(runs)},
        volumes=ordered,
        summaries=[_summary(run.name, ordered) for run in runs],
        accuracy=_accuracy_chart(runs, ordered),
        histograms={v.name: _histograms(v) for v in ordered},
        data={v.name: _data(v) for v in ordered if v.planes},
        layers={v.name: _layers(v) for v in ordered},
        kinds=KINDS,
        threshold=threshold,
        left_out=left_out,
        width=WIDTH,
        height=HEIGHT,
    )


def _summary(run: str, volumes: Sequence[Examined]) -> dict[str, Any]:
    """Return one run's row of the first table: sums over its volumes."""
    mine = [v for volume in volumes for v in volume.verdicts if v.run == run]
    scored = [v for v in mine if v.scores]
    total = add_scores([v.scores for v in scored]) if scored else ()
    at = min(total, key=lambda s: abs(s.threshold - 0.5)) if total else None
    errors = None
    if scored:
        errors = {
            kind: tuple(sum(v.errors[kind][side] for v in scored if v.errors) for side in (0, 1))
            for kind in ("found", *KINDS)
        }
    return {
        "run": run,
        "volumes": len(mine),
        "objects": sum(v.objects for v in mine),
        "doubts": sum(v.doubts for v in mine),
        "scored": len(scored),
        "at": at,
        "mean": mean_accuracy(total) if total else None,
        "errors": errors,
        "total": total,
    }


def _accuracy_chart(runs: Sequence[Run], volumes: Sequence[Examined]) -> Chart | None:
    curves = {}
    for run in runs:
        total = _summary(run.name, volumes)["total"]
        if len(total) > 1:
            curves[run.name] = total
    if not curves:
        return None
    x = [s.threshold for s in next(iter(curves.values()))]
    return curve_chart(
        "Accuracy against overlap",
        x,
        {name: [s.accuracy for s in total] for name, total in curves.items()},
        x_label="intersection over union from which an object counts as found",
        y_label="accuracy",
    )


def _histograms(volume: Examined) -> list[Chart]:
    unit = "µm" if volume.spacing and volume.unit == "um" else "voxels"
    sizes = {v.run: v.diameter for v in volume.verdicts}
    if volume.true_diameter is not None:
        sizes = {"truth": volume.true_diameter, **sizes}
    grey = {v.run: v.intensity for v in volume.verdicts if v.intensity is not None}
    sure = {v.run: v.probability for v in volume.verdicts if v.probability is not None}
    made = [
        histogram("Size", sizes, x_label=f"diameter of a ball of the same volume ({unit})", truth="truth"),
        histogram("Intensity", grey, x_label="mean grey value of the object"),
        histogram("Confidence", sure, x_label="probability", limits=(0, 1)),
    ]
    return [chart for chart in made if chart is not None]


def _layers(volume: Examined) -> list[dict[str, str]]:
    names = [v.run for v in volume.verdicts]
    colours = [OUTLINE_COLOURS[n % len(OUTLINE_COLOURS)] for n in range(len(names))]
    if volume.true_objects is not None:
        names, colours = ["truth", *names], [TRUTH_COLOUR, *colours]
    return [
        {"name": name, "colour": f"rgb({r} {g} {b})"} for name, (r, g, b) in zip(names, colours, strict=True)
    ]


def _data(volume: Examined) -> str:
    """Return what the script needs of a volume, as JSON that can stand in a script element."""
    planes = [
        {"axis": p.axis, "size": p.size, "index": p.index, "grey": p.grey, "outlines": p.outlines}
        for p in volume.planes
    ]
    text = json.dumps({"shape": volume.shape, "planes": planes}, separators=(",", ":"))
    return text.replace("<", "\\u003c")
