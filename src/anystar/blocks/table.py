"""The objects of all blocks as one table, written as they are read."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from anystar.atomic import staged
from anystar.blocks.measure import Measured
from anystar.report.table import COLUMNS, table_rows

__all__ = ["objects_of", "write_tables"]

Vec = tuple[float, float, float]
_GROUP_ROWS = 100_000


def objects_of(paths: Iterator[Path]) -> Iterator[Measured]:
    """Yield the objects of each block."""
    for path in paths:
        with np.load(path) as columns:
            yield Measured(**{name: columns[name] for name in columns.files})


def write_tables(path: Path, parts: Iterator[Measured], *, spacing: Vec | None) -> None:
    """Write a table whose name ends in ``.csv`` or ``.parquet``; it appears whole or not at all.

    Both have the columns of :data:`anystar.report.table.COLUMNS`.

    Parameters
    ----------
    spacing : three floats or None
        Micrometres per voxel, if known.
    """
    scale = None if spacing is None else np.array(spacing)
    with staged(path) as (temporary,):
        if path.suffix.lower() == ".parquet":
            _write_parquet(temporary, parts, scale)
            return
        with open(temporary, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            for part in parts:
                writer.writerows(table_rows(part, scale))


def _write_parquet(path: Path, parts: Iterator[Measured], scale: np.ndarray | None) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {"label": pa.int64(), "volume_vox": pa.int64(), "probability": pa.float32()}
    kinds |= {name: pa.int64() for name in COLUMNS if name.endswith(("_start", "_stop"))}
    schema = pa.schema([(name, kinds.get(name, pa.float64())) for name in COLUMNS])
    with pq.ParquetWriter(path, schema) as writer:
        for part in _gathered(parts):
            columns = _columns(part, scale)
            writer.write_table(pa.table([pa.array(columns[name]) for name in COLUMNS], schema=schema))


def _gathered(parts: Iterator[Measured]) -> Iterator[Measured]:
    """Join small parts, so that a group of rows is worth its overhead."""
    waiting: list[Measured] = []
    for part in parts:
        waiting.append(part)
        if sum(map(len, waiting)) >= _GROUP_ROWS:
            yield Measured.joined(waiting)
            waiting = []
    if waiting:
        yield Measured.joined(waiting)


def _columns(part: Measured, scale: np.ndarray | None) -> dict[str, np.ndarray]:
    unknown = np.full(len(part), np.nan)
    lengths = np.full((len(part), 3), np.nan) if scale is None else part.centroid_vox * scale
    whole = {"label": part.label, "probability": part.probability, "volume_vox": part.volume_vox}
    whole["volume_um3"] = unknown if scale is None else part.volume_vox * scale.prod()
    for i, axis in enumerate("zyx"):
        whole[f"{axis}_vox"], whole[f"{axis}_um"] = part.centroid_vox[:, i], lengths[:, i]
        whole[f"{axis}_start"], whole[f"{axis}_stop"] = part.bbox[:, i], part.bbox[:, 3 + i]
    return whole
