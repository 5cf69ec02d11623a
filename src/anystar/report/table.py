"""One line per object, as CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, Protocol

import numpy as np

from anystar.atomic import staged

__all__ = ["COLUMNS", "ObjectTable", "table_rows", "write_table"]

COLUMNS = (
    "label",
    "probability",
    *(f"{a}_vox" for a in "zyx"),
    *(f"{a}_um" for a in "zyx"),
    "volume_vox",
    "volume_um3",
    *(f"{a}_start" for a in "zyx"),
    *(f"{a}_stop" for a in "zyx"),
)
"""Columns of the table. Positions are centroids, in micrometres counted from the centre of the first voxel;
the box is half-open, ``[start, stop)`` in voxels. Without a spacing in micrometres, those cells are empty.
"""


class ObjectTable(Protocol):
    """Arrays of N rows: what :class:`anystar.predict.Objects` has."""

    @property
    def label(self) -> np.ndarray:
        """(N,) int32."""

    @property
    def probability(self) -> np.ndarray:
        """(N,) float32."""

    @property
    def centroid_vox(self) -> np.ndarray:
        """(N, 3) ZYX."""

    @property
    def volume_vox(self) -> np.ndarray:
        """(N,) int."""

    @property
    def bbox(self) -> np.ndarray:
        """(N, 6) z0 y0 x0 z1 y1 x1, half-open."""


def write_table(
    path: str | Path,
    objects: ObjectTable,
    *,
    spacing: tuple[float, float, float] | None = None,
    unit: Literal["um", "relative"] = "um",
) -> None:
    """Write the objects to a CSV file with the columns :data:`COLUMNS`, which appears whole or not at all.

    Parameters
    ----------
    path : str or Path
        Name of the file.
    objects : ObjectTable
        Any object with these arrays.
    spacing : 3 floats, optional
        Size of a voxel along Z, Y, X.
    unit : {"um", "relative"}
        Only spacing in micrometres fills the ``_um`` columns.
    """
    scale = np.array(spacing) if spacing is not None and unit == "um" else None
    with staged(path) as (temporary,), open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(table_rows(objects, scale))


def table_rows(objects: ObjectTable, scale: np.ndarray | None) -> Iterator[list[int | str]]:
    """Yield the cells of each object; ``scale`` is micrometres per voxel (ZYX), if known."""
    for i in range(len(objects.label)):
        centroid, volume = objects.centroid_vox[i], int(objects.volume_vox[i])
        lengths = ["", "", ""] if scale is None else [_short(c) for c in centroid * scale]
        yield [
            int(objects.label[i]),
            _short(objects.probability[i]),
            *(_short(c) for c in centroid),
            *lengths,
            volume,
            "" if scale is None else _short(volume * scale.prod()),
            *(int(b) for b in objects.bbox[i]),
        ]


def _short(value: float) -> str:
    """Return six significant digits, as much as a voxel grid can mean."""
    return f"{float(value):.6g}"
