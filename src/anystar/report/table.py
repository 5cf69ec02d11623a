"""The table of objects on the disk: CSV for people, Parquet for programs."""

from __future__ import annotations

import codecs
import contextlib
import csv
import io
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from anystar.errors import InputError
from anystar.objects.table import Table, column, in_length_unit, in_micrometres
from anystar.runtime.atomic import staged

__all__ = ["TABLE_SUFFIXES", "TableWriter", "read_table", "sidecar", "write_table"]

TABLE_SUFFIXES = (".csv", ".parquet")
_KEY = b"anystar"


def sidecar(path: str | Path) -> Path | None:
    """Return the file beside a CSV table that holds the provenance of its run; Parquet holds it inside.

    Examples
    --------
    >>> sidecar("out/a.csv").name, sidecar("out/a.parquet")
    ('a.csv.toml', None)
    """
    path = Path(path)
    return path.with_name(f"{path.name}.toml") if path.suffix.lower() == ".csv" else None


def write_table(path: str | Path, table: Table, *, provenance: str = "") -> None:
    """Write a table, which appears whole or not at all.

    Parameters
    ----------
    path : str or Path
        Ends in ``.csv`` or ``.parquet``.
    table : Table
        See :func:`anystar.objects.table.columns`. Lengths are written in its ``length_unit``, which is part
        of the names of the columns: ``volume_mm3``.
    provenance : str
        TOML: how the table was made. Kept in the metadata of a Parquet file (key ``anystar``), in the
        :func:`sidecar` of a CSV file.
    """
    with TableWriter(path) as writer:
        writer.add(table)
        writer.provenance = provenance


