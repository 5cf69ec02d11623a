"""Outputs that several volumes make together: a joined table, and labels with a time axis."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from anystar._version import __version__
from anystar.config import dump_plain
from anystar.objects.table import Table
from anystar.report.table import write_table
from anystar.workflow.batch import Job
from anystar.workflow.file_result import FileResult

if TYPE_CHECKING:
    from anystar.io.label_series import LabelSeries

__all__ = ["Collected"]


class Collected:
    """Gathers what jobs share, in a ``with`` statement; the files appear with :meth:`finish`.

    Labels of a time point go to the disk at once, tables stay in memory until then. A time point that failed
    has no labels and no rows.
    """

    def __init__(self) -> None:
        self._tables: dict[Path, list[tuple[Table, Mapping[str, str | int | None]]]] = {}
        self._runs: dict[Path, list[str]] = {}
        self._series: dict[Path, LabelSeries] = {}

    def __enter__(self) -> Collected:
        return self

    def __exit__(self, *_: object) -> None:
        for series in self._series.values():
            series.discard()

    def add(self, job: Job, done: FileResult) -> None:
        """Take the part of a job."""
        if "table" in job.shared and job.outputs.table is not None and done.table is not None:
            time = job.time if job.num_times > 1 else None
            origin = {"file": job.image.name, "time": time, "channel": job.channel}
            self._tables.setdefault(job.outputs.table, []).append((done.table, origin))
            self._runs.setdefault(job.outputs.table, []).append(done.provenance)
        if "labels" in job.shared and done.labels is not None and job.time is not None:
            from anystar.io.label_series import LabelSeries  # brings zarr along

            path = job.outputs.labels
            if path not in self._series:
                self._series[path] = LabelSeries.create(path, job.num_times, like=done.labels, overwrite=True)
            self._series[path].write(job.time, done.labels.data)

    def finish(self) -> list[Path]:
        """Write the files and return them."""
        written = [series.finish() for series in self._series.values()]
        self._series = {}
        for path, parts in self._tables.items():
            runs = [tomllib.loads(text) for text in self._runs[path]]
            write_table(
                path, Table.join(parts), provenance=dump_plain({"anystar": __version__, "joined": runs})
            )
            written.append(path)
        self._tables = {}
        return written
