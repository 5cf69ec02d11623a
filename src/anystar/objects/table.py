"""The table of objects: one row per object, and the specification of every column, known without data."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from anystar.arrays import LENGTH_UNITS, LengthUnit
from anystar.config import nearest
from anystar.errors import InputError

if TYPE_CHECKING:
    import pandas

__all__ = [
    "JOINED",
    "Column",
    "Table",
    "column",
    "columns",
    "empty_table",
    "in_length_unit",
    "in_micrometres",
]

_HEAD = 5
"""Rows that are displayed."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of the table of objects."""

    name: str
    kind: Literal["int", "float", "bool", "text"] = "float"
    unit: str = ""
    """``voxel``, ``um``, ``um2``, ``um3``, ``edge`` (shortest edge of a voxel), ``image`` (the image's own),
    or nothing for a number without a unit."""
    meaning: str

    @property
    def dtype(self) -> np.dtype:
        """NumPy type of its values."""
        kinds = {"int": np.int64, "float": np.float64, "bool": np.bool_, "text": np.str_}
        return np.dtype(kinds[self.kind])


def _along(
    pattern: str, unit: str, meaning: str, kind: Literal["int", "float"] = "float"
) -> tuple[Column, ...]:
    names = [(pattern.format(axis), axis.upper()) for axis in "zyx"]
    return tuple(Column(name=n, kind=kind, unit=unit, meaning=meaning.format(a)) for n, a in names)


_FIRST = "from the centre of the first voxel"
_PLACE = (
    Column(name="label", kind="int", meaning="number in the label image"),
    Column(name="probability", meaning="confidence of the model, 0 to 1; unknown for labels from elsewhere"),
    Column(
        name="calibrated_probability",
        meaning="chance that the object is real: 70% of simulated objects with 0.7 were; unknown for labels "
        "from elsewhere and models that are not calibrated",
    ),
    *_along("{}_vox", "voxel", "centre of mass along {}"),
    *_along("{}_um", "um", f"centre of mass along {{}}, {_FIRST}"),
    Column(name="volume_vox", kind="int", unit="voxel", meaning="number of voxels of the label"),
    Column(name="volume_um3", unit="um3", meaning="volume of these voxels"),
    Column(
        name="volume_uncertainty",
        meaning="standard uncertainty of the volume as a share of it: 0.1 is 10%; unknown for labels from "
        "elsewhere, edited objects and models that are not calibrated",
    ),
    *_along("{}_start", "voxel", "first voxel of the bounding box along {}", "int"),
    *_along("{}_stop", "voxel", "end of the bounding box along {}, exclusive", "int"),
    *_along("{}_start_um", "um", f"lower edge of the bounding box along {{}}, {_FIRST}"),
    *_along("{}_stop_um", "um", f"upper edge of the bounding box along {{}}, {_FIRST}"),
    Column(
        name="touches_border", kind="bool", meaning="whether the label touches a border or constant margin"
    ),
)
_WHOSE = "of the predicted polyhedron, or of the label's voxels (Crofton's formula) for labels from elsewhere"
_SHAPE = (
    Column(name="surface_vox", unit="edge", meaning=f"surface area {_WHOSE}, in squared edges"),
    Column(name="surface_um2", unit="um2", meaning="the same surface area"),
    Column(name="sphericity", meaning="surface area of a ball of the same volume over the own, 1 for a ball"),
)
_STATISTICS = (("mean", "mean"), ("median", "median"), ("min", "lowest"), ("max", "highest"))
_CONTRAST = (
    Column(name="background", unit="image", meaning="mean of the unlabelled voxels around the object"),
    Column(name="contrast", meaning="(mean - background) / standard deviation of the two; above 0: bright"),
)
_CORRECTION = (
    Column(
        name="provenance",
        kind="text",
        meaning="found by the model, or added, merged, split, painted, refitted in a correction by hand",
    ),
    Column(name="reviewed", kind="bool", meaning="whether somebody made, changed or confirmed the object"),
)
_MASK = (Column(name="mask_overlap", meaning="fraction of the label's voxels inside the mask"),)


def _intensity(channel: str = "") -> tuple[Column, ...]:
    where = f"channel {channel.removeprefix('c')}" if channel else "the image"
    return tuple(
        Column(
            name=f"intensity_{name}_{channel}".rstrip("_"),
            unit="image",
            meaning=f"{what} of the label's voxels in {where}",
        )
        for name, what in _STATISTICS
    )


def _distances(num_rays: int) -> tuple[Column, ...]:
    rays = (
        Column(name=f"distance_{i}", unit="edge", meaning=f"from the polyhedron's centre along ray {i}")
        for i in range(num_rays)
    )
    return (*_along("centre_{}", "voxel", "centre of the polyhedron along {}"), *rays)


