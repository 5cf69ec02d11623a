"""The table of objects: one row an object, columns of measures, from labels, polyhedra and intensities."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from scipy.ndimage import maximum_filter1d

from anystar.arrays import OnGrid, refuse_other_axes
from anystar.config import ConfigError, nearest
from anystar.errors import InputError
from anystar.geometry.measures import measure
from anystar.geometry.rays import Rays

__all__ = [
    "COLUMNS",
    "MeasuredObjects",
    "Placed",
    "Table",
    "add_channel",
    "add_mask",
    "add_overlap",
    "check_mask",
    "place_columns",
    "tabulate",
]

_PLACE = (
    "label",
    "probability",
    *(f"{a}_vox" for a in "zyx"),
    *(f"{a}_um" for a in "zyx"),
    "volume_vox",
    "volume_um3",
    *(f"{a}_start" for a in "zyx"),
    *(f"{a}_stop" for a in "zyx"),
    *(f"{a}_start_um" for a in "zyx"),
    *(f"{a}_stop_um" for a in "zyx"),
    "touches_border",
)
_SHAPE = ("surface_vox", "surface_um2", "sphericity")
_INTENSITY = ("intensity_mean", "intensity_median", "intensity_min", "intensity_max")
_CONTRAST = ("background", "contrast")

COLUMNS = {
    "label": "number in the label image",
    "probability": "how sure the model is, 0 to 1",
    "z_vox y_vox x_vox": "centre of mass in voxels",
    "z_um y_um x_um": "centre of mass in micrometres from the centre of the first voxel",
    "volume_vox volume_um3": "voxels of the label, and what they take up",
    "z_start ... x_stop": "box in voxels, half-open: [start, stop)",
    "z_start_um ... x_stop_um": "edges of the box in micrometres from the centre of the first voxel",
    "touches_border": "whether the label has voxels on the image's border",
    "surface_vox surface_um2": "surface of the polyhedron; first in units of a voxel's shortest edge",
    "sphericity": "surface of a ball of the polyhedron's volume over its own, 1 for a ball",
    "intensity_mean intensity_median intensity_min intensity_max": "of the label's voxels in the image",
    "background": "mean of the unlabelled voxels around, from one voxel off",
    "contrast": "(mean - background) / standard deviation of the two: above 0 for bright objects",
    "intensity_mean_cN ...": "of the label's voxels in channel N, for the channels not segmented",
    "mask_overlap": "fraction of the label's voxels inside the mask, if one was given",
    "centre_z centre_y centre_x distance_0 ...": "on request: the polyhedron's centre in voxels, and its "
    "distances along the model's rays in units of the shortest edge of a voxel",
}
"""What the columns mean. What is not known (micrometres without a voxel size, the contrast of an object
without free voxels around it) is NaN, and an empty cell in CSV."""


class Placed(Protocol):
    """Arrays of N rows: where objects lie."""

    @property
    def label(self) -> np.ndarray:
        """(N,) int."""

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


class MeasuredObjects(Placed, Protocol):
    """Arrays of N rows: what :class:`anystar.predict.Objects` has."""

    @property
    def centre_vox(self) -> np.ndarray:
        """(N, 3) ZYX: centres of the polyhedra."""

    @property
    def distances(self) -> np.ndarray:
        """(N, R) in units of the shortest edge of a voxel."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Table:
    """Columns of N rows, see :data:`COLUMNS`.

    Examples
    --------
    >>> table = Table(columns={"label": np.array([1, 2]), "volume_vox": np.array([30, 9])})
    >>> table.select(table["volume_vox"] > 10)["label"]
    array([1])
    """

    columns: Mapping[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.columns["label"])

    def __contains__(self, name: object) -> bool:
        return name in self.columns

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self.columns:
            raise ConfigError(f"the table has no column '{name}'{nearest(name, self.columns)}")
        return self.columns[name]

    def select(self, rows: np.ndarray) -> Table:
        """Return the rows of a mask or of indices."""
        return Table(columns={name: values[rows] for name, values in self.columns.items()})

    def known(self, name: str) -> bool:
        """Return whether a column is there and says something."""
        if name not in self.columns:
            return False
        values = self.columns[name]
        return values.dtype.kind != "f" or len(values) == 0 or not bool(np.isnan(values).all())

    @staticmethod
    def concat(tables: Iterable[Table]) -> Table:
        """Return the rows of several tables of the same columns (of the blocks of a volume, say)."""
        parts = list(tables)
        return Table(columns={n: np.concatenate([t.columns[n] for t in parts]) for n in parts[0].columns})


