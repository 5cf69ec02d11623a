"""Runs side by side, as one HTML file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from anystar import io
from anystar.arrays import Volume, refuse_mismatch
from anystar.errors import InputError, user_message
from anystar.outputs import refuse_ending, refuse_outputs
from anystar.report.html import (
    Prediction,
    Run,
    VolumeInput,
    VolumeReport,
    draw,
    examine,
    render_report,
    worst_first,
)
from anystar.runtime.atomic import staged
from anystar.runtime.progress import Progress
from anystar.workflow.pairing import by_volume
from anystar.workflow.runs import FoundRun, Source, common_beginning, find_run, name_runs, read_probabilities

__all__ = ["ReportResult", "report_runs"]


@dataclass(frozen=True, kw_only=True)
class ReportResult:
    """What a report contains."""

    num_runs: int
    num_volumes: int
    num_drawn: int
    """Volumes that are displayed in slices."""
    size: int
    """Bytes of the file."""
    left_out: tuple[str, ...]
    """Volumes that could not be used, with the reason."""


def report_runs(
    runs: Sequence[str],
    output: Path,
    *,
    images: Path | None = None,
    ground_truth: Path | None = None,
    channel: int | str | None = None,
    time: int | None = None,
    level: int | None = None,
    series: int | None = None,
    axes: str | None = None,
    title: str = "AnyStar report",
    iou: float = 0.5,
    slices: int = 32,
    num_drawn: int = 8,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> ReportResult:
    """Write one page that compares runs.

    Parameters
    ----------
    runs : sequence of str
        ``PATH`` or ``NAME=PATH`` each, see :func:`anystar.workflow.runs.find_run`.
    output : Path
        The page, ``.html``.
    images, ground_truth : Path, optional
        Files or folders; volumes are paired by name.
    channel, time, level, series, axes
        Which volume of each image, see :func:`anystar.open_image`; by default that of the run's provenance.
    title : str
        Heading of the page.
    iou : float
        Overlap from which an object counts as found where errors are classified.
    slices : int
        Number of slices along each axis of a volume.
    num_drawn : int
        Number of volumes, the worst first, that are displayed in slices.
    overwrite : bool
        Whether a page that exists may be replaced.
    progress : callable, optional
        Called as ``progress(done, total, stage)``.

    Raises
    ------
    InputError
        If a run cannot be found, nothing can be paired, or no volume can be used.
    """
    refuse_ending("output", output, ".html", ".htm")
    refuse_outputs([("the report", output)], overwrite=overwrite)  # no input ends so
    found = _of_one_volume(name_runs([find_run(text) for text in runs]))
    given = {
        "images": by_volume(images) if images else {},
        "ground_truth": by_volume(ground_truth) if ground_truth else {},
    }
    volumes = _pair(found, given)
    report = progress or (lambda done, total, stage: None)
    how = {"channel": channel, "time": time, "level": level, "series": series, "axes": axes}
    examined, left_out = _examine(volumes, iou, how, report)
    if not examined:
        raise InputError(left_out[0] if len(left_out) == 1 else f"no volume could be used: {left_out}")
    ordered = worst_first(examined)
    drawn = []
    for number, each in enumerate(ordered[:num_drawn]):  # read once more: only one is in memory at a time
        report(number, min(num_drawn, len(ordered)), "draw")
        drawn.append(draw(each, _load(each.name, volumes[each.name], how), most=slices))
    page = render_report(
        [Run(name=run.name, facts=run.facts) for run in found],
        drawn + ordered[num_drawn:],
        title=title,
        left_out=left_out,
        threshold=iou,
    ).encode()
    with staged(output) as (temporary,):
        temporary.write_bytes(page)
    return ReportResult(
        num_runs=len(found),
        num_volumes=len(examined),
        num_drawn=len(drawn),
        size=len(page),
        left_out=tuple(left_out),
    )


def _of_one_volume(runs: Sequence[FoundRun]) -> list[FoundRun]:
    """Pair label files whose names begin alike, ``a_p0.3.tif`` and ``a_p0.5.tif``: runs on one volume."""
    lone = [next(iter(run.sources)) for run in runs if len(run.sources) == 1]
    if len(lone) < len(runs) or len(set(lone)) < 2:
        return list(runs)
    words = [re.split(r"[_\s-]", name) for name in lone]
    alike = common_beginning(words)
    if not alike:
        return list(runs)
    return [replace(run, sources={"_".join(alike): next(iter(run.sources.values()))}) for run in runs]


def _pair(runs: Sequence[FoundRun], given: Mapping[str, Mapping[str, Path]]) -> dict[str, dict[str, Source]]:
    """Return the files by volume and run, with images and ground truth; a lone volume needs no name."""
    volumes: dict[str, dict[str, Source]] = {}
    for run in runs:
        for name, source in run.sources.items():
            volumes.setdefault(name, {})[run.name] = source
    for role, files in given.items():
        lone = len(files) == 1 and len(volumes) == 1
        matched = 0
        for name, sources in volumes.items():
            path = next(iter(files.values())) if lone else files.get(name)
            if path is not None:
                matched += 1
                field: dict[str, Any] = {role.removesuffix("s"): path}
                sources |= {label: replace(source, **field) for label, source in sources.items()}
        if files and not matched:
            some = f"{', '.join(sorted(files)[:3])} and {', '.join(sorted(volumes)[:3])}"
            raise InputError(f"{role}=... and the runs have no volume of the same name ({some}); rename them")
    return volumes


def _examine(
    volumes: Mapping[str, Mapping[str, Source]], iou: float, how: Mapping[str, Any], report: Progress
) -> tuple[list[VolumeReport], list[str]]:
    """Return what was found out about each volume, and why others could not be used."""
    examined, left_out = [], []
    for number, (name, sources) in enumerate(volumes.items()):
        report(number, len(volumes), "examine")
        try:
            examined.append(examine(_load(name, sources, how), threshold=iou))
        except Exception as error:
            message = user_message(error)
            if message is None:
                raise
            left_out.append(message)
    return examined, left_out


def _load(name: str, sources: Mapping[str, Source], how: Mapping[str, Any]) -> VolumeInput:
    """Read all files of a volume and check that they lie on the same grid."""
    volumes: list[tuple[Path, Volume]] = []

    def on_grid(path: Path, volume: Volume) -> np.ndarray:
        volumes.append((path, volume))
        refuse_mismatch(*volumes[0], *volumes[-1])
        return volume.data

    pictured = next((s for s in sources.values() if s.image), None)
    true_path = next((s.ground_truth for s in sources.values() if s.ground_truth), None)
    predictions = {}
    for run, source in sources.items():
        labels = on_grid(source.labels, io.read_labels(source.labels))
        table = read_probabilities(source.table) if source.table else None
        predictions[run] = Prediction(labels=labels, probability=table)
    ground_truth = on_grid(true_path, io.read_labels(true_path)) if true_path else None
    image = None
    if pictured and pictured.image:
        parameters = (pictured.provenance or {}).get("parameters", {})
        chosen = {name: parameters.get(name) if given is None else given for name, given in how.items()}
        chosen["level"] = chosen["level"] or 0
        image = on_grid(pictured.image, io.read(pictured.image, **chosen))
    # The image, read last, knows its spacing best.
    best = next((v for _, v in reversed(volumes) if v.spacing), volumes[0][1])
    return VolumeInput(
        name=name,
        predictions=predictions,
        image=image,
        ground_truth=ground_truth,
        spacing=best.spacing,
        unit=best.unit,
        length_unit=best.length_unit,
    )