JOINED = (
    Column(name="file", kind="text", meaning="name of the image, in a table of several"),
    Column(name="time", meaning="time point, from 0"),
    Column(name="channel", kind="text", meaning="name or number of the channel"),
)
"""Columns in front of those of each image in a joined table."""


def columns(
    *,
    image: bool = True,
    channels: Iterable[str] = (),
    mask: bool = False,
    num_rays: int | None = None,
    corrected: bool = False,
) -> tuple[Column, ...]:
    """Return the columns of a table, in their order.

    Parameters
    ----------
    image : bool
        Whether the image that was segmented is measured: intensities and contrast.
    channels : iterable of str
        Names of further channels: ``c1`` gives ``intensity_mean_c1``.
    mask : bool
        Whether there is a mask.
    num_rays : int, optional
        Number of rays of the polyhedra, if these are added.
    corrected : bool
        Whether the labels were corrected by hand.

    Examples
    --------
    >>> [c.name for c in columns(image=False)][-3:]
    ['surface_vox', 'surface_um2', 'sphericity']
    """
    parts = [*_PLACE, *_SHAPE]
    parts += [*_intensity(), *_CONTRAST] if image else []
    parts += _distances(num_rays) if num_rays is not None else []
    parts += _CORRECTION if corrected else []
    parts += _MASK if mask else []
    for channel in channels:
        parts += _intensity(channel)
    return tuple(parts)


def column(name: str) -> Column | None:
    """Return the specification of a column by its name, None for a name that no table of ours has.

    >>> column("intensity_mean_GFP").meaning, column("colour")
    ("mean of the label's voxels in channel GFP", None)
    """
    parts = name.split("_", 2)
    channel = [parts[2]] if len(parts) == 3 and parts[0] == "intensity" else []
    rays = int(name[9:]) + 1 if name.startswith("distance_") and name[9:].isdecimal() else 0
    own = columns(channels=channel, mask=True, num_rays=min(rays, 10_000), corrected=True)
    known = (*JOINED, *own)
    return next((c for c in known if c.name == name), None)


def empty_table(specification: Sequence[Column]) -> Table:
    """Return a table of these columns without rows: what a condition can be checked against."""
    return Table(columns={c.name: np.zeros(0, c.dtype) for c in specification})


def in_length_unit(name: str, unit: LengthUnit) -> tuple[str, float]:
    """Return the name of a column in another unit of length, and what its values are divided by.

    >>> in_length_unit("volume_um3", "mm"), in_length_unit("z_stop_um", "nm"), in_length_unit("label", "mm")
    (('volume_mm3', 1000000000.0), ('z_stop_nm', 0.001), ('label', 1.0))
    """
    found = _LENGTH.fullmatch(name)
    if found is None or found["unit"] != "um":
        return name, 1.0
    return f"{found['of']}_{unit}{found['power']}", LENGTH_UNITS[unit] ** int(found["power"] or 1)


def in_micrometres(name: str) -> tuple[str, float, LengthUnit | None]:
    """Return the name that a column has in micrometres, what its values are multiplied by, and its unit.

    >>> in_micrometres("volume_mm3"), in_micrometres("label")
    (('volume_um3', 1000000000.0, 'mm'), ('label', 1.0, None))
    """
    found = _LENGTH.fullmatch(name)
    micrometres = found and f"{found['of']}_um{found['power']}"
    if found is None or micrometres not in _LENGTHS:
        return name, 1.0, None
    unit = next(unit for unit in LENGTH_UNITS if unit == found["unit"])
    return micrometres, LENGTH_UNITS[unit] ** int(found["power"] or 1), unit


