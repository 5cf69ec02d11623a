"""Label images from anywhere to the table of objects."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from anystar import io
from anystar._version import __version__
from anystar.arrays import Volume, refuse_mismatch
from anystar.config import dump_plain
from anystar.errors import InputError
from anystar.objects.measure import measure
from anystar.objects.table import Table
from anystar.outputs import refuse_ending, refuse_outputs
from anystar.preprocess.missing_voxels import MOST_MISSING
from anystar.report.table import TABLE_SUFFIXES, write_table

__all__ = ["MeasureResult", "measure_file"]


@dataclass(frozen=True, kw_only=True, eq=False)
class MeasureResult:
    """What was measured."""

    table: Table
    notes: tuple[str, ...] = ()
    """Remarks for the user, one line each."""
    channels: tuple[str, ...] = ()
    """Names of further channels that were measured."""


def measure_file(
    labels: Path,
    image: Path | None = None,
    *,
    table: Path,
    spacing: tuple[float, float, float] | None = None,
    channel: int | str | None = None,
    time: int | Literal["all"] | None = None,
    level: int = 0,
    series: int | None = None,
    axes: str | None = None,
    mask: Path | None = None,
    overwrite: bool = False,
) -> MeasureResult:
    """Measure the objects of a label image from anywhere, and write their table.

    The columns are those of :func:`anystar.segment_file`: intensities are measured in the same way, blank
    planes filled in, in every channel of the image.

    Parameters
    ----------
    labels : Path
        Label image: corrected by hand, of another tool, with gaps in the numbers.
    image : Path, optional
        The image that the labels belong to, for intensities and contrast.
    table : Path
        Where the table goes, ``.csv`` or ``.parquet``.
    spacing : 3 floats, optional
        Micrometres per voxel along Z, Y, X, instead of what the files say.
    channel, time, level, series, axes
        The volume of the image that the labels belong to, see :func:`anystar.open_image`; other channels are
        measured as well. Without an image, ``channel`` to ``axes`` are those of the label image. Labels with
        a time axis are taken at the time point of the image; with ``time="all"``, the objects of all time
        points make one table, with the column ``time``.
    mask : Path, optional
        Gives the column ``mask_overlap``.
    overwrite : bool
        Whether outputs that exist may be replaced.

    Raises
    ------
    InputError
        If a file cannot be used, or the files do not lie on the same grid.
    """
    refuse_ending("table", table, *TABLE_SUFFIXES)
    refuse_outputs([("the table", table)], inputs=(labels, image, mask), overwrite=overwrite)
    how: dict[str, Any] = {"channel": channel, "series": series, "axes": axes}
    own = how if image is None else {"axes": io.shared_axes(labels, image, axes)}
    with io.open_image(labels, sized=False, time=0, **own) as first:
        num_times = first.num_times
    if time == "all" and num_times == 1:
        raise InputError(f"{labels} has no time axis; leave time out, or measure each file")
    parts = []
    for at in range(num_times) if time == "all" else [time]:
        of_labels = at if num_times > 1 or image is None else None
        found = io.read_labels(labels, spacing=spacing, **own, time=of_labels)
        parts.append(_measure(labels, found, image, mask, spacing, level, how | {"time": at}))
    made = parts[0].table
    if time == "all":
        made = Table.join([(part.table, {"time": at}) for at, part in enumerate(parts)])
    given = {"labels": labels, "image": image, "mask": mask, "level": level or None, "time": time, **how}
    measured = {k: str(v) if isinstance(v, Path) else v for k, v in given.items() if v is not None}
    write_table(table, made, provenance=dump_plain({"anystar": __version__, "measured": measured}))
    notes = dict.fromkeys(note for part in parts for note in part.notes)
    return MeasureResult(table=made, notes=tuple(notes), channels=parts[0].channels)


def _measure(
    labels: Path,
    found: Volume,
    image: Path | None,
    mask: Path | None,
    spacing: tuple[float, float, float] | None,
    level: int,
    how: dict[str, Any],
) -> MeasureResult:
    """Measure the labels of one volume; ``how`` opens the image."""
    volume: Volume | None = None
    others: dict[str, Volume] = {}
    notes: list[str] = []
    if image is not None:
        with io.open_image(image, level=level, spacing=spacing, **how) as opened:
            refuse_mismatch(labels, found, image, opened)
            volume = opened.volume()
            notes += opened.notes
            notes += _missing_note(volume.data)
            others = {other.column_name: other.volume() for other in opened.others}
    if found.spacing is None and (volume is None or volume.spacing is None):
        notes.append(
            "no voxel size is known, so lengths in micrometres are not known; else give spacing=(Z, Y, X)"
        )
    inside = None
    if mask is not None:
        inside = io.read(mask, sized=False, axes=io.shared_axes(mask, image or labels, how["axes"]))
    made = measure(found, volume, intensities=others, mask=inside)
    return MeasureResult(table=made, notes=tuple(notes), channels=tuple(others))


def _missing_note(image: np.ndarray) -> list[str]:
    """Return what is done about voxels that are NaN or infinite, if there are any."""
    share = 0.0 if image.dtype.kind != "f" else float(1 - np.isfinite(image).mean())
    what = f"NaN or infinite voxels ({100 * share:.2g}%)"
    done = "are filled from their neighbours" if share <= MOST_MISSING else "do not count in the intensities"
    return [f"{what} {done}"] if share else []