def tabulate(
    labels: np.ndarray,
    objects: MeasuredObjects,
    rays: Rays,
    *,
    image: np.ndarray | None = None,
    spacing: tuple[float, float, float] | None = None,
    unit: Literal["um", "relative"] = "um",
    origin: tuple[int, int, int] = (0, 0, 0),
    shape: Sequence[int] | None = None,
    distances: bool = False,
) -> Table:
    """Measure objects in a volume, or in a part of one.

    Parameters
    ----------
    labels : numpy.ndarray
        ``(Z, Y, X)`` integers. A part of a volume must hold the objects as a whole.
    objects : MeasuredObjects
        Which to measure, in voxels of the whole volume.
    rays : Rays
        Directions of the distances.
    image : numpy.ndarray, optional
        What was segmented, shape of ``labels``: gives intensities and contrast.
    spacing : 3 floats, optional
        Size of a voxel along Z, Y, X.
    unit : {"um", "relative"}
        Only spacing in micrometres fills the columns in micrometres.
    origin : 3 ints
        Where ``labels`` begins in the whole volume.
    shape : 3 ints, optional
        Of the whole volume, if ``labels`` is a part.
    distances : bool
        Whether to add the polyhedra.

    Returns
    -------
    Table
    """
    if image is not None and image.shape != labels.shape:
        raise InputError(f"image must have the shape of the labels, {labels.shape}, got {image.shape}")
    size = spacing or (1.0, 1.0, 1.0)
    metric = spacing is not None and unit == "um"
    columns = place_columns(objects, shape or labels.shape, spacing=spacing, unit=unit)
    columns |= _shape(objects, rays, size, metric)
    corner = np.array(origin)
    boxes = objects.bbox.reshape(-1, 2, 3) - corner
    if image is not None:
        columns |= _intensity(labels, image, objects.label, boxes)
        columns |= _contrast(labels, image, objects.label, boxes, size)
    if distances:
        columns |= {f"centre_{a}": objects.centre_vox[:, i] for i, a in enumerate("zyx")}
        columns |= {f"distance_{i}": objects.distances[:, i] for i in range(objects.distances.shape[1])}
    return Table(columns=columns)


def place_columns(
    objects: Placed,
    shape: Sequence[int],
    *,
    spacing: tuple[float, float, float] | None = None,
    unit: Literal["um", "relative"] = "um",
) -> dict[str, np.ndarray]:
    """Return the columns that need neither image nor polyhedra: where objects lie, and how large they are.

    Parameters
    ----------
    objects : Placed
        In voxels of the whole volume.
    shape : 3 ints
        Of the whole volume.
    spacing : 3 floats, optional
        Size of a voxel along Z, Y, X.
    unit : {"um", "relative"}
        Only spacing in micrometres fills the columns in micrometres.
    """
    scale = np.array(spacing) if spacing is not None and unit == "um" else np.full(3, np.nan)
    start, stop = objects.bbox[:, :3], objects.bbox[:, 3:]
    values: list[Any] = [
        objects.label,
        objects.probability,
        *objects.centroid_vox.T,
        *(objects.centroid_vox * scale).T,
        objects.volume_vox,
        objects.volume_vox * scale.prod(),
        *start.T,
        *stop.T,
        *((start - 0.5) * scale).T,
        *((stop - 0.5) * scale).T,
        ((start == 0) | (stop == np.array(shape))).any(axis=1),
    ]
    return dict(zip(_PLACE, map(np.asarray, values), strict=True))


def _shape(
    objects: MeasuredObjects, rays: Rays, size: Sequence[float], metric: bool
) -> dict[str, np.ndarray]:
    """Measure the polyhedra, which neither voxels nor neighbours roughen."""
    edge = min(size)
    points = objects.centre_vox * (np.array(size) / edge)
    bodies = measure(points, objects.distances, rays)
    ball = np.cbrt(36 * math.pi * bodies.volume**2)
    sphericity = np.divide(ball, bodies.surface, out=np.ones_like(ball), where=bodies.surface > 0)
    sphericity = np.minimum(sphericity, 1)  # volume and surface are each 0.2% off
    values = (bodies.surface, bodies.surface * (edge**2 if metric else math.nan), sphericity)
    return dict(zip(_SHAPE, values, strict=True))