class TableWriter:
    """Writes a table part by part (block by block, say); the file appears when the ``with`` statement ends.

    Parameters
    ----------
    path : str or Path
        Ends in ``.csv`` or ``.parquet``.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.csv"
    >>> with TableWriter(path) as writer:
    ...     writer.add(Table(columns={"label": np.array([1])}))
    ...     writer.add(Table(columns={"label": np.array([2])}))
    >>> path.read_text().split()
    ['label', '1', '2']
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.provenance = ""
        "TOML that is kept with the table, see :func:`write_table`; read at the end."
        self._parquet = _ending(self.path) == ".parquet"
        self._rows: Any = None
        self._open = contextlib.ExitStack()

    def __enter__(self) -> TableWriter:
        (self._temporary,) = self._open.enter_context(staged(self.path))
        if not self._parquet:
            self._file = self._open.enter_context(open(self._temporary, "w", newline="", encoding="utf-8"))
        return self

    def add(self, table: Table) -> None:
        """Append rows; all parts have the same columns and the same unit of lengths."""
        table = _in_own_unit(table)
        if self._parquet:
            self._add_parquet(table)
            return
        if self._rows is None:
            self._rows = csv.writer(self._file)
            self._rows.writerow(table.columns)
        cells = [[_text(v) for v in column.tolist()] for column in table.columns.values()]
        self._rows.writerows(zip(*cells, strict=True))

    def _add_parquet(self, table: Table) -> None:
        import pyarrow
        import pyarrow.parquet

        made = pyarrow.table({name: np.ascontiguousarray(c) for name, c in table.columns.items()})
        if self._rows is None:
            writer = pyarrow.parquet.ParquetWriter(self._temporary, made.schema, compression="zstd")
            self._rows = self._open.enter_context(writer)
        self._rows.write_table(made.cast(self._rows.schema))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None and self._parquet and self._rows is not None:
            self._rows.add_key_value_metadata({_KEY: self.provenance.encode()})
        self._open.__exit__(kind, error, trace)
        beside = sidecar(self.path)
        if error is None and self.provenance and beside is not None:
            with staged(beside) as (temporary,):
                temporary.write_text(self.provenance, encoding="utf-8")


def read_table(path: str | Path) -> tuple[Table, str]:
    """Read a table of objects and its provenance (empty if there is none).

    CSV that a spreadsheet saved again is read as well: with a byte order mark, with semicolons or tabs, or
    with decimal commas. Rows may be deleted or sorted; added columns of text are left out. Lengths in another
    unit are converted to micrometres, and ``length_unit`` keeps that unit.

    Raises
    ------
    InputError
        If the file is no table of objects.
    """
    path = Path(path)
    if _ending(path) == ".parquet":
        table, provenance = _read_parquet(path)
        return _from_own_unit(table), provenance
    table, beside = _parse_csv(path, _decoded(path.read_bytes())), sidecar(path)
    if beside is None or not beside.is_file():
        return _from_own_unit(table), ""
    return _from_own_unit(table), beside.read_text(encoding="utf-8", errors="replace")


def _in_own_unit(table: Table) -> Table:
    """Return a table with lengths in its unit, as it is written."""
    if table.length_unit == "um":
        return table
    named = {name: in_length_unit(name, table.length_unit) for name in table}
    columns = {
        new: table[name] / factor if factor != 1 else table[name] for name, (new, factor) in named.items()
    }
    return replace(table, columns=columns)


def _from_own_unit(table: Table) -> Table:
    """Return a table that was read with lengths in micrometres."""
    named = {name: in_micrometres(name) for name in table}
    units = {unit for _, _, unit in named.values() if unit}
    if not units - {"um"}:
        return table
    columns = {
        new: table[name] * factor if factor != 1 else table[name] for name, (new, factor, _) in named.items()
    }
    return Table(columns=columns, length_unit=units.pop() if len(units) == 1 else "um")


def _decoded(content: bytes) -> str:
    """Return the text of a file in any encoding that spreadsheets write."""
    if content[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def _parse_csv(path: Path, text: str) -> Table:
    header = text.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    try:
        lines = list(csv.reader(io.StringIO(text), delimiter=delimiter))
    except csv.Error as error:
        raise InputError(f"{path} is no table of objects ({error}); give one that anystar wrote") from None
    rows = [row for row in lines if any(c.strip() for c in row)]
    if not rows or "label" not in rows[0] or any(len(row) != len(rows[0]) for row in rows):
        raise InputError(f"{path} is no table of objects, or cut off; give one that anystar segment wrote")
    columns = {}
    for i, name in enumerate(rows[0]):
        cells = [row[i].strip() for row in rows[1:]]
        known = column(rows[0][i])
        if delimiter != "," and (known is None or known.kind != "text"):
            cells = [cell.replace(",", ".") for cell in cells]
        try:
            columns[name] = _parse(name, cells)
        except ValueError as error:
            if column(name) is None:  # a column that was added: remarks, for example
                continue
            raise InputError(
                f"{path} is no table of numbers (column {name}: {error!s:.100}); give one that anystar wrote"
            ) from None
    return Table(columns=columns)


def _ending(path: Path) -> str:
    ending = path.suffix.lower()
    if ending not in TABLE_SUFFIXES:
        raise InputError(f"a table must end in .csv or .parquet, got {path}; change the name")
    return ending


def _text(value: float | bool | str) -> str:
    """Return an integer or a text as it is, a float with six significant digits, nothing for NaN.

    Six are as much as a voxel grid can mean.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return str(int(value))
    return "" if value != value else f"{value:.6g}"


def _parse(name: str, cells: list[str]) -> np.ndarray:
    known = column(name)
    if known is not None and known.kind == "text":
        return np.array(cells, np.str_)
    if known is not None and known.kind == "bool":
        return np.array([c.lower() in ("1", "1.0", "true") for c in cells], bool)
    if known is not None and known.kind == "int":
        values = np.array([float(c) for c in cells], np.float64)
        if not (np.abs(values) < 2.0**63).all() or (values != np.round(values)).any():
            raise ValueError("not a whole number, or too large")
        return values.astype(np.int64)
    return np.array([float(c or "nan") for c in cells], np.float64)


def _read_parquet(path: Path) -> tuple[Table, str]:
    import pyarrow.parquet

    try:
        found = pyarrow.parquet.read_table(path)
    except pyarrow.ArrowInvalid as error:
        why = str(error).splitlines()[0]
        raise InputError(f"{path} is no Parquet file, or cut off ({why:.120}); write it again") from None
    if "label" not in found.column_names:
        raise InputError(f"{path} is no table of objects; give one that anystar segment wrote")
    columns = {name: found[name].to_numpy() for name in found.column_names}
    columns |= {name: values.astype(np.str_) for name, values in columns.items() if values.dtype == object}
    stored = pyarrow.parquet.read_metadata(path).metadata or {}
    return Table(columns=columns), stored.get(_KEY, b"").decode()