_LENGTH = re.compile(r"(?P<of>\w+)_(?P<unit>nm|um|mm|m)(?P<power>[23]?)")
_LENGTHS = tuple(each.name for each in columns(image=False) if each.unit.startswith("um"))
"""Columns that are lengths, areas or volumes."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Table:
    """Columns of N rows, see :func:`columns`; a value that is unknown is NaN.

    Lengths in micrometres are unknown without a voxel size, the contrast of an object without unlabelled
    voxels around it.

    Examples
    --------
    >>> table = Table(columns={"label": np.array([1, 2]), "volume_vox": np.array([30, 9])})
    >>> table.select(table["volume_vox"] > 10)["label"]
    array([1])
    """

    columns: Mapping[str, np.ndarray]
    length_unit: LengthUnit = "um"
    """Unit of lengths in files; columns in memory are in micrometres."""

    def __len__(self) -> int:
        return len(self.columns["label"])

    def __contains__(self, name: object) -> bool:
        return name in self.columns

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def __getitem__(self, name: str) -> np.ndarray:
        own, factor, _ = in_micrometres(name)
        if name not in self.columns and own in self.columns:  # another unit of length
            return self.columns[own] / factor
        if name not in self.columns:
            raise InputError(f"the table has no column '{name}'{nearest(name, self.columns)}")
        return self.columns[name]

    def select(self, rows: np.ndarray) -> Table:
        """Return the rows of a mask or of indices."""
        return replace(self, columns={name: values[rows] for name, values in self.columns.items()})

    def known(self, name: str) -> bool:
        """Return whether a column exists and has a value that is known."""
        if name not in self.columns:
            return False
        values = self.columns[name]
        return values.dtype.kind != "f" or len(values) == 0 or not bool(np.isnan(values).all())

    def with_columns(self, added: Mapping[str, np.ndarray]) -> Table:
        """Return the table with columns added or replaced."""
        return replace(self, columns={**self.columns, **added})

    def moved(self, offset: Sequence[int], spacing: Sequence[float]) -> Table:
        """Return the table with its positions ``offset`` voxels (Z, Y, X) further, in a larger volume.

        Parameters
        ----------
        offset : 3 ints
            First voxel of the part that was measured.
        spacing : 3 floats
            Size of a voxel along Z, Y, X.
        """
        shifts: dict[str, float] = {}
        for axis, by, size in zip("zyx", offset, spacing, strict=True):
            shifts |= dict.fromkeys((f"{axis}_vox", f"{axis}_start", f"{axis}_stop", f"centre_{axis}"), by)
            shifts |= dict.fromkeys((f"{axis}_um", f"{axis}_start_um", f"{axis}_stop_um"), by * size)
        return self.with_columns({name: self[name] + by for name, by in shifts.items() if name in self})

    def to_pandas(self) -> pandas.DataFrame:
        """Return a pandas DataFrame; ``InputError`` if pandas is not installed."""
        try:
            import pandas
        except ImportError:
            raise InputError("pandas is not installed; install it, or use the columns as arrays") from None
        return pandas.DataFrame(dict(self.columns))

    @staticmethod
    def join(parts: Sequence[tuple[Table, Mapping[str, str | int | None]]]) -> Table:
        """Return the tables of several images as one, with columns in front that say where each row is from.

        Columns that only some tables have are unknown (NaN) in the others.

        Parameters
        ----------
        parts : sequence of (Table, mapping)
            Each table with the values of ``file``, ``time`` and ``channel``. One that is None for all has no
            column.

        Examples
        --------
        >>> one = Table(columns={"label": np.array([1, 2])})
        >>> joined = Table.join([(one, {"file": "a.tif", "time": 0}), (one, {"file": "a.tif", "time": 1})])
        >>> joined["time"].tolist(), joined["label"].tolist()
        ([0, 0, 1, 1], [1, 2, 1, 2])
        """
        made: dict[str, list[np.ndarray]] = {}
        for spec in JOINED:
            values = [origin.get(spec.name) for _, origin in parts]
            if any(value is not None for value in values):
                text = spec.kind == "text"
                known = [("" if text else np.nan) if v is None else str(v) if text else v for v in values]
                made[spec.name] = [np.full(len(t), v) for (t, _), v in zip(parts, known, strict=True)]
        for name in dict.fromkeys(name for table, _ in parts for name in table):
            made[name] = [
                table.columns[name] if name in table else np.full(len(table), np.nan) for table, _ in parts
            ]
        return Table(columns={name: np.concatenate(columns) for name, columns in made.items()})

    @staticmethod
    def concat(tables: Iterable[Table]) -> Table:
        """Return the rows of several tables that have the same columns."""
        parts = list(tables)
        joined = {n: np.concatenate([t.columns[n] for t in parts]) for n in parts[0].columns}
        return replace(parts[0], columns=joined)

    def __repr__(self) -> str:
        names = list(self.columns)
        some = ", ".join(names[:6]) + (f", ... ({len(names)} columns)" if len(names) > 6 else "")
        return f"Table of {len(self)} objects: {some}"

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{html.escape(name)}</th>" for name in self.columns)
        lines = zip(*(values[:_HEAD] for values in self.columns.values()), strict=True)
        rows = "".join(f"<tr>{''.join(f'<td>{_text(v)}</td>' for v in line)}</tr>" for line in lines)
        count = f"{len(self)} objects" + (f", the first {_HEAD}" if len(self) > _HEAD else "")
        return f"<p>{count}</p><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float | np.floating) else str(value)