def _intensity(
    labels: np.ndarray, image: np.ndarray, numbers: np.ndarray, boxes: np.ndarray
) -> dict[str, np.ndarray]:
    rows = np.full((len(numbers), 4), np.nan)
    for row, number, box in zip(rows, numbers, boxes, strict=True):
        crop = _crop(box)
        values = image[crop][labels[crop] == number]
        if len(values):
            row[:] = values.mean(dtype=np.float64), np.median(values), values.min(), values.max()
    return dict(zip(_INTENSITY, rows.T, strict=True))


def _contrast(
    labels: np.ndarray, image: np.ndarray, numbers: np.ndarray, boxes: np.ndarray, size: Sequence[float]
) -> dict[str, np.ndarray]:
    """Compare every object with the free voxels around it, but not those next to it, half its own."""
    rows = np.full((len(numbers), 2), np.nan)
    width = [max(1, round(2 * min(size) / s)) for s in size]
    for row, number, (start, stop) in zip(rows, numbers, boxes, strict=True):
        margin = np.array(width) + 1
        crop = _crop((np.maximum(start - margin, 0), np.minimum(stop + margin, labels.shape)))
        here = labels[crop]
        inside = here == number
        near, far = inside.view(np.uint8), inside.view(np.uint8)
        for axis, w in enumerate(width):
            near = maximum_filter1d(near, 3, axis=axis, mode="constant")
            far = maximum_filter1d(far, 2 * w + 3, axis=axis, mode="constant")
        around = (far > near) & (here == 0)
        if not (around.any() and inside.any()):
            continue
        values = image[crop]
        own, other = values[inside].astype(np.float64), values[around].astype(np.float64)
        spread = math.sqrt((own.var() + other.var()) / 2)
        difference = own.mean() - other.mean()
        row[:] = other.mean(), difference / spread if spread else math.copysign(math.inf, difference)
        if difference == 0:
            row[1] = 0.0
    return dict(zip(_CONTRAST, rows.T, strict=True))


def add_channel(
    table: Table,
    labels: np.ndarray,
    image: np.ndarray,
    number: int,
    *,
    origin: Sequence[int] = (0, 0, 0),
) -> Table:
    """Return the table with the intensities in another channel, ``intensity_mean_c1`` for number 1 and so on.

    Parameters
    ----------
    table : Table
        Objects of ``labels``.
    labels, image : numpy.ndarray
        ``(Z, Y, X)``: the whole volume, or a part of it that holds the objects.
    number : int
        Of the channel, counted from 0.
    origin : 3 ints
        Where that part begins in the volume that the table's boxes are of.
    """
    measured = _intensity(labels, image, table["label"], _boxes(table) - np.array(origin))
    return Table(columns={**table.columns, **{f"{n}_c{number}": c for n, c in measured.items()}})


def add_mask(table: Table, labels: np.ndarray, mask: np.ndarray) -> Table:
    """Return the table with ``mask_overlap``: the fraction of every object where ``mask`` is not 0.

    Parameters
    ----------
    table : Table
        Objects of ``labels``.
    labels, mask : numpy.ndarray
        ``(Z, Y, X)``: the whole volume.
    """
    if mask.shape != labels.shape:
        raise InputError(f"mask must have the shape of the image, {labels.shape}, got {mask.shape}")
    return add_overlap(table, np.bincount(labels[mask != 0]))


def check_mask(name: object, mask: OnGrid, of: str, expected: OnGrid) -> None:
    """Raise ``ValueError`` if a mask, named by its file, does not lie on the image, or the labels."""
    if mask.shape != expected.shape:
        raise ConfigError(
            f"{name} has shape {mask.shape}, the {of} {expected.shape}; give a mask of the same shape"
        )
    refuse_other_axes(name, mask, f"the {of}", expected)


def add_overlap(table: Table, inside: np.ndarray) -> Table:
    """Return the table with ``mask_overlap``, given how many voxels of each label lie in the mask.

    Parameters
    ----------
    table : Table
        Objects.
    inside : numpy.ndarray
        Counts by label, ``np.bincount(labels[mask])``; may end early.
    """
    counts = np.zeros(max(len(inside), int(table["label"].max(initial=0)) + 1), np.int64)
    counts[: len(inside)] = inside
    return Table(columns={**table.columns, "mask_overlap": counts[table["label"]] / table["volume_vox"]})


def _boxes(table: Table) -> np.ndarray:
    """Return start and stop of every object, ``(N, 2, 3)``."""
    ends = [[table[f"{a}_{end}"] for a in "zyx"] for end in ("start", "stop")]
    return np.array(ends).transpose(2, 0, 1)


def _crop(box: Any) -> tuple[slice, ...]:
    return tuple(slice(int(a), int(b)) for a, b in zip(*box, strict=True))
