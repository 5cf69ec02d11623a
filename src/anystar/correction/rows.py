"""The objects of a segmentation as rows that can be changed one by one, each with its provenance."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args

import numpy as np

from anystar.box import triple
from anystar.correction.packed import Packed, pack, unpack
from anystar.geometry.rays import Rays
from anystar.objects.objects import LocatedObjects, Objects

__all__ = [
    "PROVENANCE",
    "Provenance",
    "Row",
    "decode_rows",
    "encode_rows",
    "objects_of",
    "rows_of",
    "same_rows",
]

Provenance = Literal["found", "added", "merged", "split", "painted", "refitted"]
PROVENANCE: tuple[Provenance, ...] = get_args(Provenance)
"""Where an object comes from: the model, a click, or the last edit of its voxels."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Row:
    """One object."""

    label: int
    """Number in the label image."""
    probability: float
    """Confidence of the model in [0, 1]; NaN if unknown."""
    centroid: tuple[float, float, float]
    """Centre of mass in voxels (ZYX)."""
    volume: int
    """Number of voxels."""
    bbox: tuple[int, int, int, int, int, int]
    """Half-open bounding box ``z0 y0 x0 z1 y1 x1``."""
    centre: tuple[float, float, float] | None = None
    """Where the rays of its polyhedron start, in voxels (ZYX), if there is one."""
    distances: np.ndarray | None = None
    """Lengths of the rays in shortest edges, float32, shape ``(R,)``."""
    provenance: Provenance = "found"
    reviewed: bool = False
    """Whether somebody has confirmed or made it."""
    calibrated_probability: float = math.nan
    """Chance that it is real, as the model says; NaN if unknown."""
    volume_uncertainty: float = math.nan
    """Relative standard uncertainty of the model's volume; NaN if unknown, as after every edit."""

    @property
    def drawn(self) -> bool:
        """Whether its voxels are those of its polyhedron."""
        return self.distances is not None and self.provenance in ("found", "added", "refitted")

    @property
    def key(self) -> tuple[object, ...]:
        """All values in a form that can be compared: NaN equals NaN."""
        body = None if self.distances is None else self.distances.tobytes()
        sure = (self.probability, self.calibrated_probability, self.volume_uncertainty)
        known = tuple(None if math.isnan(value) else value for value in sure)
        own = (self.label, known, self.centroid, self.volume, self.bbox, self.centre)
        return (*own, body, self.provenance, self.reviewed)


def same_rows(one: Mapping[int, Row], other: Mapping[int, Row]) -> bool:
    """Return whether two sets of rows are equal, bit for bit."""
    return one.keys() == other.keys() and all(row.key == other[label].key for label, row in one.items())


def rows_of(objects: LocatedObjects) -> dict[int, Row]:
    """Return the rows of objects by label, in their order."""
    rows = {}
    for i, label in enumerate(objects.label.tolist()):
        start, stop = objects.bbox[i].reshape(2, 3).tolist()
        row = Row(
            label=label,
            probability=float(objects.probability[i]),
            calibrated_probability=float(objects.calibrated_probability[i]),
            volume_uncertainty=float(objects.volume_uncertainty[i]),
            centroid=triple(objects.centroid_vox[i].tolist()),
            volume=int(objects.volume_vox[i]),
            bbox=(*triple(start), *triple(stop)),
        )
        if isinstance(objects, Objects):
            centre = triple(objects.centre_vox[i].tolist())
            row = replace(row, centre=centre, distances=objects.distances[i])
        rows[label] = row
    return rows


def objects_of(rows: Iterable[Row], rays: Rays) -> LocatedObjects:
    """Return rows as arrays, ascending by label; :class:`Objects` if all have a polyhedron."""
    ordered = sorted(rows, key=lambda row: row.label)
    num = len(ordered)
    located = LocatedObjects(
        label=np.array([row.label for row in ordered], np.int32),
        probability=np.array([row.probability for row in ordered], np.float32),
        calibrated_probability=np.array([row.calibrated_probability for row in ordered], np.float32),
        volume_uncertainty=np.array([row.volume_uncertainty for row in ordered], np.float32),
        centroid_vox=np.array([row.centroid for row in ordered], np.float64).reshape(num, 3),
        volume_vox=np.array([row.volume for row in ordered], np.int64),
        bbox=np.array([row.bbox for row in ordered], np.int64).reshape(num, 6),
    )
    bodies = [row.distances for row in ordered if row.distances is not None]
    if len(bodies) < num:
        return located
    return Objects(
        **vars(located),
        centre_vox=np.array([row.centre for row in ordered], np.float64).reshape(num, 3),
        distances=np.array(bodies, np.float32).reshape(num, len(rays)),
    )


def encode_rows(rows: Mapping[int, Row]) -> tuple[list[dict[str, Any]], Packed]:
    """Return rows as plain values, and the distances of those that have a polyhedron, in the same order."""
    plain = [
        {f.name: getattr(row, f.name) for f in fields(row) if f.name != "distances"} for row in rows.values()
    ]
    bodies = [row.distances for row in rows.values() if row.distances is not None]
    return plain, pack(np.array(bodies, np.float32).reshape(len(bodies), -1 if bodies else 0))


def decode_rows(plain: Iterable[Mapping[str, Any]], distances: Packed) -> dict[int, Row]:
    """Return the rows that :func:`encode_rows` described."""
    bodies = iter(unpack(distances))
    rows: dict[int, Row] = {}
    for values in plain:
        own: dict[str, Any] = {n: tuple(v) if isinstance(v, list) else v for n, v in values.items()}
        rows[own["label"]] = Row(**own, distances=None if own["centre"] is None else next(bodies))
    return rows
