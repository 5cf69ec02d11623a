"""The table of objects as other programs read it, and as we read it again."""

import csv

import numpy as np
import pyarrow.parquet
import pytest

from anystar.objects.table import Table
from anystar.report.table import TableWriter, read_table, sidecar, write_table

TABLE = Table(
    columns={
        "label": np.array([1, 70_000], np.int32),
        "probability": np.array([0.987654321, 0.5], np.float32),
        "z_um": np.array([1.5, np.nan]),
        "volume_vox": np.array([8, 123_456_789]),
        "touches_border": np.array([True, False]),
    }
)
PROVENANCE = 'anystar = "1"\n'


def test_csv_for_other_programs(tmp_path):
    write_table(tmp_path / "a.csv", TABLE)
    with open(tmp_path / "a.csv", newline="", encoding="utf-8") as file:
        first, second = csv.DictReader(file)
    assert tuple(first) == tuple(TABLE.columns)
    assert (first["label"], first["probability"], second["label"]) == ("1", "0.987654", "70000")
    assert (first["z_um"], second["z_um"]) == ("1.5", "")
    assert (first["volume_vox"], second["volume_vox"]) == ("8", "123456789")
    assert (first["touches_border"], second["touches_border"]) == ("1", "0")
    assert [p.name for p in tmp_path.iterdir()] == ["a.csv"]


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_what_is_written_is_read(tmp_path, name):
    write_table(tmp_path / name, TABLE, provenance=PROVENANCE)
    table, provenance = read_table(tmp_path / name)
    assert provenance == PROVENANCE
    assert list(table.columns) == list(TABLE.columns)
    for column, values in TABLE.columns.items():
        np.testing.assert_allclose(table[column], values, rtol=1e-5, err_msg=column)
        assert table[column].dtype.kind == values.dtype.kind
    expected = {name} | ({"a.csv.toml"} if name == "a.csv" else set())
    assert {p.name for p in tmp_path.iterdir()} == expected
    assert (sidecar(tmp_path / name) is not None) == (name == "a.csv")


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_in_parts_it_is_the_same(tmp_path, name):
    write_table(tmp_path / f"whole_{name}", TABLE, provenance=PROVENANCE)
    with TableWriter(tmp_path / name) as writer:
        for row in range(2):
            writer.add(TABLE.select(np.array([row])))
        writer.provenance = PROVENANCE
    whole, parts = read_table(tmp_path / f"whole_{name}"), read_table(tmp_path / name)
    assert whole[1] == parts[1] == PROVENANCE
    for column in TABLE.columns:
        np.testing.assert_array_equal(whole[0][column], parts[0][column])


def test_parquet_for_other_programs(tmp_path):
    write_table(tmp_path / "a.parquet", TABLE, provenance=PROVENANCE)
    found = pyarrow.parquet.read_table(tmp_path / "a.parquet")
    assert found["label"].to_pylist() == [1, 70_000]
    assert str(found.schema.field("touches_border").type) == "bool"
    assert pyarrow.parquet.read_metadata(tmp_path / "a.parquet").metadata[b"anystar"] == PROVENANCE.encode()


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_a_failure_leaves_nothing(tmp_path, name):
    with pytest.raises((TypeError, ValueError)), TableWriter(tmp_path / name) as writer:
        writer.add(Table(columns=dict(TABLE.columns) | {"z_um": np.array([object()] * 2)}))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_no_objects_is_a_header(tmp_path, name):
    write_table(tmp_path / name, TABLE.select(np.zeros(2, bool)))
    table, _ = read_table(tmp_path / name)
    assert (len(table), list(table.columns)) == (0, list(TABLE.columns))


def test_what_is_no_table(tmp_path):
    with pytest.raises(ValueError, match=r"must end in .csv or .parquet, got .*a.xlsx; change"):
        write_table(tmp_path / "a.xlsx", TABLE)
    write_table(tmp_path / "a.parquet", TABLE)
    content = (tmp_path / "a.parquet").read_bytes()
    (tmp_path / "a.parquet").write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match="is no Parquet file, or cut off"):
        read_table(tmp_path / "a.parquet")
    for text in ("", "x,y\n1,2\n", "label,z_um\n1,\n2", "label\nx\n", "label\n1.5\n"):
        (tmp_path / "a.csv").write_text(text)
        with pytest.raises(ValueError, match="is no table of"):
            read_table(tmp_path / "a.csv")


SPREADSHEETS = {
    "byte order mark": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "semicolons": lambda text: text.replace(",", ";").encode(),
    "decimal commas": lambda text: text.replace(",", ";").replace(".", ",").encode(),
    "tabs in UTF-16": lambda text: text.replace(",", "\t").encode("utf-16"),
    "whole numbers as floats": lambda text: text.replace("70000", "7.0E+04").encode(),
    "empty rows at the end": lambda text: (text + ",,,,\r\n,,,,\r\n").encode(),
    "rows sorted": lambda text: "\r\n".join([(lines := text.split())[0], lines[2], lines[1], ""]).encode(),
    "a column of remarks": lambda text: text.replace("\r\n", ",größer\r\n").encode("cp1252"),
}


@pytest.mark.parametrize("name", SPREADSHEETS)
def test_what_a_spreadsheet_saves_again_is_read(tmp_path, name):
    write_table(tmp_path / "a.csv", TABLE)
    with open(tmp_path / "a.csv", newline="", encoding="utf-8") as file:
        text = file.read()
    (tmp_path / "a.csv").write_bytes(SPREADSHEETS[name](text))
    table, _ = read_table(tmp_path / "a.csv")
    table = table.select(np.argsort(table["label"]))
    assert list(table.columns) == list(TABLE.columns)
    for column, values in TABLE.columns.items():
        np.testing.assert_allclose(table[column], values, rtol=1e-5, err_msg=column)
        assert table[column].dtype.kind == values.dtype.kind


@pytest.mark.parametrize(
    "text",
    [
        "label,volume_vox\n1,2\r3\n",
        "label\n1e30\n",
        "label\ninf\n",
        "label\n" + "9" * 400 + "\n",
        "label\n" + "x" * 5000 + "\n",
        "\0",
    ],
)
def test_a_damaged_table_is_one_line(tmp_path, text):
    path = tmp_path / "t.csv"
    path.write_bytes(text.encode())
    with pytest.raises(ValueError, match=r"is no table of") as error:
        read_table(path)
    assert len(str(error.value)) < 500
