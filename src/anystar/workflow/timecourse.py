"""Intensities of regions over time, from files to files."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import anystar
from anystar import io
from anystar.arrays import Volume, refuse_mismatch
from anystar.errors import InputError
from anystar.io import Series, file_suffix, open_series
from anystar.outputs import refuse_outputs
from anystar.report.timecourse import save_timecourse, write_curves, write_frames
from anystar.runtime.atomic import staged
from anystar.runtime.progress import Progress
from anystar.timecourse import Timecourse, drift_remark, follow, left_out_remarks, make_regions, ranges
from anystar.timecourse.curves import Regions

__all__ = ["TimecourseOptions", "TimecourseResult", "follow_files"]


@dataclass(frozen=True, kw_only=True)
class TimecourseOptions:
    """Where the regions are, and how their intensities are followed."""

    labels: Path | None = None
    """Label image of the regions, on the grid of the frames."""
    segment_frame: int | None = None
    """Frame, from 0, that is segmented instead; its objects are the regions."""
    mask: Path | None = None
    """Image that is not 0 in the organ; without one, the organ is all regions together."""
    reference: int | None = None
    """Frame that the labels belong to, for the drift; the first usable one by default."""
    baseline: tuple[int, int] | None = None
    """First and last frame that changes are relative to; the first tenth by default."""
    sigma: float = 3.0
    """Standard deviation of the Gaussian along time, in frames; 0 for none."""
    interval: float | None = None
    """Seconds from one frame to the next, if the file does not state it."""
    channel: int | str | None = None
    series: int | None = None
    axes: str | None = None
    spacing: tuple[float, float, float] | None = None
    model: str | None = None
    """Model for ``segment_frame``."""
    diameter: float | None = None
    """Typical diameter of the objects for ``segment_frame``."""

    def __post_init__(self) -> None:
        if (self.labels is None) == (self.segment_frame is None):
            raise InputError("labels=... and segment_frame=... both define the regions; give one of the two")
        if self.segment_frame is not None and self.reference is not None:
            raise InputError("reference=... belongs to labels=...; leave it out with segment_frame=...")
        for name in ("model", "diameter"):
            if self.labels is not None and getattr(self, name) is not None:
                raise InputError(f"{name}=... belongs to segment_frame=...; leave it out with labels=...")


@dataclass(frozen=True, kw_only=True, eq=False)
class TimecourseResult:
    """What was measured."""

    name: str
    """Name of the series."""
    course: Timecourse
    files: tuple[Path, ...]
    """Files that were written."""
    notes: tuple[str, ...]
    """Remarks, one line each."""
    problems: tuple[str, ...]
    """Frames that were left out, one line each."""
    seconds: float


def follow_files(
    frames: Sequence[Path],
    output: Path,
    options: TimecourseOptions,
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> TimecourseResult:
    """Follow the mean intensity of regions over a time series and write curves, frames and a figure.

    Parameters
    ----------
    frames : sequence of Path
        A time series, a folder of numbered volumes, or the volumes themselves.
    output : Path
        Folder for the results.
    options : TimecourseOptions
    overwrite : bool
        Whether results that exist may be replaced.
    progress : callable, optional
        Called as ``progress(done, total, stage)``.

    Raises
    ------
    InputError
        If a file cannot be used, or no frame can.
    """
    report = progress or (lambda done, total, stage: None)
    with open_series(
        frames,
        channel=options.channel,
        spacing=options.spacing,
        series=options.series,
        axes=options.axes,
    ) as series:
        _check_baseline(options, series)
        outputs = _outputs(frames, output, options, series, overwrite)
        number, reference = _reference(series, options)
        labels, notes = _labels(series, reference, options, report)
        mask = None if options.mask is None else _on_grid(options.mask, io.read(options.mask), series).data
        for path, data in ((options.labels, labels), (options.mask, mask)):
            if data is not None and not data.any():
                raise InputError(f"{path} holds only background; give one with a region")
        regions = make_regions(labels, mask)
        start = time.perf_counter()
        course = _follow(series, regions, reference, options, report)
        seconds = time.perf_counter() - start
        problems = left_out_remarks(course, series.faults)
        _write(outputs, course, series, reference, labels, options)
        if len(regions.outside):
            notes.append(f"regions outside the mask have no curve: {ranges(regions.outside.tolist())}")
        drift = drift_remark(
            course, number, series.spacing if series.unit == "um" else None, series.first.length_unit
        )
        return TimecourseResult(
            name=series.name,
            course=course,
            files=tuple(outputs.values()),
            notes=(*notes, *([drift] if drift else [])),
            problems=tuple(problems),
            seconds=seconds,
        )


def _check_baseline(options: TimecourseOptions, series: Series) -> None:
    """Raise ``InputError`` unless the baseline is a range of frames."""
    baseline = options.baseline
    if baseline and not baseline[0] <= baseline[1] < len(series):
        raise InputError(
            f"baseline takes two of the frames 0 to {len(series) - 1} in order, got "
            f"{baseline[0]} {baseline[1]}; change them"
        )


def _follow(
    series: Series, regions: Regions, reference: np.ndarray, options: TimecourseOptions, report: Progress
) -> Timecourse:
    """Read all frames, one at a time, and return the curves; refuse a baseline without values."""

    def read(frame: int) -> np.ndarray | None:
        report(frame, len(series), "frames")
        return series.read(frame)

    course = follow(
        (read(n) for n in range(len(series))),
        regions,
        reference=reference,
        baseline=options.baseline,
        sigma=options.sigma,
    )
    if not np.isfinite(course.change).any():
        first, last = course.baseline
        raise InputError(
            f"no frame of the baseline {first} to {last} can be used; give another with baseline=(A, B)"
        )
    return course


def _outputs(
    frames: Sequence[Path], folder: Path, options: TimecourseOptions, series: Series, overwrite: bool
) -> dict[str, Path]:
    """Return where the results go, by what they are; refuse to replace an input, or any without consent."""
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; give a folder for the results")
    names = {"curves": "curves.csv", "frames": "frames.csv", "figure": "curves.png"}
    if options.segment_frame is not None:
        suffix = file_suffix(str(series.first.address.file))
        names["labels"] = f"labels{suffix if suffix in ('.nii', '.nii.gz') else '.tif'}"
    paths = {what: folder / name for what, name in names.items()}
    inputs = (*frames, options.labels, options.mask)
    refuse_outputs(paths.items(), inputs=inputs, overwrite=overwrite)
    return paths


def _reference(series: Series, options: TimecourseOptions) -> tuple[int, np.ndarray]:
    """Return the frame that the labels belong to, and its number."""
    name = "reference" if options.segment_frame is None else "segment_frame"
    wanted = options.reference if options.segment_frame is None else options.segment_frame
    if wanted is not None and wanted >= len(series):
        raise InputError(f"{name} must be one of the frames 0 to {len(series) - 1}, got {wanted}; change it")
    for number in range(len(series)) if wanted is None else (wanted,):
        frame = series.read(number)
        if frame is not None and np.isfinite(frame).all() and frame.min() < frame.max():
            return number, frame
    if wanted is None:
        raise InputError(
            f"{series.name} has no frame that can be used; {next(iter(series.faults.values()), '')}"
        )
    raise InputError(f"frame {wanted} is missing, constant or not finite; choose another {name}=...")


def _labels(
    series: Series, reference: np.ndarray, options: TimecourseOptions, report: Progress
) -> tuple[np.ndarray, list[str]]:
    """Return the labels of the file, or of a segmentation of the reference frame, and remarks on it."""
    if options.labels is not None:
        return _on_grid(options.labels, io.read_labels(options.labels), series).data, []
    result = anystar.load_model(options.model).segment(
        Volume(data=reference, spacing=series.spacing, unit=series.unit),
        diameter=options.diameter,
        progress=report,
    )
    if not len(result.objects):
        raise InputError(
            f"nothing was found in frame {options.segment_frame}; try diameter=D, or give labels=..."
        )
    return result.labels, list(map(str, result.notes))


def _on_grid(path: Path, volume: Volume, series: Series) -> Volume:
    refuse_mismatch(path, volume, Path(series.name), series)
    return volume


def _write(
    outputs: dict[str, Path],
    course: Timecourse,
    series: Series,
    reference: np.ndarray,
    labels: np.ndarray,
    options: TimecourseOptions,
) -> None:
    """Write all results or none."""
    seconds = options.interval or series.seconds
    with staged(*outputs.values()) as temporary:
        place = dict(zip(outputs, temporary, strict=True))
        write_curves(place["curves"], course, seconds=seconds)
        write_frames(place["frames"], course, seconds=seconds)
        save_timecourse(
            place["figure"],
            course,
            reference,
            labels,
            spacing=series.spacing,
            seconds=seconds,
            title=f"{Path(series.name).name}: {len(course.label)} regions, {len(course.frame)} frames",
        )
        if "labels" in outputs:
            io.write(place["labels"], labels, like=series.first)
